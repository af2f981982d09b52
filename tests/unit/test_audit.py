"""Tests core/audit.py: one encoding per record, a chain that shows what was done to it, and where."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest
from audit_rows import BLANK, WAYS, anchor_of, cut, make_chain, sample_chain
from hotgraft.core.audit import EMPTY, GENESIS, Anchor, AuditRecord, Chained, Kind, canonical, chain, verify
from hypothesis import given, settings
from hypothesis import strategies as st

N = 9
FIRST, MIDDLE, LAST = 1, 5, N
ROWS = sample_chain(N)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
HEX = st.text("0123456789abcdef", min_size=64, max_size=64)
NUMBER = st.integers(-(2**63), 2**63 - 1)
RECORDS = st.builds(
    AuditRecord, **{one.name: NUMBER if one.type == "int" else TEXT for one in fields(AuditRecord)}
)  # fmt: skip

# What is found of each way at each place, by the journal's own anchor and by an export: kind and the first bad record.
FOUND = {
    ("edit", FIRST): (Kind.EDITED, 1),
    ("edit", MIDDLE): (Kind.EDITED, 5),
    ("edit", LAST): (Kind.EDITED, 9),
    ("delete", FIRST): (Kind.DELETED, 1),
    ("delete", MIDDLE): (Kind.DELETED, 5),
    ("delete", LAST): (Kind.CUT, 9),
    ("insert", FIRST): (Kind.INSERTED, 1),
    ("insert", MIDDLE): (Kind.INSERTED, 5),
    ("insert", LAST): (Kind.INSERTED, 9),
    ("reorder", FIRST): (Kind.MOVED, 1),
    ("reorder", MIDDLE): (Kind.MOVED, 5),
    ("reorder", LAST): (Kind.MOVED, 8),
    ("cut", FIRST): (Kind.CUT, 1),
    ("cut", MIDDLE): (Kind.CUT, 5),
    ("cut", LAST): (Kind.CUT, 9),
    ("fork", FIRST): (Kind.FORKED, 1),
    ("fork", MIDDLE): (Kind.FORKED, 5),
    ("fork", LAST): (Kind.FORKED, 9),
}


def test_an_untouched_chain_is_accepted() -> None:
    """Nobody believes an alarm that sounds every day."""
    verdict = verify(ROWS, [anchor_of(ROWS)])
    assert (verdict.end, verdict.finding) == (anchor_of(ROWS), None)
    assert verify([], [EMPTY]).finding is None


@pytest.mark.parametrize(("way", "place"), FOUND, ids=str)
def test_what_was_done_is_found_with_its_first_record(way: str, place: int) -> None:
    """18 of 18. A chain written anew holds together: the anchor says that it happened, an export where."""
    changed = WAYS[way](ROWS, place)
    kind, number = FOUND[way, place]

    own = verify(changed, [anchor_of(ROWS)]).finding
    exported = verify(changed, [Anchor(row.record.number, row.hash) for row in ROWS]).finding

    assert own is not None
    assert exported is not None
    assert own.kind == exported.kind == kind
    assert exported.number == number
    assert own.number == (1 if kind is Kind.FORKED else number)
    assert f"record{'s' if f'records {number}' in exported.sentence else ''} {number}" in exported.sentence


def test_a_forged_record_with_any_hash_is_found() -> None:
    """Who puts one in need not take the trouble of chaining it."""
    forged = Chained(replace(BLANK, number=5), "c" * 64, "d" * 64)
    finding = verify([*ROWS[:4], forged, *ROWS[4:]], [anchor_of(ROWS)]).finding
    assert finding is not None
    assert (finding.kind, finding.number) == (Kind.INSERTED, 5)
    finding = verify([*ROWS[:5], ROWS[4], *ROWS[5:]], [anchor_of(ROWS)]).finding
    assert finding is not None
    assert finding.sentence == "record 5 stands twice"


def test_records_behind_the_anchor_are_said_to_be_there() -> None:
    """A host that died before it wrote the anchor leaves the same picture as somebody who appends."""
    finding = verify(ROWS, [anchor_of(ROWS[:7])]).finding
    assert finding is not None
    assert (finding.kind, finding.number) == (Kind.APPENDED, 8)


def test_anchors_that_differ_cannot_both_be_right() -> None:
    """The one beside the journal was written anew with it, the other was kept."""
    forged = WAYS["fork"](ROWS, MIDDLE)
    for anchors in ([anchor_of(ROWS), anchor_of(forged)], [anchor_of(forged), anchor_of(ROWS)]):
        finding = verify(forged, anchors).finding
        assert finding is not None
        assert finding.kind is Kind.FORKED


def test_two_records_that_follow_one_are_a_fork() -> None:
    """The second of them is a record like any other, but for its place."""
    sibling = chain(replace(BLANK, number=6, reason="another"), ROWS[3].hash)
    finding = verify([*ROWS[:5], sibling], [anchor_of(ROWS[:6])]).finding
    assert finding is not None
    assert (finding.kind, finding.number) == (Kind.FORKED, 5)


def test_a_record_written_anew_alone_is_found_by_the_next() -> None:
    """Its own hash is right; what follows it names another."""
    renewed = chain(replace(ROWS[4].record, reason="none"), ROWS[3].hash)
    finding = verify([*ROWS[:4], renewed, *ROWS[5:]], [anchor_of(ROWS)]).finding
    assert finding is not None
    assert (finding.kind, finding.number) == (Kind.FORKED, 5)


def test_a_tail_can_be_looked_at_alone() -> None:
    """A host that opens a long journal does not read all of it."""
    start = anchor_of(ROWS[:6])
    assert verify(ROWS[6:], [anchor_of(ROWS)], start=start).finding is None
    assert verify(ROWS[6:], [anchor_of(ROWS)], start=Anchor(6, "e" * 64)).finding is not None
    assert verify(ROWS[6:8], [anchor_of(ROWS)], start=start).finding is not None


@pytest.mark.control
@pytest.mark.parametrize("place", [FIRST, MIDDLE, LAST])
def test_without_an_anchor_a_cut_tail_is_missed(place: int) -> None:
    """What is left of a chain is a chain: this is what the anchor is for."""
    assert verify(cut(ROWS, place), []).finding is None
    assert verify(cut(ROWS, place), [anchor_of(ROWS)]).finding is not None


@settings(max_examples=60, deadline=None)
@given(RECORDS, RECORDS)
def test_two_records_never_share_an_encoding(one: AuditRecord, other: AuditRecord) -> None:
    """Else one could stand for the other."""
    assert (canonical(one) == canonical(other)) == (one == other)
    assert chain(one, GENESIS).hash != chain(one, "1" * 64).hash
    assert Chained.of(json.loads(json.dumps(chain(one, GENESIS).as_dict()))) == chain(one, GENESIS)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_change_of_any_field_of_any_record_is_found(data: st.DataObject) -> None:
    """Not only those that somebody thought of."""
    place = data.draw(st.integers(0, N - 1))
    row = ROWS[place]
    name = data.draw(st.sampled_from([*(one.name for one in fields(AuditRecord)), "previous", "hash"]))
    is_hash = name in ("previous", "hash")
    is_number = not is_hash and isinstance(getattr(row.record, name), int)
    change: dict[str, Any] = {name: data.draw(NUMBER if is_number else HEX if is_hash else TEXT)}
    changed = replace(row, **change) if is_hash else replace(row, record=replace(row.record, **change))
    rows = [*ROWS[:place], changed, *ROWS[place + 1 :]]
    assert (verify(rows, [anchor_of(ROWS)]).finding is None) == (changed == row)


@settings(max_examples=60, deadline=None)
@given(st.permutations(range(N)), st.sets(st.integers(0, N - 1)))
def test_any_other_order_and_any_gap_is_found(order: list[int], gone: set[int]) -> None:
    """Rows come as they are stored, with their own numbers or in their order."""
    rows = [ROWS[index] for index in order if index not in gone]
    assert (verify(rows, [anchor_of(ROWS)]).finding is None) == (rows == ROWS)


def test_the_encoding_is_pinned() -> None:
    """Journals of years ago must verify: a change of this is a new format."""
    row = make_chain([BLANK])[0]
    assert canonical(row.record).startswith(b'{"after_generation":2,"after_sha256":"bbbb')
    assert row.hash == "c80c8c6e6fc60e02cc43e1cb4dde01551151eb87c6b3ee12f83928939b9dba32"
