"""A host on a journal whose disk fails: swaps are refused, calls go on, and what has happened is written later.

    python crash_journal_disk.py full|eio FOLDER IMAGE NEXT_IMAGE THIRD_IMAGE

full: FOLDER is a small file system of its own. eio: strace fails what syncs a file for a while. Prints what was seen, a
line each. Exit 77: this system lets nobody do that.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hotgraft import Host, JournalError, Outcome
from hotgraft.engine.journal_reading import history, verify_journal

if TYPE_CHECKING:
    from collections.abc import Iterator

PR_SET_PTRACER: Final = 0x59616D61


def fill(folder: Path) -> Path:
    """Take every byte that is left."""
    path = folder / "filler"
    with path.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return path


def refused(host: Host, image: str) -> JournalError:
    """Ask for a swap that must not happen."""
    try:
        host.reload("counter", image)
    except JournalError as error:
        return error
    raise AssertionError("it was not refused")


def full(folder: Path, image: str, next_image: str, third_image: str) -> None:
    """The disk is full before the intent (R01 in the store, and in the journal), then between intent and outcome."""
    told: list[str] = []
    with Host(journal=folder / "journal") as host:
        counter: Any = host.load(image)
        host.on("journal.*", lambda event: told.append(event.name))
        counter.add(5)

        filler = fill(folder)
        error = refused(host, next_image)
        print(f"store: {error}")
        assert (counter.generation, counter.add(1)) == (1, 6)
        filler.unlink()
        journal = host._recorder.journal
        assert journal is not None
        journal.store.keep("0.0", next_image, sha_of(next_image))  # the store has it already
        filler = fill(folder)
        print(f"journal: {refused(host, next_image)}")
        assert (counter.generation, counter.add(1)) == (1, 7)
        filler.unlink()

        journal.at = lambda point: anchored(point, folder)  # type: ignore[method-assign] # a seam
        report = host.reload("counter", next_image)
        del journal.at
        assert report.outcome is Outcome.PUBLISHED
        print(f"outcome: {report.journal}")
        kept = journal.kept
        refused(host, third_image)
        print(f"kept: {kept > 0}, and of the refused one: {journal.kept > kept}")
        assert (counter.build(), counter.add(1)) == (2, 8)
        (folder / "filler").unlink()
        assert host.reload("counter", third_image).journal == ""
        assert (counter.build(), counter.add(1), journal.kept) == (3, 9, 0)
    print(f"events: {told}")
    finish(folder)


def anchored(point: str, folder: Path) -> None:
    """Once the intent is wholly on disk, there is no room for the outcome."""
    if point == "anchored" and not (folder / "filler").exists():
        fill(folder)


@contextmanager
def syncs_fail() -> Iterator[None]:
    """Let fsync and fdatasync of this process answer EIO; exit 77 where it cannot be had."""
    ctypes.CDLL(None).prctl(PR_SET_PTRACER, ctypes.c_ulong(-1), 0, 0, 0)
    what = ["-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO"]
    command = ["strace", "-f", "-p", str(os.getpid()), *what]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
        assert strace.stderr is not None
        first = strace.stderr.readline()
        if "attached" not in first:
            print(f"strace: {first}")
            sys.exit(77)
        reader = threading.Thread(target=strace.stderr.read)  # or it would wait for somebody to read
        reader.start()
        try:
            yield
        finally:
            strace.send_signal(signal.SIGINT)
            reader.join()


def eio(folder: Path, image: str, next_image: str, third_image: str) -> None:
    """What syncs a file answers EIO: no durability is claimed (R02)."""
    with Host(journal=folder / "journal") as host:
        counter: Any = host.load(image)
        counter.add(5)
        with syncs_fail():
            print(f"sync: {refused(host, next_image)}")
            assert (counter.generation, counter.add(1)) == (1, 6)
            print(f"again: {refused(host, next_image)}")
        assert host.reload("counter", third_image).journal == ""
        assert (counter.build(), counter.add(1)) == (3, 7)
    finish(folder)


def finish(folder: Path) -> None:
    """Nothing that happened is missing, and nothing that did not happen is there."""
    assert verify_journal(folder / "journal").verdict.finding is None
    print(f"history: {[one.end.outcome for one in history(folder / 'journal') if one.end is not None]}")


def sha_of(image: str) -> str:
    """Return the hash of an image."""
    from hotgraft.engine.watch import content_of

    return content_of(image) or ""


if __name__ == "__main__":
    {"full": full, "eio": eio}[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:6])
