"""The options that choose settings, and `hotgraft config`: what they are, and where each comes from."""

from __future__ import annotations

import json
import os
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from hotgraft.cli.environment import variable_behind
from hotgraft.cli.groups import HelpfulGroup
from hotgraft.cli.output import json_option, print_json, table
from hotgraft.core.errors import ConfigError
from hotgraft.core.options import CHOICES, COUNTS, Options
from hotgraft.core.settings import (
    ALLOW_PATHS,
    FILE_NAME,
    JOURNAL,
    NO_JOURNAL,
    NO_SOCKET,
    RELOAD,
    RUN,
    RUN_DEFAULTS,
    SOCKET,
    FileSettings,
    Settings,
    make_settings,
    read_settings,
)
from hotgraft.engine.small_file import read_small_file

if TYPE_CHECKING:
    from collections.abc import Callable

Command = TypeVar("Command", bound="Callable[..., Any]")

HELP: Final = {
    "settle_deadline_s": "Until a file that is still being written counts as broken.",
    "control_deadline_s": "For each function of a plugin's own outside of a swap's gates.",
    "swap_deadline_s": "For gates, drain, quiesce, state and start together.",
    "close_deadline_s": "For the calls that are inside at the end.",
    "pin_deadline_s": "For each pin, from its beginning.",
    "staging_folder": "For the staged copies. Default: a private one.",
    "journal": f"For the journal; {NO_JOURNAL}: none. Default: {JOURNAL} beside the settings' file.",
    "crash_report": "Tell which plugin's code the process died in.",
    "probe": "How far a candidate is brought in a process of its own before it is mapped.",
    "probe_deadline_s": "For each stage of that.",
    "probe_memory_bytes": "That it may take there.",
    "probe_state_bytes": "Of live state that it is given a copy of; above it, it begins fresh.",
    "probe_changes": "What comes of one that changes what belongs to the whole process.",
    "probation": "Compare a new generation with the one it replaced, and roll it back by itself.",
    "probation_s": "Of a window that has enough calls.",
    "probation_calls": "That are enough.",
    "probation_max_s": "Of a window that has fewer.",
    "rollback": "Where the state gained since cannot come along: go back to what was kept, or a snapshot, or refuse.",
    "snapshots": "For snapshots of the plugins' state, to begin with after a crash. Default: none.",
    "snapshot_every_s": "Between two snapshots of every plugin; 0: none on a schedule.",
    "snapshot_before_swap": "Take one before each swap; one that cannot be kept refuses the swap.",
    "snapshot_at_close": "Take one at the end, where there is a folder.",
    "snapshots_kept": "Of each plugin.",
    "snapshots_max_age_s": "What is older goes, except for the two newest; 0: nothing is too old.",
    "resume": "Begin with the last snapshot, or fresh, or not at all without one.",
    "unknown_contract": "What comes of a candidate of whose contract something cannot be decided.",
    "start_limit_rollbacks": "Of one plugin; with one more its candidates are refused.",
    "start_limit_s": "In which that many are allowed.",
    "health_deadline_s": "For each health check.",
    "health_every_s": "Between two quick looks at the health of what is loaded; 0: none.",
    "check_outputs": "Hold what functions return to Python against their schemas: for development.",
    "catch_crashes": "Go on after a call that crashes; the process is tainted from then on.",
}  # of hotgraft.Options, in seconds unless it is a folder, a flag, bytes, a number or a word


_RUN_OPTIONS: Final = (
    click.option(
        "--allow-paths/--no-allow-paths", ALLOW_PATHS, default=None,
        help="Let `hotgraft reload` name an image that the host does not know.  [default: off]",
    ),
    click.option(
        "--socket", SOCKET, type=str, metavar="PATH",
        help=f"Where `hotgraft status` and others ask; {NO_SOCKET}: nowhere. Default: in a folder of this user's.",
    ),
    click.option("--reload/--no-reload", RELOAD, default=None, help="Reload a plugin when its image changes."),
)  # fmt: skip


def _with_default(name: str, default: float | str | bool) -> str:
    shown = {True: "on", False: "off"}[default] if isinstance(default, bool) else str(default).removesuffix(".0")
    return f"{HELP[name]}  [default: {shown}]"


def settings_options(command: Command) -> Command:
    """Add --config, --reload and one option per setting of a host to a command."""
    for one in reversed(fields(Options)):
        word = one.name.replace("_", "-")
        if isinstance(one.default, bool):
            option = click.option(f"--{word}/--no-{word}", default=None, help=_with_default(one.name, one.default))
        elif one.name.endswith("_s"):
            default = RUN_DEFAULTS.get(one.name, one.default)
            option = click.option(f"--{word}", type=float, metavar="SECONDS", help=_with_default(one.name, default))
        elif one.name in CHOICES:
            choice = click.Choice(CHOICES[one.name])
            option = click.option(f"--{word}", type=choice, help=_with_default(one.name, str(one.default)))
        elif one.name in COUNTS or one.name.endswith("_bytes"):
            unit = "COUNT" if one.name in COUNTS else "BYTES"
            option = click.option(f"--{word}", type=int, metavar=unit, help=_with_default(one.name, one.default))
        else:
            option = click.option(f"--{word}", type=str, metavar="FOLDER", help=HELP[one.name])
        command = option(command)
    for option in _RUN_OPTIONS:
        command = option(command)
    return click.option(
        "--config", "config_file", type=click.Path(dir_okay=False, path_type=Path), envvar="HOTGRAFT_CONFIG",
        help=f"Settings; default: {FILE_NAME} in this folder, if it is there.",
    )(command)  # fmt: skip


def settings_from(arguments: dict[str, Any], images: tuple[str, ...] = ()) -> Settings:
    """Return the settings that arguments, environment and file give together.

    Raises:
        ConfigError: the file is not there, or one of them breaks the schema.
    """
    given = arguments.pop("config_file")
    path = given if given is not None else Path(FILE_NAME)
    try:
        file = read_settings(read_small_file(path), path=str(path))
    except OSError as error:
        if given is not None:
            raise ConfigError(
                "read the settings",
                on=str(path.absolute()),
                found=error.strerror or str(error),
                advice=f"name a file that can be read; without --config it is {FILE_NAME}",
            ) from None
        file = FileSettings(str(path))
    settings = make_settings(arguments, os.environ, file, images)
    return replace(settings, origins={**settings.origins, **_variables()})


def _variables() -> dict[str, str]:
    """Return the values that click took from a variable of the command's own, such as $HOTGRAFT_RUN_RELOAD."""
    ctx = click.get_current_context()
    behind = {str(one.name): variable_behind(ctx, one) for one in ctx.command.params}
    return {f"{'run' if name in RUN else 'host'}.{name}": f"${one}" for name, one in behind.items() if one}


@click.group(cls=HelpfulGroup)
def command() -> None:
    """See the settings of `hotgraft run`, and where each comes from."""


@command.command(short_help="Show what hotgraft run would take.")
@settings_options
@click.option("--origin", is_flag=True, help="Say where each value comes from.")
@json_option
def show(origin: bool, as_json: bool, **arguments: Any) -> None:
    """Show every setting as `hotgraft run` would take it from arguments, environment and file."""
    settings = settings_from(arguments)
    values = settings.as_dict()
    if as_json:
        shown = {
            name: {"value": value, "origin": settings.origins[name]} if origin else value
            for name, value in values.items()
        }
        print_json(shown)
        return
    origins = {name: f"  ({settings.origins[name]})" if origin else "" for name in values}
    click.echo(table(((name, json.dumps(value) + origins[name]) for name, value in values.items()), indent=0))
