"""The journal of a host: every step of every attempt on record, the intent before the gated window, the rest after it.

What is synced when. An attempt makes two commits.
  intent   the steps so far and what is about to be done, before any code of the candidate runs in this process.
           SQLite writes the records to journal.db-wal and syncs it (one fdatasync: WAL mode, synchronous = FULL): they
           outlast a loss of power. The anchor is written and not synced: what may be lost is one that is newer than the
           one before, and the next host takes over records that stand behind it.
  outcome  the steps of the window, from the record that the core returns, and how it ended; after publish. The kept
           image is synced (it, and its folder); then the records (one fdatasync), then the anchor (one fdatasync).
  On opening, the folder is synced as well, so that the names of all files in it are durable; every 1,000 pages SQLite
  copies the log into journal.db and syncs that. Nothing is written or synced while a gate is closed.

Where a write fails
  What is promised (`keeps=False`) did not happen yet: the swap is refused. What is told (`keeps=True`) *has* happened:
  its records are kept in memory and written, in their order, in front of the next ones, and until they are, no promise
  can be written either. A commit that failed is not there; one whose anchor failed is, and the next writes the anchor.

Thread safety: any thread; one writer at a time, and the order of writing is the order of the chain. The interpreter
lock is not held while the disk is slow. In a forked child nothing of this is used, and nothing closed.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import sqlite3
import threading
import time
import weakref
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from hotgraft.core.audit import Anchor, AuditRecord, chain
from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import JournalError
from hotgraft.engine.journal_anchor import write_anchor
from hotgraft.engine.journal_asked import asked
from hotgraft.engine.journal_database import Database, words_of
from hotgraft.engine.journal_folder import DATABASE, FolderLock, make_folder, sync_folder
from hotgraft.engine.journal_opening import check_tail, last_good_images, opening_records
from hotgraft.engine.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from hotgraft.core.audit import Chained

__all__ = ["KEPT_RECORDS", "Journal", "Written"]

KEPT_RECORDS: Final = 2000  # in memory, while the journal cannot be written; what is more is counted and told
_FAILURES: Final = (sqlite3.Error, OSError, MemoryError)
_OPEN: weakref.WeakSet[Journal] = weakref.WeakSet()  # those that a forked child must leave alone


@dataclass(frozen=True, slots=True)
class Written:
    """What became of records: whether they are in the chain, and what failed. Both: only the anchor is behind."""

    is_committed: bool
    error: JournalError | None = None


class Journal:
    """One journal, held by one host.

    Args:
        folder: see journal_folder.
        wall_ns: a clock that may jump: it is for people, and nothing is ordered by it.
        monotonic_ns: one that does not.

    Raises:
        JournalError: another host has it, it cannot be written, or what is in it is not what its anchor says.

    Invariants
      (1) `end` is the last record that is committed; a failure leaves it as it was.
      (2) `_kept` are records of what has happened, in their order; they are written before anything else.
    """

    def __init__(
        self,
        folder: Path,
        *,
        wall_ns: Callable[[], int] = time.time_ns,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.folder = folder
        self.wall_ns, self.monotonic_ns = wall_ns, monotonic_ns
        self._lock = threading.Lock()
        self._kept: list[AuditRecord] = []
        self._kept_configs: dict[str, str] = {}
        self._dropped = 0
        self._attempts = 0
        self._pid = os.getpid()
        try:
            self._open()
        except JournalError as error:
            error.running = "no host was made"
            raise
        _watch_forks()
        _OPEN.add(self)

    def _open(self) -> None:
        make_folder(self.folder)
        self._held = FolderLock(self.folder)
        try:
            self._database = Database.to_write(self.folder)
            self._begin()
        except BaseException:
            self._held.close()
            raise

    def _begin(self) -> None:
        """Read what is there, and put on record that this host has it now."""
        try:
            self.end, unanchored = check_tail(self._database, self.folder)
            self.store = Store(self.folder, last_good_images(self._database))
            records = opening_records(self._database, self.blank(), unanchored)
            self.session = self.end.count + len(records)  # the number of the record that opens it
            error = self.write(records, keeps=False).error or self._write_anchor(is_durable=True)
            if error is not None:
                raise error
            sync_folder(self.folder)
        except BaseException as error:
            self._database.close()
            if isinstance(error, sqlite3.Error | OSError):
                raise self._refusal(words_of(error)) from None
            raise

    def at(self, point: str) -> None:
        """Do nothing: tests end the process here, before and after each thing that outlasts it."""

    def blank(self) -> AuditRecord:
        """Return a record of the host's own."""
        return asked("host").record(wall_ns=self.wall_ns(), monotonic_ns=self.monotonic_ns())

    def new_attempt(self) -> str:
        """Return a name for an attempt that no other has."""
        with self._lock:
            self._attempts += 1
            return f"{self.session}.{self._attempts}"

    def write(
        self, records: Sequence[AuditRecord], configs: Mapping[str, str] | None = None, *, keeps: bool
    ) -> Written:
        """Write records, durable when this returns without an error.

        Args:
            records: in the order they are to have; their numbers are given here.
            configs: texts that they name by hash.
            keeps: they tell of what has happened, and are kept where they cannot be written.
        """
        with self._lock:
            written = self._write(records, configs or {}, is_durable=keeps)
            if keeps and not written.is_committed:
                self._keep(records, configs or {})
            if keeps and written.error is not None:
                written.error.records = self.kept
                written.error.running = "what runs goes on; nothing is changed until the journal can be written"
        return written

    @property
    def kept(self) -> int:
        """How many records are in memory only."""
        return len(self._kept) + self._dropped

    def _write(self, records: Sequence[AuditRecord], configs: Mapping[str, str], *, is_durable: bool) -> Written:
        """Commit what was kept and then `records`; then the anchor, which may outlast less than they do."""
        rows, end = self._chained([*self._kept, *self._lost(), *records])
        try:
            self.at("commit")
            self._database.append(rows, {**self._kept_configs, **configs})
            self.end, self._kept, self._kept_configs, self._dropped = end, [], {}, 0
            self.at("committed")
        except _FAILURES as error:
            return Written(False, self._refusal(f"{DATABASE}: {words_of(error)}"))
        return Written(True, self._write_anchor(is_durable=is_durable))

    def _write_anchor(self, *, is_durable: bool) -> JournalError | None:
        try:
            write_anchor(self.folder, self.end, is_durable=is_durable)
            self.at("anchored")
        except _FAILURES as error:
            return self._refusal(f"its anchor: {words_of(error)}")
        return None

    def _chained(self, records: Iterable[AuditRecord]) -> tuple[list[Chained], Anchor]:
        rows: list[Chained] = []
        end = self.end
        for one in records:
            rows.append(chain(replace(one, number=end.count + 1), end.head))
            end = Anchor(end.count + 1, rows[-1].hash)
        return rows, end

    def _keep(self, records: Sequence[AuditRecord], configs: Mapping[str, str]) -> None:
        """Remember what happened. While anything is kept all attempts are refused: what is dropped tells of those."""
        room = max(KEPT_RECORDS - len(self._kept), 0)
        self._kept += records[:room]
        self._kept_configs |= configs
        self._dropped += len(records[room:])

    def _lost(self) -> list[AuditRecord]:
        if not self._dropped:
            return []
        sentence = f"{self._dropped} records of refused attempts were dropped while the journal could not be written"
        return [replace(self.blank(), step="journal", outcome="dropped", error=sentence)]

    def _refusal(self, found: str) -> JournalError:
        return JournalError("write the journal", on=str(self.folder), found=found, records=self.kept)

    # --- read ---

    def last_commit(self, plugin: str, sha256: str) -> AuditRecord | None:
        """Return the newest commit of that image."""
        where = "step = 'commit' AND outcome = 'committed' AND plugin = ? AND after_sha256 = ?"
        with self._lock:
            found = next(self._database.rows(where, (plugin, sha256), "number DESC"), None)
        return None if found is None else found.record

    def notes(self, step: str) -> tuple[AuditRecord, ...]:
        """Return the records of that step that belong to no attempt, the oldest first."""
        with self._lock:
            return tuple(row.record for row in self._database.rows("step = ? AND attempt = ''", (step,)))

    def config(self, sha256: str) -> str | None:
        """Return the config text of that hash."""
        with self._lock:
            return self._database.config(sha256)

    # --- end ---

    def close(self) -> JournalError | None:
        """Write what was kept and that the host was closed, and give the journal to others; twice is once."""
        if self not in _OPEN:
            return None
        error = self.write([replace(self.blank(), step="close", outcome="closed")], keeps=True).error
        self.abandon()
        return error

    def abandon(self) -> None:
        """Let go of the files without a word, as the end of the process would. In a forked child: of nothing."""
        if os.getpid() != self._pid or self not in _OPEN:
            return
        _OPEN.discard(self)
        with self._lock:
            with contextlib.suppress(sqlite3.Error):
                self._database.close()
            self._held.close()

    def begin_child(self) -> None:
        """In a forked child: the connection is never closed, not even by the interpreter's end, and the lock is let go.

        SQLite must not be closed across a fork (sqlite.org/howtocorrupt.html, 2.6).
        """
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._database.connection))
        self._held.close()


@functools.cache
def _watch_forks() -> None:
    """Ask to be called in every forked child; once."""
    os.register_at_fork(after_in_child=_begin_child)


def _begin_child() -> None:
    for one in tuple(_OPEN):
        one.begin_child()
