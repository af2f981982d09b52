"""The manifest: `plugin.toml` as values, or every reason why it is none.

The schema; a key that is not here is refused with the nearest one that is::

    [plugin]
    name = "gain"              # required: a-z, then a-z 0-9 _ -, at most 64
    version = "1.2.0"          # required: SemVer 2.0.0

    [provides.gain]            # one table per interface; its name: a-z, then a-z 0-9 _
    version = "1.2"            # required: the interface's major.minor
    header = "gain.h"          # beside the manifest; default "<interface>.h"
    struct = "gain_v1"         # default "<interface>_v<major>"

    [requires]                 # interfaces of other plugins
    codec = "^1.2"
    meter = { range = ">=1,<3", optional = true }
    mixer = { range = "^2", features = ["stereo"] }   # that it uses: a provider without them will not do
    meter_of = { range = "^1", cycle = true }  # its provider may need this plugin in turn; all around say so

    [state]
    kind = "single"            # "none" (default, then nothing else here), "single": one state for all calls, or
                               # "concurrent": one that the code of two versions may use at once, or "session": one for
                               # every session, carried on its own; the rest here is of one session then
    schema = 1                 # of what is handed over, shared or saved; default 1
    handover = true            # offers surrender and take; default: true when a struct is named; not with "concurrent";
                               # "copy": and the host keeps a copy until publish: take or start write to the block
    struct = "gain_state"      # the struct that is handed over or shared; or HOTGRAFT_STATE(schema) stands behind it
    header = "gain_state.h"    # where that struct is; default: the headers of the interfaces
    save = false               # offers save and restore; default false
    renamed_from = { "gain_state.level" = "gain" }  # what a field was called before: by struct and field
    defaults = { "gain_state.mix" = 0.5 }   # what a field begins with where it is new; zero unless given
    converters = ["1->2", "2->1"]   # the schema steps that hotgraft_ext_convert offers, up and down
    dropped = ["gain_state.peak"]   # fields of before whose values are given up; else the swap is refused

    [config]
    schema = "config.schema.json"   # JSON Schema: a file beside the manifest, or an inline table

    [outputs]                       # JSON Schema of what a function returns as JSON or MessagePack
    "agent.answer" = "answer.schema.json"   # interface.function: a file beside the manifest, or an inline table

    [offers]
    features = ["stereo"]      # what callers may rely on beyond functions: a-z, then a-z 0-9 . _ -
    permissions = ["network"]  # what it asks of its host; policy, not a boundary

    [drain]
    deadline_s = 5.0           # how long a swap may wait for calls; default: as the host is set
    at_deadline = "call off"   # default; or "leave": who is inside stays in the old version; not with state
    pins = "wait"              # default: a swap that carries state waits for open pins; or "move": they follow it

A file ends at 128 KiB, 10,000 lines, 4,000 entries and brackets, and is nested 32 deep at most (`toml_text`).
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any, Final, cast, get_args

from hotgraft.core.converters import CONVERTERS_LIMIT, STEP, read_step
from hotgraft.core.dataclass import dataclass
from hotgraft.core.draining import CALL_OFF, DEADLINE_LIMIT_S, LEAVE, MOVE, WAIT, AtDeadline, Pins
from hotgraft.core.errors import ManifestError
from hotgraft.core.manifest_checks import (
    DROPPED_NAME,
    FEATURE_NAME,
    FIELD_NAME,
    IDENTIFIER,
    INTERFACE_NAME,
    OFFERS_LIMIT,
    OUTPUT_NAME,
    PLUGIN_NAME,
    REQUIRES_LIMIT,
    Table,
    is_json,
)
from hotgraft.core.sentences import printable, sentences
from hotgraft.core.state import StateKind
from hotgraft.core.toml_text import read_toml
from hotgraft.core.versions import Range, Version, parse_interface_version

if TYPE_CHECKING:
    from collections.abc import Mapping

DROPPED_LIMIT: Final = 4096  # fields


@dataclass(frozen=True, slots=True)
class Provided:
    """An interface this plugin offers."""

    interface: str
    version: tuple[int, int]
    header: str
    struct: str


@dataclass(frozen=True, slots=True)
class Required:
    """An interface of another plugin that this one calls."""

    interface: str
    range: Range
    optional: bool
    features: tuple[str, ...] = ()
    cycle: bool = False  # its provider may need this plugin in turn


@dataclass(frozen=True, slots=True)
class State:
    """How state crosses a swap."""

    kind: StateKind = "none"
    schema: int = 1
    handover: bool = False
    save: bool = False
    struct: str = ""
    header: str = ""
    renamed_from: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    copies: bool = False  # handover = "copy"
    converters: tuple[tuple[int, int], ...] = ()  # from schema, to schema


@dataclass(frozen=True, slots=True)
class Drain:
    """What a swap of this plugin may wait for."""

    deadline_s: float | None = None
    at_deadline: AtDeadline | None = None
    pins: Pins = WAIT


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the author says about a plugin."""

    name: str
    version: Version
    provides: tuple[Provided, ...] = ()
    requires: tuple[Required, ...] = ()
    state: State = field(default_factory=State)
    drain: Drain = field(default_factory=Drain)
    config_schema: Mapping[str, Any] = field(default_factory=dict)
    config_schema_file: str = ""  # the schema is in this file; config_schema is then empty
    outputs: Mapping[str, Mapping[str, Any] | str] = field(default_factory=dict)  # a text is the file the schema is in
    features: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()


