"""A program with a host that uses multiprocessing, with warnings as errors.

    python crash_multiprocessing.py IMAGE NEXT_IMAGE fork|spawn

fork: the child calls through the parent's handles. spawn: the child makes a host of its own. CPython ≥ 3.12 warns at a
fork while threads run, so an idle host may keep none.
"""

from __future__ import annotations

import multiprocessing
import sys
import threading
import time
from pathlib import Path
from typing import Any

from hotgraft import ForkedHostError, Host

DEADLINE_S = 30.0


def call_in_child(counter: Any, host: Host) -> None:
    """What a forked worker does."""
    assert counter.add(1) == 6
    try:
        host.reload("counter")
    except ForkedHostError:
        return
    raise AssertionError("a forked child changed something")


def live_in_child(image: str, next_image: str) -> None:
    """What a spawned worker does: everything, by itself."""
    with Host() as host:
        counter: Any = host.load(image)
        assert counter.add(1) == 1
        host.reload("counter", next_image)
        assert (counter.build(), counter.add(1)) == (2, 2)


def threads() -> int:
    """Return how many threads the kernel sees in this process."""
    return len(list(Path("/proc/self/task").iterdir()))


def wait_until_idle() -> None:
    """The reaper's thread ends by itself when there is nothing to reclaim."""
    until = time.monotonic() + DEADLINE_S
    while threads() > 1:
        assert time.monotonic() < until, f"{threads()} threads run in an idle host"
        threading.Event().wait(0.001)


def main(image: str, next_image: str, method: str) -> int:
    """Load, replace, pin, let a child work, and replace again."""
    context: Any = multiprocessing.get_context(method)
    with Host() as host:
        counter: Any = host.load(image)
        host.reload("counter", next_image)
        counter.add(5)
        counter.pin().end()
        assert host.unloads(DEADLINE_S).proven == 1
        wait_until_idle()
        work, args = (call_in_child, (counter, host)) if method == "fork" else (live_in_child, (image, next_image))
        child = context.Process(target=work, args=args)
        child.start()
        child.join(DEADLINE_S)
        host.reload("counter", image)
        assert counter.add(1) == 6  # what a child counted is the child's
    print(f"{method}: child ended with {child.exitcode}")
    return 0 if child.exitcode == 0 else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
