"""The records of a journal in SQLite: how they are written, and how they are read beside the host that writes them.

Readers never wait for the writer, nor it for them (WAL). A file of a newer format is refused, never rewritten.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import astuple, fields
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.audit import AuditRecord, Chained
from hotgraft.core.errors import JournalError
from hotgraft.engine.journal_folder import DATABASE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

__all__ = ["Database", "words_of"]

_FORMAT: Final = 1
_APPLICATION: Final = 0x68676A31  # "hgj1", for file(1)
_WAIT_MS: Final = 5000  # for a lock that another process of ours holds for moments: the end of a reader
_NUMBERS: Final = frozenset(one.name for one in fields(AuditRecord) if one.type == "int")
_NAMES: Final = (*(one.name for one in fields(AuditRecord)), "previous", "hash")
_COLUMNS: Final = ", ".join(_NAMES)
_TYPES: Final = {one: "INTEGER NOT NULL" if one in _NUMBERS else "TEXT NOT NULL" for one in _NAMES}
_SCHEMA: Final = (
    f"CREATE TABLE audit ({', '.join(f'{one} {kind}' for one, kind in _TYPES.items())}, PRIMARY KEY (number))",
    "CREATE INDEX audit_attempt ON audit (attempt)",
    "CREATE INDEX audit_step ON audit (step, plugin)",
    "CREATE TABLE config (sha256 TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID",
    f"PRAGMA application_id = {_APPLICATION}",
    f"PRAGMA user_version = {_FORMAT}",
)


class Database:
    """One connection.

    Thread safety: one call at a time; the journal's lock sees to it.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    @classmethod
    def to_write(cls, folder: Path) -> Database:
        """Open the database, made if it is not there.

        Raises:
            JournalError: it cannot be opened, is damaged, or has a newer format.
        """
        with _told("open the journal", folder):
            if not (folder / DATABASE).exists():  # the log beside it gets the same permissions
                os.close(os.open(folder / DATABASE, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            connection = sqlite3.connect(folder / DATABASE, isolation_level=None, check_same_thread=False)
            try:
                connection.execute(f"PRAGMA busy_timeout = {_WAIT_MS}")
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                _check_format(connection, folder, may_be_empty=True)
            except BaseException:
                connection.close()
                raise
        return cls(connection)

    @classmethod
    def to_read(cls, folder: Path) -> Database:
        """Open the database of a journal that a host may be writing.

        Raises:
            JournalError: there is none, or it cannot be read.
        """
        if not (folder / DATABASE).exists():
            advice = "name the journal with --journal, or let a host make one: hotgraft run"
            raise _unreadable(folder.absolute(), f"there is none: {_why_none(folder)}", advice)
        with _told("read the journal", folder):
            uri = f"{(folder / DATABASE).absolute().as_uri()}?mode=ro"
            connection = sqlite3.connect(uri, uri=True, isolation_level=None)
            try:
                connection.execute(f"PRAGMA busy_timeout = {_WAIT_MS}")
                _check_format(connection, folder, may_be_empty=False)
            except BaseException:
                connection.close()
                raise
        return cls(connection)

    def append(self, rows: Iterable[Chained], configs: Mapping[str, str]) -> None:
        """Write rows in one transaction, durable when this returns; on any failure none of them is there."""
        run = self.connection.execute
        run("BEGIN IMMEDIATE")
        try:
            for sha256, text in configs.items():
                run("INSERT OR IGNORE INTO config VALUES (?, ?)", (sha256, text))
            marks = ", ".join("?" * len(_NAMES))
            for row in rows:
                run(f"INSERT INTO audit ({_COLUMNS}) VALUES ({marks})", (*astuple(row.record), row.previous, row.hash))
            run("COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                run("ROLLBACK")
            raise

    def rows(self, where: str = "", values: Iterable[Any] = (), order: str = "number") -> Iterator[Chained]:
        """Yield rows, by default all in the order of the chain; `where` and `order` are ours, `values` anybody's."""
        sql = f"SELECT {_COLUMNS} FROM audit {'WHERE ' + where if where else ''} ORDER BY {order}"
        with closing(self.connection.execute(sql, tuple(values))) as found:
            for one in found:
                yield Chained(AuditRecord(**dict(zip(_NAMES[:-2], one, strict=False))), one[-2], one[-1])

    def count(self) -> int:
        """Return the highest number."""
        return int(self.connection.execute("SELECT coalesce(max(number), 0) FROM audit").fetchone()[0])

    def config(self, sha256: str) -> str | None:
        """Return the config text of that hash."""
        found = self.connection.execute("SELECT text FROM config WHERE sha256 = ?", (sha256,)).fetchone()
        return None if found is None else str(found[0])

    def close(self) -> None:
        """Close the connection; the last one moves everything into the main file."""
        self.connection.close()


def words_of(error: sqlite3.Error | OSError | MemoryError) -> str:
    """Return what went wrong, with the code that a search finds."""
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)
    code = getattr(error, "sqlite_errorname", "")
    return f"{str(error) or 'no memory'}{f' ({code})' if code else ''}"


@contextmanager
def _told(tried: str, folder: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise JournalError(tried, on=str(folder / DATABASE), found=words_of(error)) from None


def _check_format(connection: sqlite3.Connection, folder: Path, *, may_be_empty: bool) -> None:
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found == _FORMAT:
        return
    is_empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if found == 0 and is_empty and may_be_empty:
        connection.execute("BEGIN IMMEDIATE")
        for one in _SCHEMA:
            connection.execute(one)
        connection.execute("COMMIT")
        return
    what = "it is empty" if is_empty else f"its format is {found}, and {_FORMAT} is known here"
    raise _unreadable(folder / DATABASE, what, "use the hotgraft that wrote it, or another journal")


def _why_none(folder: Path) -> str:
    if folder.is_dir():
        return f"that folder holds no {DATABASE}"
    return "that is a file, and a journal is a folder" if folder.exists() else "no folder of that name is there"


def _unreadable(path: Path, found: str, advice: str) -> JournalError:
    return JournalError("read the journal", on=str(path), found=found, advice=advice, running="nothing was changed")
