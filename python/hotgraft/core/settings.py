"""`hotgraft.toml`, the environment and arguments as settings, each with where it came from.

The schema; a key that is not here is refused with the nearest one that is::

    [host]                      # the settings of hotgraft.Options, each in seconds unless its name or comment says else
    settle_deadline_s = 5.0     # until a file that is still being written counts as broken
    control_deadline_s = 30.0   # for each of a plugin's own functions outside the gated window
    swap_deadline_s = 5.0       # gates, drain, quiesce, state and start together
    close_deadline_s = 10.0
    pin_deadline_s = 60.0
    staging_folder = ""         # for the staged copies; empty: a private one
    journal = ""                # its folder, relative to this file; empty: .hotgraft beside it; "off": no journal
    crash_report = true         # when the process dies in a plugin's code, stderr tells which and where
    probe = "start"             # try a candidate in a process of its own first: "start", "create" or "off"
    probe_deadline_s = 30.0     # for each stage of that
    probe_memory_bytes = 2147483648  # that it may take there
    probe_state_bytes = 4194304 # of live state that it is given a copy of; above it, it begins fresh
    probe_changes = "refuse"    # a candidate that changes what belongs to the process: "refuse" or "report"
    probation = "off"           # compare a new generation with the one it replaced: "on" or "off"
    probation_s = 10.0          # of a window that has
    probation_calls = 2000      # so many calls
    probation_max_s = 60.0      # of a window that has fewer
    rollback = "keep"           # where the state gained since cannot come along: "keep", "snapshot" or "refuse"
    snapshots = ""              # the folder for snapshots, relative to this file; empty: none
    snapshot_every_s = 0.0      # between two snapshots of every plugin; 0: none on a schedule
    snapshot_before_swap = false  # one that cannot be kept refuses the swap
    snapshot_at_close = true    # where there is a folder
    snapshots_kept = 8          # of each plugin
    snapshots_max_age_s = 0.0   # what is older goes, except for the two newest; 0: nothing is too old
    resume = "last"             # begin with the last snapshot: "last", "none" or "required"
    unknown_contract = "refuse" # a candidate of whose contract something cannot be decided: "refuse" or "allow"
    start_limit_rollbacks = 3   # of one plugin, within
    start_limit_s = 600.0       # so many seconds; with one more, none of its candidates is tried any more
    health_deadline_s = 5.0     # for each health check
    health_every_s = 5.0        # between two quick looks at the health of what is loaded; 0: none
    check_outputs = "off"       # hold what functions return to Python against [outputs], for development: or "report"
    catch_crashes = false       # for development: a call that crashes raises, and the process is tainted

    [run]
    reload = false              # reload a plugin when its image changes
    socket = ""                 # where `hotgraft status` and others ask; empty: in this user's folder; "off": nowhere
    allow_paths = false         # `hotgraft reload` may name an image that this host does not know

    [plugins.gain]              # one table per plugin; its name here is its name in the host
    image = "gain/build/gain.so"    # required: an image or a plugin.toml, relative to this file
    config = { volume = 0.5 }       # what create is given
    instances = { left = {}, right = { volume = 1.0 } }  # instead of config: one per instance
    grants = ["network"]            # permissions that its versions may ask for; policy, not a boundary
    priority = 0                    # of those that provide an interface in one version, the highest is called

A file ends at 128 KiB, 10,000 lines, 4,000 entries and brackets, and is nested 32 deep at most.

A value is taken from the first of: argument, environment (``HOTGRAFT_SWAP_DEADLINE_S``, ``HOTGRAFT_CRASH_REPORT``),
file, default. The file is the one named by ``--config`` or ``HOTGRAFT_CONFIG``, else ``./hotgraft.toml``.
"""

from __future__ import annotations

import os.path
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.errors import ConfigError
from hotgraft.core.manifest_checks import FEATURE_NAME, OFFERS_LIMIT, PLUGIN_NAME, Table, is_json
from hotgraft.core.options import COUNTS, FLAGS, Options, make_options
from hotgraft.core.sentences import printable, sentences
from hotgraft.core.toml_text import read_toml

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FILE_NAME", "PluginEntry", "Settings", "make_settings", "read_settings"]

