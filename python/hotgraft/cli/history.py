"""`hotgraft history`: what was changed, by whom and why, and how that ended."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Any

import click

from hotgraft.cli.exits import EXIT_UNKNOWN, EXITS_TEXT
from hotgraft.cli.journal import journal_folder, journal_options, shown_duration, shown_time
from hotgraft.cli.output import columns, json_option, print_json

if TYPE_CHECKING:
    from pathlib import Path

TITLES = ("WHEN", "PLUGIN", "ASKED", "GENERATION", "OUTCOME", "TOOK", "PAUSE", "IMAGE", "WHY")


@click.command(epilog=EXITS_TEXT)
@click.argument("name", default="")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(0), help="The newest; 0: all.")
@journal_options
@json_option
@click.pass_context
def command(
    ctx: click.Context, name: str, limit: int, journal: str | None, config_file: Path | None, as_json: bool
) -> None:
    """Show the attempts to change what serves, of plugin NAME or of all, the newest last.

    Read from the journal, also while a host writes it. IMAGE is the beginning of the SHA-256 of the candidate.
    """
    from hotgraft.engine.journal_reading import history

    folder = journal_folder(journal, config_file)
    found = [one.as_dict() for one in history(folder, name, limit)]
    if as_json:
        print_json({"journal": str(folder), "attempts": found})
    elif found:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        click.echo(columns([TITLES, *map(_row, found)], width=width))
    else:
        click.echo(f"{folder}: nothing on record" + (_of_whom(folder, name) if name else ""), err=True)
    if name and not found:
        ctx.exit(EXIT_UNKNOWN)


def _of_whom(folder: Path, name: str) -> str:
    """Return whom nothing is on record of, of whom there is, and who may be meant."""
    from hotgraft.core.graph_violations import nearest
    from hotgraft.engine.journal_reading import plugins_on_record

    known = plugins_on_record(folder)
    near = nearest(name, known)
    return f" of {name}, only of: {', '.join(known) or 'none'}" + (f"; did you mean {near!r}?" if near else "")


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    way = [one["before"]["generation"], one["after"]["generation"]]
    way += [one["facts"]["serves"]] if "serves" in one["facts"] else []  # went back, and that is what serves again
    granted = ", ".join(one["facts"].get("permissions", ()))
    others = ", ".join(name for name in one["facts"].get("set", ()) if name != one["plugin"])
    together = f"as one with {others}" if others else ""
    why = ": ".join(filter(None, (together, granted, one["reason"], " ".join(one["error"].split()))))
    return (
        shown_time(one["wall_ns"]),
        one["plugin"],
        one["asked_by"],
        " → ".join(str(number or "-") for number in way),
        one["outcome"],
        shown_duration(one["took_ns"]),
        shown_duration(one["facts"].get("pause_ns", 0)),
        one["after"]["sha256"][:8] or "-",
        why,
    )
