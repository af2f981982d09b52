"""Processes for hosts, forked from one that has imported hotgraft and made nothing: an import takes longer than a kill.

A child shares no memory with another: what one host wrote, the next finds on the disk or not at all. To the core a
child is a program that has just imported it, for nothing was loaded before the fork.
"""

from __future__ import annotations

import asyncio.base_events
import concurrent.futures
import encodings.ascii
import gc
import json
import logging
import os
import selectors
import signal
import sqlite3
import subprocess
import sys
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


def read_both(fds: tuple[int, int]) -> list[str]:
    """Return what comes by each until the other side of both is closed, by who inherited it too."""
    came = dict.fromkeys(fds, b"")
    with selectors.DefaultSelector() as selector:
        for fd in fds:
            selector.register(fd, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select():
                data = os.read(key.fd, 1 << 16)
                came[key.fd] += data
                if not data:
                    selector.unregister(key.fd)
                    os.close(key.fd)
    return [came[fd].decode(errors="replace") for fd in fds]


def serve(run: Callable[..., int]) -> int:
    """Answer the requests of a PreparedChild. In a child: return what `run` returns; here 0, when there are no more."""
    for line in iter(sys.stdin.readline, ""):
        request = json.loads(line)
        if request["before"]:
            subprocess.run(request["before"], check=True)
        out, err = os.pipe(), os.pipe()
        child = os.fork()
        if child == 0:
            signal.alarm(request["deadline_s"])
            begin_run(out, err)
            return run(*request["args"])
        os.close(out[1])
        os.close(err[1])
        said = read_both((out[0], err[0]))
        print(json.dumps([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), *said]), flush=True)
    return 0


def begin_run(out: tuple[int, int], err: tuple[int, int]) -> None:
    """In the child: put the pipes where a program has its stdout and stderr, and nothing into its stdin."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for fd, own in enumerate((nothing, out[1], err[1])):
        os.dup2(own, fd)
    for fd in (nothing, *out, *err):
        os.close(fd)