FILE_NAME: Final = "hotgraft.toml"
PREFIX: Final = "HOTGRAFT_"
PATH_SHOWN: Final = 1024  # characters
PLUGINS_LIMIT: Final = 512
PRIORITY_LIMIT: Final = 1_000_000
JOURNAL: Final = ".hotgraft"  # beside the file
NO_JOURNAL: Final = "off"
RELOAD: Final = "reload"
SOCKET: Final = "socket"
ALLOW_PATHS: Final = "allow_paths"
NO_SOCKET: Final = "off"
DEFAULT: Final = "default"
# Of `hotgraft run`, where they differ from those of a Host: it has nobody else who looks.
RUN_DEFAULTS: Final[Mapping[str, float]] = MappingProxyType({"health_every_s": 5.0})
RUN: Final[Mapping[str, bool | str]] = MappingProxyType({RELOAD: False, SOCKET: "", ALLOW_PATHS: False})  # of [run]
_FLAGS: Final = (RELOAD, ALLOW_PATHS, *FLAGS)
# By the end of a setting's name.
_WANTED: Final = {"s": "a number of seconds", "bytes": "a whole number of bytes", "count": "a whole number"}
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off", "")


@dataclass(frozen=True, slots=True)
class PluginEntry:
    """One plugin to load."""

    name: str  # empty: the name in its descriptor
    image: str
    instances: Mapping[str, Mapping[str, Any]]  # config by instance; the one without a name is "main"
    origin: str = ""
    grants: tuple[str, ...] = ()
    priority: int = 0


