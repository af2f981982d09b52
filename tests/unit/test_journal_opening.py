"""Tests engine/journal_opening.py: what a host makes of a journal that was left whole, cut short or changed."""

from __future__ import annotations

import itertools
import shutil
import sqlite3
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from audit_rows import BLANK, step
from hotgraft.core.audit import EMPTY, Anchor, Kind, verify
from hotgraft.core.errors import JournalError
from hotgraft.engine.journal import Journal
from hotgraft.engine.journal_anchor import read_anchor, write_anchor
from hotgraft.engine.journal_folder import holder_of
from hotgraft.engine.journal_reading import export, history, verify_journal

if TYPE_CHECKING:
    from pathlib import Path

WAL_HEAD, FRAME = 32, 24 + 4096  # sqlite.org/fileformat2.html, 4.1: with the default page size


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the journal of this test is."""
    return tmp_path / "journal"


def test_an_intent_without_an_outcome_is_closed_as_interrupted(folder: Path) -> None:
    """None of an attempt's outcomes is unknown."""
    journal = Journal(folder)
    journal.write([step("intent", attempt="1.1"), step("map", attempt="1.1")], keeps=False)
    journal.write([step("intent", attempt="1.2"), step("outcome", attempt="1.2", outcome="published")], keeps=False)
    journal.abandon()

    for _ in range(2):  # the second time there is nothing left to close
        Journal(folder).abandon()
        ends = {row.record.attempt: row.record for row in export(folder) if row.record.step == "outcome"}
        assert {name: one.outcome for name, one in ends.items()} == {"1.1": "interrupted", "1.2": "published"}
        assert ends["1.1"].error == "process 42 ended before the outcome was on record"
        assert ends["1.1"].after_sha256 == BLANK.after_sha256
    assert sum(row.record.outcome == "interrupted" for row in export(folder)) == 1


def test_attempts_of_one_session_never_share_a_name_with_another(folder: Path) -> None:
    """The name is what holds the records of an attempt together."""
    names = []
    for _ in range(3):
        journal = Journal(folder)
        names += [journal.new_attempt(), journal.new_attempt()]
        journal.close()
    assert len(set(names)) == 6


def test_records_behind_the_anchor_are_taken_over_and_that_is_told(folder: Path) -> None:
    """Its host died between the two. Whoever appended would leave the same picture, so it stays on record."""
    journal = Journal(folder)
    kept = (folder / "anchor").read_bytes()
    journal.write([step("one")], keeps=False)
    journal.abandon()
    (folder / "anchor").write_bytes(kept)
    found = verify_journal(folder).verdict.finding
    assert found is not None
    assert found.kind is Kind.APPENDED

    Journal(folder).abandon()

    assert verify_journal(folder).verdict.finding is None
    opened = [row.record for row in export(folder) if row.record.step == "open"]
    assert [one.error for one in opened] == ["", "1 records stood after the anchor and were taken over"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("DELETE FROM audit WHERE number = 3", "record 3 was cut off"),
        ("UPDATE audit SET reason = 'none' WHERE number = 3", "record 3 was edited"),
        ("UPDATE audit SET hash = '" + "c" * 64 + "' WHERE number = 3", "record 3 was edited"),
    ],
)
def test_a_host_does_not_write_behind_a_tail_that_was_changed(folder: Path, change: str, words: str) -> None:
    """Its new anchor would cover it up."""
    journal = Journal(folder)
    journal.write([step("one"), step("two")], keeps=False)
    journal.abandon()
    alter(folder, change)
    before = (folder / "anchor").read_bytes()
    with pytest.raises(JournalError, match=words) as caught:
        Journal(folder)
    assert "hotgraft audit verify" in caught.value.advice
    assert (folder / "anchor").read_bytes() == before
    assert holder_of(folder) is None


def test_an_anchor_that_is_gone_or_damaged_is_refused(folder: Path) -> None:
    """Without it a cut tail cannot be found."""
    Journal(folder).abandon()
    whole = (folder / "anchor").read_bytes()
    for data in (
        b"",
        b'{"count": 1}',
        b"[]",
        b"1",
        whole.replace(b'"count": 1', b'"count": 9').replace(b": 0,", b": 8,"),
    ):
        (folder / "anchor").write_bytes(data)
        with pytest.raises(JournalError, match="it is damaged"):
            Journal(folder)
    (folder / "anchor").unlink()
    with pytest.raises(JournalError, match="no anchor"):
        Journal(folder)


def test_an_anchor_that_was_torn_leaves_the_one_before(folder: Path) -> None:
    """Power may go in the middle of any write, and the disk may have done any half of it."""
    journal = Journal(folder)
    journal.write([step("one")], keeps=True)
    journal.abandon()
    before, end = (folder / "anchor").read_bytes(), journal.end
    write_anchor(folder, Anchor(end.count + 1, "a" * 64), is_durable=True)
    after = (folder / "anchor").read_bytes()
    changed = [place for place, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]]
    for size in changed:
        (folder / "anchor").write_bytes(after[:size] + before[size:])
        assert read_anchor(folder) == end
    (folder / "anchor").write_bytes(after)
    assert read_anchor(folder) == Anchor(end.count + 1, "a" * 64)


