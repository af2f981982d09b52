"""Tests engine/journal*.py: what is durable when, what a failing disk leaves, who may write, what a restart finds."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import sqlite3
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from audit_rows import BLANK
from hotgraft.core.audit import EMPTY, Kind, verify
from hotgraft.core.errors import JournalError
from hotgraft.engine import journal as module
from hotgraft.engine.journal import Journal
from hotgraft.engine.journal_anchor import read_anchor
from hotgraft.engine.journal_database import Database
from hotgraft.engine.journal_folder import holder_of
from hotgraft.engine.journal_reading import export, history, verify_journal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from hotgraft.core.audit import Anchor, AuditRecord, Chained

WAL_HEAD, FRAME = 32, 24 + 4096  # sqlite.org/fileformat2.html, 4.1: with the default page size


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the journal of this test is."""
    return tmp_path / "journal"


@pytest.fixture
def journal(folder: Path) -> Iterator[Journal]:
    """A journal that is let go of afterwards."""
    made = Journal(folder)
    yield made
    made.abandon()


def step(text: str, **more: Any) -> AuditRecord:
    """Return a record whose step is `text`."""
    return replace(BLANK, step=text, **more)


def steps_in(folder: Path) -> list[str]:
    """Return the steps on disk, without the host's own."""
    return [row.record.step for row in export(folder) if row.record.step not in ("open", "close")]


def broken_append(self: Database, rows: Sequence[Chained], configs: dict[str, str]) -> None:
    """What SQLite says of a disk that does not sync."""
    raise sqlite3.OperationalError("disk I/O error")


def test_what_is_written_is_on_disk_in_its_order_and_anchored(folder: Path, journal: Journal) -> None:
    """Read by another connection, as a process that is started later would."""
    assert journal.write([step("one"), step("two")], keeps=False).error is None
    assert journal.write([step("three")], {"ab": '{"volume": 1}'}, keeps=True).error is None

    assert steps_in(folder) == ["one", "two", "three"]
    assert read_anchor(folder) == journal.end
    assert verify_journal(folder).verdict.finding is None
    assert journal.config("ab") == '{"volume": 1}'
    assert journal.config("cd") is None


def test_files_are_private(folder: Path, journal: Journal) -> None:
    """A config may hold a password; an image in there is code that a host runs."""
    journal.write([step("one")], keeps=False)
    loose = [one for one in [folder, *folder.rglob("*")] if one.stat().st_mode & 0o077]
    assert loose == []


def test_a_folder_that_others_may_write_to_is_refused(folder: Path) -> None:
    """They could put an image into it."""
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(JournalError, match=r"others may write.*no host was made"):
        Journal(folder)