def read_manifest(data: bytes, *, path: str = "plugin.toml") -> Manifest:
    """Read a manifest from its bytes.

    Raises:
        ManifestError: with every violation; at once, however hostile the bytes.
    """
    violations: list[str] = []
    top = Table("", _read_toml(data, path), violations)
    plugin, provides, requires, state = _plugin(top), _provides(top), _requires(top), _state(top)
    manifest = Manifest(
        **plugin,
        provides=provides,
        requires=requires,
        state=state,
        drain=_drain(top, state),
        **_config(top),
        outputs=_outputs(top, provides),
        **_offers(top),
    )
    top.end()
    if violations:
        raise _refusal(path, violations)
    return manifest


def _refusal(path: str, violations: list[str]) -> ManifestError:
    return ManifestError(
        "read the manifest",
        on=printable(path, PATH_SHOWN),
        found=sentences(violations),
        advice="see the schema: pydoc hotgraft.core.manifest",
    )


def _read_toml(data: bytes, path: str) -> dict[str, Any]:
    try:
        return read_toml(data, what="a manifest ends")
    except ValueError as error:
        raise _refusal(path, [str(error)]) from None


def _plugin(top: Table) -> dict[str, Any]:
    table = top.table("plugin", required=True)
    values = {
        "name": table.text("name", required=True, pattern=PLUGIN_NAME),
        "version": table.parsed("version", Version.parse, Version(0, 0, 0), required=True),
    }
    table.end()
    return values


def _provides(top: Table) -> tuple[Provided, ...]:
    tables = top.tables("provides", INTERFACE_NAME)
    return tuple(_provided(name, table) for name, table in tables)


def _provided(interface: str, table: Table) -> Provided:
    version = table.parsed("version", parse_interface_version, (0, 0), required=True)
    header = table.text("header", default=f"{interface}.h")
    struct = table.text("struct", default=f"{interface}_v{version[0]}", pattern=IDENTIFIER)
    table.end()
    return Provided(interface, version, header, struct)


def _requires(top: Table) -> tuple[Required, ...]:
    table = top.table("requires")
    required = tuple(_required(name, table) for name in table.names(INTERFACE_NAME, most=REQUIRES_LIMIT))
    table.end()
    return required


def _required(interface: str, table: Table) -> Required:
    if not table.is_table(interface):
        return Required(interface, table.parsed(interface, Range.parse, _ANY, required=True), optional=False)
    inner = table.table(interface)
    wanted = inner.parsed("range", Range.parse, _ANY, required=True)
    optional, cycle = inner.flag("optional"), inner.flag("cycle")
    features = inner.words("features", FEATURE_NAME, most=OFFERS_LIMIT)
    inner.end()
    return Required(interface, wanted, optional, features, cycle)


PATH_SHOWN: Final = 1024  # characters
_ANY_KIND: Final = " or ".join(f'"{one}"' for one in get_args(StateKind)[1:])
_EDITS: Final = ("renamed_from", "defaults", "dropped")  # of [state]
_ANY: Final = Range.parse(">=0")


