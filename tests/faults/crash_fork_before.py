"""Forks before anything is loaded, as servers do that fork their workers, and hosts are made on both sides."""

from __future__ import annotations

import multiprocessing
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hotgraft import ForkedHostError, Host, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

IMAGES = sys.argv[2:4]


def serve() -> None:
    """Load, call, replace and close."""
    with Host() as host:
        counter = host.load(IMAGES[0])
        assert counter.add(5) == 5
        assert host.reload("counter", IMAGES[1]).outcome is Outcome.PUBLISHED
        assert (counter.add(1), counter.build()) == (6, 2)


def in_child(work: Callable[[], None]) -> None:
    """Do it in a child, and in one of that one's."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(1 if sys.exc_info()[0] is not None else 0)
    status = os.waitpid(child, 0)[1]
    assert os.waitstatus_to_exitcode(status) == 0


def nothing() -> None:
    """Only imported: parent and child each have the whole of it."""
    in_child(lambda: in_child(serve))
    in_child(serve)
    serve()


def a_host() -> None:
    """The parent has a host that has loaded nothing: that one stays the parent's, in every way."""
    host = Host()

    def child() -> None:
        for change in (lambda: host.load(IMAGES[0]), host.close):
            try:
                change()
            except ForkedHostError as error:
                assert f"made by process {os.getppid()}" in str(error)
            else:
                raise AssertionError
        serve()

    with host:
        in_child(child)
        assert host.load(IMAGES[0]).add(1) == 1


def a_plugin() -> None:
    """The parent has loaded one: a new host says what to do instead."""
    with Host() as host:
        counter = host.load(IMAGES[0])

        def child() -> None:
            assert counter.add(3) == 3
            try:
                Host()
            except ForkedHostError as error:
                assert "fork before the first plugin is loaded" in str(error)
            else:
                raise AssertionError

        in_child(child)
        assert counter.add(1) == 1


def answer(by: int) -> int:
    """What a worker does with a request: a host of its own."""
    with Host() as host:
        return int(host.load(IMAGES[0]).add(by))


def a_pool() -> None:
    """The workers of a pool that forks."""
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(answer, range(10), chunksize=1) == [*range(10)]
        pool.close()
        pool.join()


def main() -> None:
    """Play the scene that is asked for."""
    {"nothing": nothing, "a_host": a_host, "a_plugin": a_plugin, "a_pool": a_pool}[sys.argv[1]]()
    left = [one.name for one in Path(os.environ["TMPDIR"]).iterdir() if one.name.startswith("hotgraft-")]
    assert not left, left


main()
