"""Reading a journal beside the host that writes it: attempts for people, the chain for who checks it."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.audit import EMPTY, Anchor, Kind, Verdict, verify
from hotgraft.core.errors import JournalError
from hotgraft.engine.journal_anchor import anchor_of, read_anchor
from hotgraft.engine.journal_database import Database
from hotgraft.engine.journal_folder import IMAGES, holder_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hotgraft.core.audit import AuditRecord, Chained

__all__ = ["AttemptLine", "Summary", "Verified", "export", "history", "read_anchors", "summarise", "verify_journal"]

_AGAIN: Final = 5  # looks at a journal that a host is writing to: it may commit between anchor and records


@dataclass(frozen=True, slots=True)
class AttemptLine:
    """One attempt as a person wants it, or another thing that is worth a line."""

    records: tuple[AuditRecord, ...]
    is_live: bool

    @property
    def first(self) -> AuditRecord:
        """Return the record it begins with."""
        return self.records[0]

    @property
    def end(self) -> AuditRecord | None:
        """Return the record of its outcome; None: it goes on, or its host died and no other has begun since."""
        if not self.first.attempt:
            return self.first
        return next((one for one in self.records if one.step == "outcome"), None)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        first, end, last = self.first, self.end, self.records[-1]
        facts = {name: value for one in self.records for name, value in json.loads(one.facts).items()}
        unfinished = "under way" if self.is_live else "not on record"
        return {
            "attempt": first.attempt,
            "number": first.number,
            "wall_ns": first.wall_ns,
            "plugin": first.plugin,
            "asked_by": first.asked_by,
            "reason": first.reason,
            "pid": first.pid,
            "thread": first.thread,
            "user": first.user,
            "before": {"generation": first.before_generation, "sha256": first.before_sha256},
            "after": {"generation": last.after_generation, "sha256": last.after_sha256},
            "outcome": end.outcome if end is not None else unfinished,
            "error": end.error if end is not None else "",
            "took_ns": max(end.monotonic_ns - first.monotonic_ns, 0) if end is not None and end.pid == first.pid else 0,
            "steps": [[one.step, one.outcome, one.took_ns, one.error] for one in self.records],
            "facts": facts,
        }


@dataclass(frozen=True, slots=True)
class Summary:
    """What a journal holds."""

    folder: str
    end: Anchor
    outcomes: dict[str, int]  # attempts by how they ended
    sessions: int
    since_ns: int
    until_ns: int
    last_good: dict[str, dict[str, Any]]  # by plugin
    holder: int | None


@dataclass(frozen=True, slots=True)
class Verified:
    """What the chain is worth, against which anchors it was held, and whether a host writes to it."""

    verdict: Verdict
    anchors: tuple[Anchor, ...]
    holder: int | None


def history(folder: Path, plugin: str = "", limit: int = 0) -> list[AttemptLine]:
    """Return the newest attempts, the oldest of them first; `limit` 0: all.

    Raises:
        JournalError: it cannot be read.
    """
    sql = (
        "SELECT min(number), attempt FROM audit"
        " WHERE (attempt != '' OR step IN ('restore', 'journal', 'quarantine', 'grant'))"
        " AND (plugin = ? OR ? = '') GROUP BY CASE attempt WHEN '' THEN number ELSE attempt END"
        " ORDER BY min(number) DESC LIMIT ?"
    )
    is_live = holder_of(folder) is not None
    with closing(Database.to_read(folder)) as database:
        found = database.connection.execute(sql, (plugin, plugin, limit or -1)).fetchall()
        lines = []
        for number, attempt in reversed(found):
            where = ("attempt = ?", (attempt,)) if attempt else ("number = ?", (number,))
            lines.append(AttemptLine(tuple(row.record for row in database.rows(*where)), is_live))
    return lines


def plugins_on_record(folder: Path) -> tuple[str, ...]:
    """Return the names of all plugins that something is on record of.

    Raises:
        JournalError: it cannot be read.
    """
    with closing(Database.to_read(folder)) as database:
        found = database.connection.execute("SELECT DISTINCT plugin FROM audit WHERE plugin != '' ORDER BY plugin")
        return tuple(str(name) for (name,) in found)


def summarise(folder: Path) -> Summary:
    """Return what a journal holds.

    Raises:
        JournalError: it cannot be read.
    """
    good = (
        "SELECT plugin, after_generation, after_sha256, wall_ns, max(number) FROM audit"
        " WHERE step = 'commit' AND outcome = 'committed' GROUP BY plugin"
    )
    with closing(Database.to_read(folder)) as database:
        run = database.connection.execute
        ends = run("SELECT outcome, count(*) FROM audit WHERE step = 'outcome' GROUP BY outcome ORDER BY outcome")
        outcomes = {str(outcome): int(count) for outcome, count in ends}
        span = "coalesce(min(wall_ns), 0), coalesce(max(wall_ns), 0)"
        sessions, since, until = run(f"SELECT count(*) FILTER (WHERE step = 'open'), {span} FROM audit").fetchone()
        last = next(database.rows(order="number DESC"), None)
        images = {
            plugin: {
                "generation": generation,
                "sha256": sha256,
                "wall_ns": wall_ns,
                "is_kept": _is_kept(folder, sha256),
            }
            for plugin, generation, sha256, wall_ns, _ in run(good)
        }
    end = Anchor(last.record.number, last.hash) if last is not None else EMPTY
    return Summary(str(folder), end, outcomes, sessions, since, until, images, holder_of(folder))


def verify_journal(folder: Path, kept: tuple[Anchor, ...] = ()) -> Verified:
    """Hold the chain against its anchor and those that were kept elsewhere.

    Raises:
        JournalError: it cannot be read, or it has no anchor and none was given.
    """
    for _ in range(_AGAIN):
        own = read_anchor(folder)  # first: what is committed after it stands behind it
        anchors = (*kept, *([own] if own is not None else []))
        if not anchors:
            advice = "give one that was kept elsewhere: --against; without any, a cut tail cannot be found"
            raise JournalError(
                "verify the journal",
                on=str(folder),
                found="its anchor is gone",
                advice=advice,
                running="nothing was changed",
            )
        with closing(Database.to_read(folder)) as database:
            verdict = verify(database.rows(), anchors)
        holder = holder_of(folder)
        if verdict.finding is None or verdict.finding.kind is not Kind.APPENDED or read_anchor(folder) == own:
            break
    return Verified(verdict, anchors, holder)


def export(folder: Path) -> Iterator[Chained]:
    """Yield every record with its place in the chain.

    Raises:
        JournalError: it cannot be read.
    """
    with closing(Database.to_read(folder)) as database:
        yield from database.rows()


def read_anchors(text: str) -> tuple[Anchor, ...]:
    """Return the anchors that somebody kept: ``COUNT:HASH`` as it is printed, or the path of an anchor or an export.

    Raises:
        JournalError: it is none of these.
    """
    count, _, head = text.partition(":")
    try:
        if count.isdigit() and head:
            return (anchor_of({"count": int(count), "head": head}),)
        lines = Path(text).read_text(encoding="utf-8").splitlines()
        values = [json.loads(line) for line in lines if line.strip()]
        return tuple(
            anchor_of({"count": one["number"], "head": one["hash"]} if "hash" in one else one) for one in values
        )
    except (OSError, ValueError, TypeError, KeyError) as error:
        advice = "give COUNT:HASH, a copy of anchor, or what `hotgraft audit export` wrote"
        found = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise JournalError(
            "read the anchor", on=text, found=found, advice=advice, running="nothing was changed"
        ) from None


def _is_kept(folder: Path, sha256: str) -> bool:
    return (folder / IMAGES / f"{sha256}.so").exists()