def _state(top: Table) -> State:
    table = top.table("state")
    kind = cast("StateKind", table.choice("kind", get_args(StateKind)))
    if kind == "none":
        for key in table.keys_given("schema", "handover", "save", "struct", "header", "converters", *_EDITS):
            table.complain(key, f"needs kind = {_ANY_KIND}")
        table.end()
        return State()
    is_shared = kind == "concurrent"
    struct = table.text("struct", pattern=IDENTIFIER)
    copies = table.take("handover") == "copy"
    state = State(
        kind=kind,
        schema=table.integer("schema", default=1, least=1, most=0xFFFF_FFFF),
        handover=copies or table.flag("handover", default=bool(struct) and not is_shared),
        copies=copies,
        save=table.flag("save"),
        struct=struct,
        header=table.text("header"),
        converters=_converters(table),
        **_edits(table),
    )
    if is_shared and state.handover:
        table.complain("handover", "has no place here: a concurrent state is shared, and nobody gives it up")
    if struct and not state.handover and not state.save and not is_shared:
        table.complain("kind", f'"{kind}" needs handover or save, or every swap would lose the state')
    table.end()
    return state


def _converters(table: Table) -> tuple[tuple[int, int], ...]:
    found: dict[tuple[int, int], None] = {}
    for text in table.words("converters", STEP, most=CONVERTERS_LIMIT):
        try:
            found[read_step(text)] = None
        except ValueError as error:
            table.complain("converters", str(error))
    return tuple(sorted(found))


def _edits(table: Table) -> dict[str, Any]:
    renamed, defaults = table.table("renamed_from"), table.table("defaults")
    before = {one: renamed.text(one, required=True, pattern=IDENTIFIER) for one in renamed.names(FIELD_NAME)}
    given = {one: defaults.take(one) for one in defaults.names(FIELD_NAME)}
    dropped = table.words("dropped", DROPPED_NAME, most=DROPPED_LIMIT)
    for name, value in given.items():
        if not is_json(value):
            defaults.complain(name, "holds a date, a time or a number that JSON has no form for")
    renamed.end()
    defaults.end()
    return {"renamed_from": before, "defaults": given, "dropped": dropped}


def _drain(top: Table, state: State) -> Drain:
    table = top.table("drain")
    given = table.keys_given("deadline_s", "at_deadline")
    deadline_s = table.number("deadline_s", default=5.0, above=0.0, most=DEADLINE_LIMIT_S)
    at_deadline = CALL_OFF if table.choice("at_deadline", get_args(AtDeadline)) == CALL_OFF else LEAVE
    pins: Pins = MOVE if table.choice("pins", get_args(Pins)) == MOVE else WAIT
    if pins == MOVE and state.kind in ("none", "session"):
        table.complain("pins", '"move" needs one state for all: without, what is pinned stays on the old code')
    if at_deadline == LEAVE and state.kind != "none":
        table.complain("at_deadline", '"leave" needs [state] kind = "none": a call that is left would change the state')
    for key in table.keys_given("queue_limit"):
        table.complain(key, "is the operator's to set: host.load(..., drain=DrainRules(queue_limit=...))")
    table.end()
    return Drain(
        deadline_s=deadline_s if "deadline_s" in given else None,
        at_deadline=at_deadline if "at_deadline" in given else None,
        pins=pins,
    )


def _config(top: Table) -> dict[str, Any]:
    table = top.table("config")
    if not table.is_table("schema"):
        values: dict[str, Any] = {"config_schema_file": table.text("schema")}
    else:
        schema = table.take("schema")
        values = {"config_schema": schema}
        if not is_json(schema):
            table.complain("schema", "holds a date, a time or a number that JSON has no form for")
    table.end()
    return values


def _outputs(top: Table, provides: tuple[Provided, ...]) -> dict[str, Mapping[str, Any] | str]:
    table = top.table("outputs")
    known = {one.interface for one in provides}
    outputs: dict[str, Mapping[str, Any] | str] = {}
    for name in table.names(OUTPUT_NAME):
        if name.split(".")[0] not in known:
            table.complain(name, "its interface is not provided here")
        if not table.is_table(name):
            outputs[name] = table.text(name, required=True)
            continue
        schema = outputs[name] = table.take(name)
        if not is_json(schema):
            table.complain(name, "holds a date, a time or a number that JSON has no form for")
    table.end()
    return outputs


def _offers(top: Table) -> dict[str, Any]:
    table = top.table("offers")
    values = {key: table.words(key, FEATURE_NAME, most=OFFERS_LIMIT) for key in ("features", "permissions")}
    table.end()
    return values