def test_a_promise_that_cannot_be_written_is_refused_and_is_not_there(
    folder: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault R02 in the journal: no durability is claimed, and nothing of it stays behind."""
    with monkeypatch.context() as broken:
        broken.setattr(Database, "append", broken_append)
        written = journal.write([step("one")], keeps=False)
    assert not written.is_committed
    assert "disk I/O error" in str(written.error)
    assert (journal.kept, steps_in(folder)) == (0, [])
    assert journal.write([step("two")], keeps=False).error is None
    assert steps_in(folder) == ["two"]


def test_what_has_happened_is_kept_until_it_can_be_written_and_comes_first(
    folder: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And while it is kept, nothing can be promised."""
    with monkeypatch.context() as broken:
        broken.setattr(Database, "append", broken_append)
        written = journal.write([step("one")], {"ab": "{}"}, keeps=True)
        assert written.error is not None
        assert (journal.kept, written.error.records) == (1, 1)
        assert journal.write([step("two")], keeps=False).error is not None
    assert journal.write([step("three")], keeps=False).error is None
    assert (journal.kept, steps_in(folder), journal.config("ab")) == (0, ["one", "three"], "{}")
    assert verify_journal(folder).verdict.finding is None


def test_what_is_kept_is_bounded_and_what_is_dropped_is_told(
    folder: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A watch that asks again for days must not fill the memory."""
    monkeypatch.setattr(module, "KEPT_RECORDS", 3)
    with monkeypatch.context() as broken:
        broken.setattr(Database, "append", broken_append)
        for number in range(5):
            journal.write([step(f"step {number}")], keeps=True)
    assert journal.kept == 5
    journal.write([step("last")], keeps=False)
    assert steps_in(folder) == ["step 0", "step 1", "step 2", "journal", "last"]
    (told,) = [row.record for row in export(folder) if row.record.step == "journal"]
    assert told.error.startswith("2 records of refused attempts were dropped")


def test_an_anchor_that_cannot_be_written_refuses_and_the_next_write_mends_it(
    folder: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The records are in the chain, so they are not written twice."""

    def broken_anchor(folder: Path, anchor: Anchor) -> None:
        raise OSError(28, "No space left on device", str(folder))

    with monkeypatch.context() as broken:
        broken.setattr(module, "write_anchor", broken_anchor)
        written = journal.write([step("one")], keeps=True)
    assert written.is_committed
    assert "No space left on device" in str(written.error)
    assert journal.kept == 0
    assert journal.write([step("two")], keeps=False).error is None
    assert steps_in(folder) == ["one", "two"]
    assert verify_journal(folder).verdict.finding is None


def test_no_memory_is_a_failure_like_any_other(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A swap that has happened must not come to look failed."""

    def no_memory(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Database, "append", no_memory)
    assert "no memory" in str(journal.write([step("one")], keeps=True).error)
    assert journal.kept == 1


def test_a_clock_that_jumps_changes_times_and_nothing_else(folder: Path) -> None:
    """Fault R05: a year forward, back, frozen. Order, durations and deadlines hang on the monotonic clock."""
    year = 365 * 24 * 3600 * 10**9
    wall = iter([10 * year, 11 * year, 9 * year, 9 * year, 9 * year])
    mono = iter(range(100, 200, 10))
    journal = Journal(folder, wall_ns=lambda: next(wall), monotonic_ns=lambda: next(mono))
    for _ in range(3):
        assert journal.write([journal.blank()], keeps=False).error is None
    assert journal.close() is None

    records = [row.record for row in export(folder)]
    assert [one.wall_ns // year for one in records] == [10, 11, 9, 9, 9]
    assert [one.monotonic_ns for one in records] == [100, 110, 120, 130, 140]
    assert verify_journal(folder).verdict.finding is None


def test_many_threads_write_one_chain(folder: Path, journal: Journal) -> None:
    """The order of writing is the order of the chain, and each writer's own order is kept."""

    def work(thread: int) -> None:
        for number in range(10):
            assert journal.write([step(str(number), attempt=f"1.{thread}")], keeps=thread % 2 == 0).error is None

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert verify_journal(folder).verdict.finding is None
    by_attempt: dict[str, list[str]] = {}
    for row in export(folder):
        by_attempt.setdefault(row.record.attempt, []).append(row.record.step)
    by_attempt.pop("")
    assert list(by_attempt.values()) == [[str(number) for number in range(10)]] * 8


def test_a_reader_does_not_stop_the_writer(folder: Path, journal: Journal) -> None:
    """`hotgraft history` in one terminal must not refuse a reload in another."""
    journal.write([step("one")], keeps=False)
    reader = export(folder)
    next(reader)
    assert journal.write([step("two")], keeps=False).error is None
    assert [row.record.step for row in reader] == ["one"]  # what was there when it began


# --- who has it ---


def test_a_second_host_is_refused_and_told_who_has_it(folder: Path, journal: Journal) -> None:
    """Fault R09: two hosts on one journal; here of one process, in test_journal_faults.py of two."""
    assert holder_of(folder) == os.getpid()
    with pytest.raises(JournalError, match="another host of this process has it"):
        Journal(folder)
    journal.close()
    assert holder_of(folder) is None
    Journal(folder).abandon()


def test_a_forked_child_leaves_the_journal_alone(folder: Path, journal: Journal) -> None:
    """Fault K07: SQLite must not be closed across a fork, and the child's life must not keep the lock."""
    journal.write([step("one")], keeps=False)
    asks, answers = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        journal.abandon()
        del journal
        os.write(answers[1], b"x")
        os.read(asks[0], 1)
        os._exit(0)
    try:
        os.read(answers[0], 1)  # it has begun
        assert journal.write([step("two")], keeps=False).error is None
        assert journal.close() is None
        assert holder_of(folder) is None
        Journal(folder).abandon()
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        for fd in (*asks, *answers):
            os.close(fd)
    assert steps_in(folder) == ["one", "two"]


# --- what a restart finds ---


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
    kept = (folder / "anchor.json").read_bytes()
    journal.write([step("one")], keeps=False)
    journal.abandon()
    (folder / "anchor.json").write_bytes(kept)
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
    before = (folder / "anchor.json").read_bytes()
    with pytest.raises(JournalError, match=words) as caught:
        Journal(folder)
    assert "hotgraft audit verify" in caught.value.advice
    assert (folder / "anchor.json").read_bytes() == before
    assert holder_of(folder) is None


def test_an_anchor_that_is_gone_or_damaged_is_refused(folder: Path) -> None:
    """Without it a cut tail cannot be found."""
    Journal(folder).abandon()
    for text in ('{"count": 1}', "", "[]", '{"count": -1, "head": "' + "0" * 64 + '"}', '{"hotgraft_anchor": 2}'):
        (folder / "anchor.json").write_text(text)
        with pytest.raises(JournalError, match="damaged"):
            Journal(folder)
    (folder / "anchor.json").unlink()
    with pytest.raises(JournalError, match="no anchor"):
        Journal(folder)


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
        (folder / "anchor.json").write_bytes(before.anchor)


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
            database, log = (folder / "journal.db").read_bytes(), (folder / "journal.db-wal").read_bytes()
            taken.append(Synced(database, log, (folder / "anchor.json").read_bytes(), journal.end))
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


def test_facts_and_errors_of_any_text_are_taken(folder: Path, journal: Journal) -> None:
    """A plugin's error text is anything."""
    records = [step("one", error="line\none\0 two ✓ \u2028", reason="'; DROP TABLE audit; --")]
    assert journal.write(records, keeps=False).error is None
    (row,) = [one.record for one in export(folder) if one.record.step == "one"]
    assert (row.error, row.reason) == (records[0].error, records[0].reason)
    assert json.loads(row.facts) == {}


def alter(folder: Path, change: str) -> None:
    """Do something to the database that no journal does."""
    connection = sqlite3.connect(folder / "journal.db")
    connection.execute(change)
    connection.commit()
    connection.close()
