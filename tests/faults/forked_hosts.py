"""Processes for hosts, forked from one that has imported hotgraft and made nothing: an import takes longer than a kill.

A child shares no memory with another: what one host wrote, the next finds on the disk or not at all. To the core a
child is a program that has just imported it, for nothing was loaded before the fork.
"""

from __future__ import annotations

import asyncio.base_events
import concurrent.futures
import encodings.ascii
import gc
import logging
import os
import signal
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Final

import jsonschema
import msgspec
from hotgraft import Host
from hotgraft.engine import journal, journal_opening, journal_reading, snapshot_files, snapshot_folder, store

if TYPE_CHECKING:
    from collections.abc import Callable

# What a host imports when it is needed, too.
PREPARED: Final = (
    Host, asyncio, concurrent, encodings, jsonschema, msgspec, sqlite3,
    journal, journal_opening, journal_reading, snapshot_files, snapshot_folder, store,
)  # fmt: skip
DEADLINE_S: Final = 60


def prepare() -> None:
    """In the process that forks, once."""
    assert len(list(Path("/proc/self/task").iterdir())) == 1
    gc.collect()
    gc.freeze()  # what is there stays: no child looks at it, and copies its pages, for a collection


def in_child(work: Callable[[int], object]) -> tuple[int, str, str]:
    """Run `work` in a forked process; return how it ended, what it wrote to the fd it was given, and to stdout."""
    tells, says = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        signal.alarm(DEADLINE_S)
        try:
            os.dup2(says[1], 1)
            work(tells[1])
            code = 0
        except BaseException:
            logging.exception("the child failed")
        finally:
            os._exit(code)
    os.close(tells[1])
    os.close(says[1])
    told, said = read_all(tells[0]), read_all(says[0])
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), told, said


def read_all(fd: int) -> str:
    """Return what comes until the other side is closed."""
    with os.fdopen(fd) as stream:
        return stream.read()
