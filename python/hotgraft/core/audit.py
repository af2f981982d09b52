"""The audit chain: what one record of the journal holds, how records are chained, and how a broken chain is found.

Each record's hash covers its content and the hash of the record before it, so no record can be edited, taken out, put
in or moved without every later hash being wrong. What a chain cannot show by itself is that its end was cut off, or
that all of it was rewritten from some record on: that takes an *anchor*, the count and the last hash noted elsewhere.

The journal's own anchor lies beside it, so it stops whoever changes the database and not whoever, as the same user,
rewrites database and anchor together. Against them only an anchor out of their reach helps: an exported journal (each
of its lines is an anchor), or a printed head.

Pure: rows and anchors in, a verdict out.
"""

from __future__ import annotations

import hashlib
import json
import operator
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = [
    "EMPTY",
    "GENESIS",
    "Anchor",
    "AuditRecord",
    "Chained",
    "Finding",
    "Kind",
    "Verdict",
    "canonical",
    "chain",
    "verify",
]

GENESIS: Final = "0" * 64  # stands for the record before the first
_DOMAIN: Final = b"hotgraft audit record 1\n"  # of the hash; another encoding gets another number


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One immutable line: who asked for what, on which generation, which step of it this is, and how that ended."""

    number: int  # from 1, without a gap; the order of the chain, whatever the clocks said
    attempt: str  # the same for all steps of one attempt
    wall_ns: int  # when the step began, for people: this clock may be set
    monotonic_ns: int
    took_ns: int
    pid: int
    thread: str
    user: str
    asked_by: str
    reason: str
    plugin: str
    before_generation: int  # 0: nothing served
    before_sha256: str
    after_generation: int
    after_sha256: str
    step: str
    outcome: str
    error: str
    facts: str  # a JSON object of what only some steps have


_FIELDS: Final = tuple(one.name for one in fields(AuditRecord))
_values_of: Final = operator.attrgetter(*_FIELDS)


@dataclass(frozen=True, slots=True)
class Chained:
    """A record in its place of the chain."""

    record: AuditRecord
    previous: str
    hash: str

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values: a line of an export."""
        return {**asdict(self.record), "previous": self.previous, "hash": self.hash}

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Chained:
        """Return what `as_dict` was made from.

        Raises:
            KeyError: a field is not there.
        """
        record = AuditRecord(**{one.name: values[one.name] for one in fields(AuditRecord)})
        return cls(record, values["previous"], values["hash"])


@dataclass(frozen=True, slots=True)
class Anchor:
    """What the chain held at some moment: how many records, and the hash of the last."""

    count: int
    head: str


EMPTY: Final = Anchor(0, GENESIS)


class Kind(StrEnum):
    """What was done to a chain."""

    EDITED = "edited"
    DELETED = "deleted"
    INSERTED = "inserted"
    MOVED = "moved"
    CUT = "cut"
    FORKED = "forked"
    APPENDED = "appended"


@dataclass(frozen=True, slots=True)
class Finding:
    """The first bad record, what was done to it, and the sentence that says so."""

    number: int
    kind: Kind
    sentence: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a chain is worth: its end as far as it holds together, and the first thing wrong with it."""

    end: Anchor
    finding: Finding | None = None


def canonical(record: AuditRecord) -> bytes:
    """Return the one encoding of a record: JSON in ASCII, keys sorted, no spaces. Two records never share one."""
    values = dict(zip(_FIELDS, _values_of(record), strict=True))  # asdict() takes thrice the time of all the rest
    return json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def chain(record: AuditRecord, previous: str) -> Chained:
    """Return the record with its hash: SHA-256 of the previous record's hash and of its own content."""
    return Chained(record, previous, _hash_of(record, previous))