def test_a_newer_format_is_refused_and_left_alone(folder: Path) -> None:
    """A downgrade must not cost the records."""
    Journal(folder).abandon()
    alter(folder, "PRAGMA user_version = 2")
    before = (folder / "journal.db").read_bytes()
    with pytest.raises(JournalError, match="its format is 2, and 1 is known here"):
        Journal(folder)
    with pytest.raises(JournalError, match="its format is 2"):
        history(folder)
    assert (folder / "journal.db").read_bytes() == before


def test_what_is_no_database_is_refused(folder: Path) -> None:
    """With SQLite's own words for it."""
    folder.mkdir(mode=0o700)
    (folder / "journal.db").write_bytes(b"something else entirely" * 100)
    with pytest.raises(JournalError, match="SQLITE_NOTADB"):
        Journal(folder)


def frames_of(log: bytes) -> int:
    """Return how many frames of a log count: those of its present turn, which its salt tells."""
    salt, count = log[16:24], 0
    while log[WAL_HEAD + count * FRAME + 8 :][:8] == salt:
        count += 1
    return count


@dataclass(frozen=True, slots=True)
class Synced:
    """The files of a journal at a moment at which all of it is durable."""

    database: bytes
    log: bytes
    anchor: bytes
    end: Anchor

    def lose_to(self, before: Synced, size: int, folder: Path) -> None:
        """Write what is left when of the writes since `before` only those to the log's first `size` bytes arrived."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        (folder / "journal.db").write_bytes(before.database)
        (folder / "journal.db-wal").write_bytes(self.log[:size] + before.log[size:])
        (folder / "anchor").write_bytes(before.anchor)


def taken_from(folder: Path, journal: Journal) -> Synced:
    """Return the files as they are now."""
    database, log = (folder / "journal.db").read_bytes(), (folder / "journal.db-wal").read_bytes()
    return Synced(database, log, (folder / "anchor").read_bytes(), journal.end)


def test_every_lost_suffix_of_unsynced_writes_leaves_a_whole_journal(folder: Path, tmp_path: Path) -> None:
    """Fault K02: the log is cut at every frame's border and inside every frame between two syncs.

    What was promised before is there, nothing is half there, and the intent that lost its outcome is closed.
    """
    journal = Journal(folder)
    taken: list[Synced] = []
    for number in range(4):
        name = f"9.{number}"
        for record in (step("intent", attempt=name), step("outcome", attempt=name, outcome="published")):
            assert journal.write([record], keeps=False).error is None
            taken.append(taken_from(folder, journal))
        if number == 1:
            journal._database.connection.execute("PRAGMA wal_checkpoint(RESTART)")  # the log begins anew, over the old
            taken[-1] = replace(taken[-1], database=(folder / "journal.db").read_bytes())
    journal.abandon()

    tried = 0
    for before, after in itertools.pairwise(taken):
        first = frames_of(before.log) if before.log[16:24] == after.log[16:24] else 0
        borders = [WAL_HEAD + number * FRAME for number in range(first, frames_of(after.log) + 1)]
        assert len(borders) > 2
        for size in [*borders, *(one + offset for one in borders[:-1] for offset in (4, 24, 1024))]:
            after.lose_to(before, size, tmp_path / "copy")
            check_reopened(tmp_path / "copy", before.end, is_whole=size == borders[-1])
            tried += 1
    assert tried > 80


@pytest.mark.control
def test_with_the_anchor_first_a_lost_write_looks_like_a_cut_tail(folder: Path, tmp_path: Path) -> None:
    """This is why records are durable before their anchor is written: no power cut may look like an attack."""
    journal = Journal(folder)
    before = taken_from(folder, journal)
    journal.write([step("intent")], keeps=True)
    after = taken_from(folder, journal)
    journal.abandon()
    replace(after, anchor=before.anchor).lose_to(before, 0, tmp_path / "copy")
    Journal(tmp_path / "copy").abandon()
    after.lose_to(replace(before, anchor=after.anchor), 0, tmp_path / "copy")
    with pytest.raises(JournalError, match="was cut off"):
        Journal(tmp_path / "copy")


def check_reopened(folder: Path, promised: Anchor, *, is_whole: bool) -> None:
    """Open what a loss of power left and hold it against what was promised."""
    Journal(folder).abandon()
    rows = list(export(folder))
    assert verify(rows, [promised, read_anchor(folder) or EMPTY]).finding is None
    new = [row.record.step for row in rows[promised.count :]]
    lost = ["outcome"] if rows[promised.count - 1].record.step == "intent" else []
    expected = [*lost, "open"] if not is_whole else [new[0], *(["outcome"] if new[0] == "intent" else []), "open"]
    assert new == expected
    intents = {row.record.attempt for row in rows if row.record.step == "intent"}
    assert intents == {row.record.attempt for row in rows if row.record.step == "outcome"}


def alter(folder: Path, change: str) -> None:
    """Do something to the database that no journal does."""
    connection = sqlite3.connect(folder / "journal.db")
    connection.execute(change)
    connection.commit()
    connection.close()
