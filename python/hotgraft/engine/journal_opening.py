"""What a host makes of a journal it opens: whether its end is to be trusted, what was cut short, what is good."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from hotgraft.core.audit import EMPTY, Anchor, Kind, verify
from hotgraft.core.errors import JournalError
from hotgraft.engine.journal_anchor import read_anchor, write_anchor
from hotgraft.engine.store import KEPT_EACH

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hotgraft.core.audit import AuditRecord
    from hotgraft.engine.journal_database import Database

__all__ = ["INTERRUPTED", "check_tail", "last_good_images", "opening_records", "unfinished"]

INTERRUPTED: Final = "interrupted"


def check_tail(database: Database, folder: Path) -> tuple[Anchor, int]:
    """Return the end of the chain, and how many records stand after the anchor.

    Only from the anchored record on: the whole chain is `hotgraft audit verify`'s. A new journal gets its first anchor.

    Raises:
        JournalError: the tail is not what the anchor says. Nothing was changed: it is evidence.
    """
    anchor, count = read_anchor(folder), database.count()
    if anchor is None and count > 0:
        raise _refusal(folder, f"there are {count} records and no anchor")
    if anchor is None:
        write_anchor(folder, EMPTY, is_durable=True)
        anchor = EMPTY
    start = EMPTY
    if anchor.count > 1:
        before = next(database.rows("number = ?", (anchor.count - 1,)), None)
        start = Anchor(anchor.count - 1, before.hash if before is not None else "")
    verdict = verify(database.rows("number > ?", (start.count,)), (anchor,), start=start)
    if verdict.finding is not None and verdict.finding.kind is not Kind.APPENDED:
        raise _refusal(folder, verdict.finding.sentence)
    return verdict.end, verdict.end.count - anchor.count


def opening_records(database: Database, blank: AuditRecord, unanchored: int) -> list[AuditRecord]:
    """Return the records of a host that begins: an end for every attempt that was cut short, and its own beginning."""
    ends = [
        replace(
            blank,
            attempt=one.attempt,
            plugin=one.plugin,
            before_generation=one.before_generation,
            before_sha256=one.before_sha256,
            after_generation=one.after_generation,
            after_sha256=one.after_sha256,
            step="outcome",
            outcome=INTERRUPTED,
            error=f"process {one.pid} ended before the outcome was on record",
        )
        for one in unfinished(database)
    ]
    what = f"{unanchored} records stood after the anchor and were taken over" if unanchored else ""
    return [*ends, replace(blank, step="open", outcome="opened", error=what)]


def unfinished(database: Database) -> Iterator[AuditRecord]:
    """Yield the intents of the last session that have no outcome; earlier ones were given one when it began."""
    since = database.connection.execute("SELECT coalesce(max(number), 0) FROM audit WHERE step = 'open'").fetchone()[0]
    where = (
        "number > ? AND step = 'intent' AND attempt NOT IN"
        " (SELECT attempt FROM audit WHERE number > ? AND step = 'outcome')"
    )
    for row in database.rows(where, (since, since)):
        yield row.record


def last_good_images(database: Database) -> dict[str, list[str]]:
    """Return the newest committed images of each plugin, by hash, the newest first."""
    sql = (
        "SELECT plugin, after_sha256 FROM audit WHERE step = 'commit' AND outcome = 'committed'"
        " GROUP BY plugin, after_sha256 ORDER BY max(number) DESC"
    )
    good: dict[str, list[str]] = {}
    for plugin, sha256 in database.connection.execute(sql):
        images = good.setdefault(plugin, [])
        if len(images) < KEPT_EACH:
            images.append(sha256)
    return good


def _refusal(folder: Path, found: str) -> JournalError:
    advice = (
        f"look with: hotgraft audit verify --journal {folder}; then move the folder away, or name another journal: "
        "a host does not write behind a chain that was changed"
    )
    return JournalError("open the journal", on=str(folder), found=found, advice=advice)
