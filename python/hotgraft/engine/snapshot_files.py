"""One snapshot as one file: written whole or not at all, read whole or refused.

A file gets its name when all of it is on the disk, so whoever finds the name finds the snapshot; where a process is
killed in between, a file ending in ``.new`` is left, which nobody reads.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

from hotgraft.core.snapshot_bytes import HEAD_BYTES, decode_snapshot, encode_snapshot, header_bytes_of, label_of
from hotgraft.core.snapshot_error import SnapshotError
from hotgraft.engine.journal_folder import not_private, sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hotgraft.core.snapshot import Bytes, Snapshot, SnapshotLabel

__all__ = ["NEW", "file_name", "named_in", "read_label", "read_snapshot", "write_snapshot"]

NEW: Final = ".new"
_NAME: Final = re.compile(r"(?P<plugin>[^/]+)\.(?P<number>[0-9]{12,19})\.[0-9]{8}T[0-9]{6}Z\.snapshot")
_READ: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW  # a FIFO's open would wait
_MAKE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


def file_name(snapshot: Snapshot) -> str:
    """Return the name of its file: ``gain.000000000007.20301231T235959Z.snapshot``; names sort by number."""
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(snapshot.taken_ns // 1_000_000_000))
    return f"{quote(snapshot.plugin, safe='')}.{snapshot.number:012d}.{moment}.snapshot"


def named_in(name: str) -> tuple[str, int] | None:
    """Return the plugin and the number that a file's name says; None: it is no snapshot's."""
    found = _NAME.fullmatch(name)
    return (unquote(found["plugin"]), int(found["number"])) if found is not None else None


def write_snapshot(path: Path, snapshot: Snapshot) -> None:
    """Put the snapshot at `path`, durably; what is there already is replaced as one.

    Raises:
        SnapshotError: it could not be written or made durable; nothing of it is left, and what was there is.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}{NEW}")
    try:
        fd = os.open(fresh, _MAKE, 0o600)
        try:
            for piece in encode_snapshot(snapshot):
                _write_all(fd, piece)
            os.fsync(fd)
        finally:
            os.close(fd)
        fresh.rename(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise _not_kept(path, error) from None
    try:
        sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)  # nobody knows whether its name would outlast a loss of power
        raise _not_kept(path, error) from None


def read_snapshot(path: Path) -> Snapshot:
    """Return the snapshot in a file, every byte of it checked.

    Raises:
        SnapshotError: it cannot be read, is damaged (`is_damaged`), or others may have written it.
    """
    with _open(path) as fd:
        size = os.fstat(fd).st_size
        return decode_snapshot(_read(path, fd, size), on=str(path))


def read_label(path: Path) -> SnapshotLabel:
    """Return what a file says of itself; its state is not read, and nothing vouches for the label.

    Raises:
        SnapshotError: as `read_snapshot`.
    """
    with _open(path) as fd:
        size = header_bytes_of(_read(path, fd, HEAD_BYTES), on=str(path))
        return label_of(_read(path, fd, size), on=str(path))


def _write_all(fd: int, piece: Bytes) -> None:
    view = memoryview(piece)
    while len(view):
        view = view[os.write(fd, view) :]


@contextlib.contextmanager
def _open(path: Path) -> Iterator[int]:
    try:
        fd = os.open(path, _READ)
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from None
    try:
        fact = os.fstat(fd)
        if not stat.S_ISREG(fact.st_mode):
            raise _unreadable(path, "it is no regular file")
        if why := not_private(path, fact):
            raise _unreadable(path, why)
        yield fd
    finally:
        os.close(fd)


def _read(path: Path, fd: int, size: int) -> memoryview:
    """Read so many bytes, or as many as there are."""
    data, filled = bytearray(size), 0
    view = memoryview(data)
    try:
        while filled < size and (count := os.readv(fd, [view[filled:]])):
            filled += count
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from None
    return view[:filled]


def _unreadable(path: Path, found: str) -> SnapshotError:
    advice = "see who wrote it, and with which permissions: a snapshot is this user's alone"
    return SnapshotError("read the snapshot", on=str(path), found=found, advice=advice)


def _not_kept(path: Path, error: OSError) -> SnapshotError:
    return SnapshotError("keep the snapshot", on=str(path), found=error.strerror or str(error))
