"""Which journal a command reads, and how its times are shown."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hotgraft.cli.settings import HELP, settings_from
from hotgraft.core.errors import JournalError
from hotgraft.core.settings import FILE_NAME

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["journal_folder", "journal_options", "shown_duration", "shown_time"]

Command = TypeVar("Command", bound="Callable[..., Any]")


def journal_options(command: Command) -> Command:
    """Add --journal and --config; `journal_folder` makes a path of what they give."""
    command = click.option("--journal", type=str, metavar="FOLDER", help=HELP["journal"])(command)
    return click.option(
        "--config", "config_file", type=click.Path(dir_okay=False, path_type=Path), envvar="HOTGRAFT_CONFIG",
        help=f"Settings that name the journal; default: {FILE_NAME} in this folder, if it is there.",
    )(command)  # fmt: skip


def journal_folder(journal: str | None, config_file: Path | None) -> Path:
    """Return the folder that `hotgraft run` would use.

    Raises:
        JournalError: the settings say that there is none. ConfigError: they cannot be read.
    """
    settings = settings_from({"journal": journal, "config_file": config_file})
    if not settings.options.journal:
        raise JournalError(
            "read the journal",
            on=settings.origins["host.journal"],
            found="the settings say that there is none",
            advice="name one: --journal FOLDER",
            running="nothing was changed",
        )
    return Path(settings.options.journal)


def shown_time(wall_ns: int) -> str:
    """Return a moment in this machine's time, to the second."""
    try:
        return datetime.fromtimestamp(wall_ns / 1e9).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):  # a clock that was far off
        return f"{wall_ns} ns"


def shown_duration(ns: int) -> str:
    """Return a duration with three digits at most: ``15.2 ms``, ``25 µs``."""
    for unit, size in (("s", 1_000_000_000), ("ms", 1_000_000), ("µs", 1_000)):
        if ns >= size:
            value = ns / size
            return f"{value:.1f} {unit}" if value < 100 else f"{value:.0f} {unit}"
    return f"{ns} ns" if ns else "-"