def verify(rows: Iterable[Chained], anchors: Iterable[Anchor] = (), *, start: Anchor = EMPTY) -> Verdict:
    """Return how far the chain holds, and the first record that something was done to.

    Args:
        rows: the chain from the record after `start` on, in the order in which it is stored.
        anchors: what is known of the chain from elsewhere. With none, neither a cut tail nor a whole chain that was
            written anew can be found. The one with the highest count says where the chain ended.
        start: what is taken to be true, to look at a chain's tail alone.
    """
    wanted = sorted({one for one in anchors if one.count >= start.count}, key=lambda one: one.count)
    known: dict[int, set[str]] = {}
    for one in wanted:
        known.setdefault(one.count, set()).add(one.head)  # two that differ cannot both be right
    heads = {one.head for one in wanted}
    end, before = start, ""
    rest = iter(rows)
    held = start.count  # up to here an anchor agrees
    for row in rest:
        finding = _wrong_with(row, end, before, rest, heads)
        if finding is not None:
            return Verdict(end, finding)
        before, end = end.head, Anchor(end.count + 1, row.hash)
        if known.get(end.count, {end.head}) != {end.head}:
            after = next(rest, None)
            is_moved_on = after is not None and after.previous == before
            return Verdict(end, _put_in(end.count) if is_moved_on else _rewritten(held, end.count))
        held = end.count if end.count in known else held
    return Verdict(end, _wrong_with_end(end, wanted[-1].count if wanted else end.count))


def _hash_of(record: AuditRecord, previous: str) -> str:
    return hashlib.sha256(_DOMAIN + previous.encode() + b"\n" + canonical(record)).hexdigest()


def _wrong_with(row: Chained, end: Anchor, before: str, rest: Iterator[Chained], heads: set[str]) -> Finding | None:
    """Say what was done, if this is not the record that follows `end`; `before` is the hash before that."""
    number, place = row.record.number, end.count + 1
    is_genuine = row.hash == _hash_of(row.record, row.previous)
    if row.previous == end.head and number == place:
        return None if is_genuine else Finding(place, Kind.EDITED, f"record {place} was edited: its hash does not fit")
    if row.previous == end.head and is_genuine:
        return Finding(place, Kind.INSERTED, f"record {place} was put in: it calls itself record {number}")
    if row.previous == end.head or row.hash == _hash_of(row.record, end.head):
        what = "its number" if row.previous == end.head else "the hash of the record before it"
        return Finding(place, Kind.EDITED, f"record {place} was edited: {what} does not fit")
    if row.hash == end.head:
        return Finding(place, Kind.INSERTED, f"record {end.count} stands twice")
    if row.previous == before and is_genuine:
        sentence = f"record {end.count} is not the only one that follows record {end.count - 1}: the chain forks"
        return Finding(end.count, Kind.FORKED, sentence)
    if row.previous == before:  # it was moved on by one
        return _put_in(end.count)
    return _wrong_place(row, end, rest, heads, is_genuine=is_genuine)


def _wrong_place(row: Chained, end: Anchor, rest: Iterator[Chained], heads: set[str], *, is_genuine: bool) -> Finding:
    """Say whether the record that should be here is gone, elsewhere, or has another in front of it."""
    number, place = row.record.number, end.count + 1
    followed = {one.previous for one in rest}
    if end.head in followed:  # the right one comes later
        if row.hash in followed | heads:
            return Finding(place, Kind.MOVED, f"record {place} is not in its place: another stands there")
        return Finding(place, Kind.INSERTED, f"record {place} was put in: the one after it follows record {end.count}")
    if is_genuine and number == place and end.count:
        sentence = f"record {end.count} is not the one that record {place} follows: it was written anew"
        return Finding(end.count, Kind.FORKED, sentence)
    last = number - 1 if number > place else place
    gone = f"record {place} was" if last == place else f"records {place} to {last} were"
    return Finding(place, Kind.DELETED, f"{gone} taken out: what stands there follows another record")


def _put_in(number: int) -> Finding:
    sentence = f"record {number} was put in: the next one follows record {number - 1}"
    return Finding(number, Kind.INSERTED, sentence)


def _rewritten(held: int, count: int) -> Finding:
    """The chain holds together and an anchor says that it held something else."""
    first = held + 1
    which = f"record {first}" if first == count else f"the first of them is one of the records {first} to {count}"
    sentence = f"the chain holds together, and from some record on it is not the one that was anchored: {which}"
    return Finding(first, Kind.FORKED, sentence)


def _wrong_with_end(end: Anchor, anchored: int) -> Finding | None:
    if end.count < anchored:
        first = end.count + 1
        gone = f"record {first} was" if first == anchored else f"records {first} to {anchored} were"
        return Finding(first, Kind.CUT, f"{gone} cut off: the anchor counts {anchored}")
    if end.count > anchored:
        first = anchored + 1
        which = f"record {first} stands" if first == end.count else f"records {first} to {end.count} stand"
        return Finding(
            first,
            Kind.APPENDED,
            f"{which} after the anchor: a host died before it could write the anchor, or somebody else appended",
        )
    return None
