"""Tests engine/journal*.py: what is durable when, what a failing disk leaves, who may write, what a restart finds."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import threading
from typing import TYPE_CHECKING

import pytest
from audit_rows import step
from hotgraft.core.errors import JournalError
from hotgraft.engine import journal as module
from hotgraft.engine.journal import Journal
from hotgraft.engine.journal_anchor import read_anchor
from hotgraft.engine.journal_database import Database
from hotgraft.engine.journal_folder import holder_of
from hotgraft.engine.journal_reading import export, verify_journal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from hotgraft.core.audit import Anchor, Chained


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


def test_a_folder_that_cannot_be_made_is_refused_with_what_to_do(tmp_path: Path) -> None:
    """Settings may lie where their reader may not write."""
    (tmp_path / "file").touch()
    with pytest.raises(JournalError, match="Not a directory") as caught:
        Journal(tmp_path / "file" / "journal")
    assert "--journal off" in caught.value.advice


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

    def broken_anchor(folder: Path, anchor: Anchor, *, is_durable: bool) -> None:
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


def test_facts_and_errors_of_any_text_are_taken(folder: Path, journal: Journal) -> None:
    """A plugin's error text is anything."""
    records = [step("one", error="line\none\0 two ✓ \u2028", reason="'; DROP TABLE audit; --")]
    assert journal.write(records, keeps=False).error is None
    (row,) = [one.record for one in export(folder) if one.record.step == "one"]
    assert (row.error, row.reason) == (records[0].error, records[0].reason)
    assert json.loads(row.facts) == {}