@dataclass(frozen=True, slots=True)
class FileSettings:
    """What a file says."""

    path: str
    host: Mapping[str, Any] = field(default_factory=dict)
    run: Mapping[str, Any] = field(default_factory=dict)
    plugins: tuple[PluginEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """What counts, and where each value came from, by its name: ``host.swap_deadline_s``."""

    options: Options
    reload: bool
    plugins: tuple[PluginEntry, ...]
    origins: Mapping[str, str]
    socket: str = ""  # empty: at its usual place; NO_SOCKET: none
    allow_paths: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return all values by name."""
        values: dict[str, Any] = {f"host.{one.name}": getattr(self.options, one.name) for one in fields(Options)}
        values |= {f"run.{name}": getattr(self, name) for name in RUN}
        for entry in self.plugins:
            said = {"image": entry.image, "instances": dict(entry.instances), "grants": list(entry.grants)}
            values[f"plugins.{entry.name or entry.image}"] = said | (
                {"priority": entry.priority} if entry.priority else {}
            )
        return values


def read_settings(data: bytes, *, path: str) -> FileSettings:
    """Read a file from its bytes.

    Raises:
        ConfigError: with every violation.
    """
    found: list[str] = []
    top = Table("", _read_toml(data, path), found)
    host, run = top.table("host"), top.table("run")
    known = [one.name for one in fields(Options)]
    options = {name: host.take(name) for name in known}
    host.end()
    runs = {name: _run_value(run, name) for name in RUN if run.keys_given(name)}
    run.end()
    plugins = tuple(_entry(name, table, path) for name, table in top.tables("plugins", PLUGIN_NAME, most=PLUGINS_LIMIT))
    top.end()
    given = {name: value for name, value in options.items() if value is not None}
    try:
        make_options(given)
    except ConfigError as error:
        found += [f"host.{one}" for one in error.found]
    if found:
        raise _refusal(path, found)
    return FileSettings(path, given, runs, plugins)


def make_settings(
    arguments: Mapping[str, Any], environment: Mapping[str, str], file: FileSettings, images: tuple[str, ...] = ()
) -> Settings:
    """Put the sources together; `arguments` holds what was given, by name, `images` further plugins to load.

    Raises:
        ConfigError: a value of the environment or of an argument is none for its name.
    """
    origins: dict[str, str] = {}
    host: dict[str, Any] = {}
    for name in [one.name for one in fields(Options)]:
        value, origin = _first(name, arguments, environment, file.host, file.path)
        origins[f"host.{name}"] = origin
        if origin != DEFAULT:
            host[name] = value
        elif name in RUN_DEFAULTS:
            host[name] = RUN_DEFAULTS[name]
    host["journal"] = _journal(host.get("journal", ""), origins["host.journal"], file.path)
    if host.get("snapshots") and origins["host.snapshots"] == file.path:
        host["snapshots"] = _beside(file.path, host["snapshots"])
    run: dict[str, Any] = {}
    for name, default in RUN.items():
        value, origins[f"run.{name}"] = _first(name, arguments, environment, file.run, file.path)
        run[name] = default if value is None else value
    if origins[f"run.{SOCKET}"] == file.path:
        run[SOCKET] = _beside(file.path, run[SOCKET])
    entries = (*file.plugins, *(PluginEntry("", image, {"main": {}}, "argument") for image in images))
    for entry in entries:
        origins[f"plugins.{entry.name or entry.image}"] = entry.origin
    return Settings(make_options(host), plugins=entries, origins=origins, **run)


def _first(
    name: str, arguments: Mapping[str, Any], environment: Mapping[str, str], file: Mapping[str, Any], path: str
) -> tuple[Any, str]:
    """Return the value that counts and where it came from."""
    variable = PREFIX + name.upper()
    if arguments.get(name) is not None:
        return arguments[name], "argument"
    if variable in environment:
        return _parsed(name, environment[variable], variable), f"${variable}"
    if name in file:
        return file[name], path
    return None, DEFAULT


def _run_value(table: Table, name: str) -> bool | str:
    return table.text(name) if name == SOCKET else table.flag(name)


def _beside(path: str, place: str) -> str:
    """Return where a place that a file names is: relative to the file."""
    if place in ("", NO_SOCKET):
        return place
    return os.path.join(os.path.dirname(path), place)  # noqa: PTH118, PTH120 - text only: no I/O here


def _journal(folder: str, origin: str, path: str) -> str:
    """Return where the journal is to be, empty: nowhere; what a file says is relative to the file."""
    if folder == NO_JOURNAL:
        return ""
    if origin not in (DEFAULT, path):
        return folder
    return _beside(path, folder or JOURNAL)


def _parsed(name: str, text: str, variable: str) -> Any:
    try:
        if name.endswith("_s"):
            return float(text)
        if name in COUNTS or name.endswith("_bytes"):
            return int(text)
        if name in _FLAGS:
            return {**dict.fromkeys(_TRUE, True), **dict.fromkeys(_FALSE, False)}[text.lower()]
    except (ValueError, KeyError):
        kind = "count" if name in COUNTS else name.rpartition("_")[2]
        wanted = _WANTED.get(kind, f"one of {', '.join(_TRUE + _FALSE[:-1])}")
        raise ConfigError("read the environment", on=f"${variable}", found=f"{text!r} is not {wanted}") from None
    return text


def _entry(name: str, table: Table, path: str) -> PluginEntry:
    image = table.text("image", required=True)
    config = _plain(table, "config")
    instances = table.table("instances")
    configs = {one: _plain(instances, one) for one in instances.names(PLUGIN_NAME)}
    instances.end()
    if configs and table.keys_given("config"):
        table.complain("config", "stands beside instances, which have a config each")
    grants = table.words("grants", FEATURE_NAME, most=OFFERS_LIMIT)
    priority = table.integer("priority", default=0, least=-PRIORITY_LIMIT, most=PRIORITY_LIMIT)
    table.end()
    where = os.path.normpath(os.path.join(os.path.dirname(path), image))  # noqa: PTH118, PTH120 - text only: no I/O here
    return PluginEntry(name, where, configs or {"main": config}, path, grants, priority)


def _plain(table: Table, key: str) -> Mapping[str, Any]:
    value = table.take(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        table.complain(key, "must be a table")
        return {}
    if not is_json(value):
        table.complain(key, "holds a date, a time or a number that JSON has no form for")
    return value


def _read_toml(data: bytes, path: str) -> dict[str, Any]:
    try:
        return read_toml(data, what="settings end")
    except ValueError as error:
        raise _refusal(path, [str(error)]) from None


def _refusal(path: str, found: list[str]) -> ConfigError:
    return ConfigError(
        "read the settings",
        on=printable(path, PATH_SHOWN),
        found=sentences(found),
        advice="see the schema: pydoc hotgraft.core.settings",
    )
