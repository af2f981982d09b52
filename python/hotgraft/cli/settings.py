"""The options that choose settings, and `hotgraft config`: what they are, and where each comes from."""

from __future__ import annotations

import json
import os
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hotgraft.core.errors import ConfigError
from hotgraft.core.options import Options
from hotgraft.core.settings import FILE_NAME, FileSettings, Settings, make_settings, read_settings

if TYPE_CHECKING:
    from collections.abc import Callable

Command = TypeVar("Command", bound="Callable[..., Any]")


def settings_options(command: Command) -> Command:
    """Add --config, --reload and one option per setting of a host to a command."""
    for one in reversed(fields(Options)):
        name = f"--{one.name.replace('_', '-')}"
        kind = float if one.name.endswith("_s") else str
        command = click.option(name, type=kind, default=None, help="Setting of the host; see pydoc hotgraft.Options.")(
            command
        )
    command = click.option("--reload/--no-reload", default=None, help="Reload a plugin when its image changes.")(
        command
    )
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
        file = read_settings(path.read_bytes(), path=str(path))
    except OSError as error:
        if given is not None:
            raise ConfigError("read the settings", on=str(path), found=error.strerror or str(error)) from None
        file = FileSettings(str(path))
    return make_settings(arguments, os.environ, file, images)


@click.group()
def command() -> None:
    """Settings: see them."""


@command.command()
@settings_options
@click.option("--origin", is_flag=True, help="Say where each value comes from.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def show(origin: bool, as_json: bool, **arguments: Any) -> None:
    """Show every setting as `hotgraft run` would take it from arguments, environment and file."""
    settings = settings_from(arguments)
    values = settings.as_dict()
    if as_json:
        shown = {
            name: {"value": value, "origin": settings.origins[name]} if origin else value
            for name, value in values.items()
        }
        click.echo(json.dumps(shown))
        return
    width = max(map(len, values))
    for name, value in values.items():
        text = json.dumps(value)
        click.echo(f"{name:{width}}  {text}" + (f"  ({settings.origins[name]})" if origin else ""))
