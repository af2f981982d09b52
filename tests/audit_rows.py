"""Chains of audit records for tests, and what can be done to a chain."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hotgraft.core.audit import EMPTY, Anchor, AuditRecord, Chained, chain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

BLANK = AuditRecord(
    number=0,
    attempt="1.1",
    wall_ns=1_700_000_000_000_000_000,
    monotonic_ns=5,
    took_ns=7,
    pid=42,
    thread="MainThread",
    user="ada",
    asked_by="reload",
    reason="ticket 7",
    plugin="gain",
    before_generation=1,
    before_sha256="a" * 64,
    after_generation=2,
    after_sha256="b" * 64,
    step="stage",
    outcome="done",
    error="",
    facts="{}",
)


def step(text: str, **more: Any) -> AuditRecord:
    """Return a record whose step is `text`."""
    return replace(BLANK, step=text, **more)


def make_chain(records: Iterable[AuditRecord], start: Anchor = EMPTY) -> list[Chained]:
    """Return the records numbered and chained, as a journal does it."""
    rows: list[Chained] = []
    head = start.head
    for number, record in enumerate(records, start=start.count + 1):
        rows.append(chain(replace(record, number=number), head))
        head = rows[-1].hash
    return rows


def sample_chain(count: int) -> list[Chained]:
    """Return a chain of that many records, no two alike."""
    return make_chain(replace(BLANK, step=f"step {number}") for number in range(1, count + 1))


def anchor_of(rows: Sequence[Chained]) -> Anchor:
    """Return what a journal notes of these rows."""
    return Anchor(len(rows), rows[-1].hash)


def edit(rows: list[Chained], place: int) -> list[Chained]:
    """Change what a record says."""
    old = rows[place - 1]
    return [*rows[: place - 1], replace(old, record=replace(old.record, reason="none")), *rows[place:]]


def delete(rows: list[Chained], place: int) -> list[Chained]:
    """Take a record out."""
    return [*rows[: place - 1], *rows[place:]]


def insert(rows: list[Chained], place: int) -> list[Chained]:
    """Put one in that follows the one before it, and number those behind it anew."""
    before = rows[place - 2].hash if place > 1 else EMPTY.head
    forged = chain(replace(BLANK, number=place, reason="forged"), before)
    later = [replace(row, record=replace(row.record, number=row.record.number + 1)) for row in rows[place - 1 :]]
    return [*rows[: place - 1], forged, *later]


def reorder(rows: list[Chained], place: int) -> list[Chained]:
    """Let a record and its neighbour change places, numbers included."""
    first = min(place, len(rows) - 1)
    one, two = rows[first - 1], rows[first]
    swapped = [
        replace(two, record=replace(two.record, number=first)),
        replace(one, record=replace(one.record, number=first + 1)),
    ]
    return [*rows[: first - 1], *swapped, *rows[first + 1 :]]


def cut(rows: list[Chained], place: int) -> list[Chained]:
    """Leave out that record and all behind it."""
    return rows[: place - 1]


def fork(rows: list[Chained], place: int) -> list[Chained]:
    """Write that record and all behind it anew, every hash right."""
    start = anchor_of(rows[: place - 1]) if place > 1 else EMPTY
    changed = [replace(rows[place - 1].record, reason="none"), *(row.record for row in rows[place:])]
    return [*rows[: place - 1], *make_chain(changed, start)]


WAYS = {"edit": edit, "delete": delete, "insert": insert, "reorder": reorder, "cut": cut, "fork": fork}
