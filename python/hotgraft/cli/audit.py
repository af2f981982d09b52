"""`hotgraft audit`: whether the journal is what was written, and what of it can be kept elsewhere."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from hotgraft.cli.exits import EXIT_REFUSED, EXITS_TEXT
from hotgraft.cli.groups import HelpfulGroup
from hotgraft.cli.journal import journal_folder, journal_options, shown_time
from hotgraft.cli.output import json_option, print_json, table

if TYPE_CHECKING:
    from pathlib import Path

    from hotgraft.core.audit import Anchor
    from hotgraft.engine.journal_reading import Summary, Verified


@click.group(cls=HelpfulGroup, invoke_without_command=True, epilog=EXITS_TEXT)
@journal_options
@json_option
@click.pass_context
def command(ctx: click.Context, journal: str | None, config_file: Path | None, as_json: bool) -> None:
    """Sum the journal up; verify and export its chain of records.

    The journal's own anchor shows what anybody did to the records who did not also write the anchor anew. Who can write
    as the host's user can do both: against them, keep what export writes, or the head, where that user cannot write.
    """
    if ctx.invoked_subcommand is not None:
        given = {"journal": journal, "config_file": config_file, "as_json": as_json}
        ctx.default_map = dict.fromkeys(command.commands, given)  # said before the word, it counts behind it
        return
    from hotgraft.engine.journal_reading import summarise

    found = summarise(journal_folder(journal, config_file))
    if as_json:
        print_json(asdict(found))
    else:
        click.echo(table(_summary(found), indent=0))


@command.command(epilog=EXITS_TEXT, short_help="Follow the chain: is it what was written?")
@click.option(
    "--against",
    "kept",
    multiple=True,
    metavar="ANCHOR",
    help="What was kept elsewhere: COUNT:HASH, or an export's file.",
)
@journal_options
@json_option
@click.pass_context
def verify(
    ctx: click.Context, kept: tuple[str, ...], journal: str | None, config_file: Path | None, as_json: bool
) -> None:
    """Follow the chain from the first record to the last: 0 it is what was written, 3 it is not.

    The first record that something was done to is named. Only --against an anchor out of reach of the host's user can
    find what that user wrote anew.
    """
    from hotgraft.engine.journal_reading import read_anchors, verify_journal

    anchors = tuple(anchor for one in kept for anchor in read_anchors(one))
    folder = journal_folder(journal, config_file)
    found = verify_journal(folder, anchors)
    is_accepted, words = _judged(found)
    if as_json:
        finding = found.verdict.finding
        print_json(
            {
                "journal": str(folder),
                "accepted": is_accepted,
                "finding": asdict(finding) if finding is not None else None,
                "end": asdict(found.verdict.end),
                "anchors": len(found.anchors),
                "holder": found.holder,
            }
        )
    else:
        click.echo(f"{folder}: {words}")
    ctx.exit(0 if is_accepted else EXIT_REFUSED)


@command.command(epilog=EXITS_TEXT, short_help="Write every record, for keeping elsewhere.")
@click.option("--jsonl", is_flag=True, help="One record a line, as JSON; there is no other format yet.")
@journal_options
def export(jsonl: bool, journal: str | None, config_file: Path | None) -> None:
    """Write every record with its hash to stdout, for keeping elsewhere, and the head to stderr.

    Each line is an anchor: `hotgraft audit verify --against FILE` names the first record that is not as it was.
    """
    from hotgraft.core.audit import EMPTY, Anchor
    from hotgraft.engine.journal_reading import export as records

    end = EMPTY
    for row in records(journal_folder(journal, config_file)):
        click.echo(json.dumps(row.as_dict(), sort_keys=True))
        end = Anchor(row.record.number, row.hash)
    click.echo(f"head: {_shown(end)}", err=True)


def _judged(found: Verified) -> tuple[bool, str]:
    """Say whether the chain is accepted, and why: what a living host is about to anchor is no finding."""
    from hotgraft.core.audit import Kind

    verdict = found.verdict
    good = f"{verdict.end.count} records, each in its place; head: {_shown(verdict.end)}"
    if verdict.finding is None:
        return True, good
    if verdict.finding.kind is Kind.APPENDED and found.holder is not None:
        return True, f"{good}; process {found.holder} is writing"
    held = f"records 1 to {verdict.finding.number - 1} hold" if verdict.finding.number > 1 else "no record holds"
    return False, f"{verdict.finding.kind}: {verdict.finding.sentence}; {held}"


def _summary(found: Summary) -> list[tuple[str, str]]:
    rows: list[tuple[str, Any]] = [
        ("journal", found.folder),
        ("host", f"process {found.holder} has it" if found.holder is not None else "none has it"),
        ("records", str(found.end.count)),
        ("hosts so far", str(found.sessions)),
        ("from, to", f"{shown_time(found.since_ns)}, {shown_time(found.until_ns)}"),
        ("attempts", ", ".join(f"{count} {outcome}" for outcome, count in found.outcomes.items()) or "none"),
        ("head", _shown(found.end)),
    ]
    lines = [
        f"{plugin}: {one['sha256'][:8]}, committed {shown_time(one['wall_ns'])}"
        + ("" if one["is_kept"] else ", its image is gone")
        for plugin, one in found.last_good.items()
    ]
    rows.append(("last good", "\n".join(lines) or "none"))
    return rows


def _shown(anchor: Anchor) -> str:
    return f"{anchor.count}:{anchor.head}"
