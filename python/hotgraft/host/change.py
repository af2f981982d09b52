"""A change runs on a thread of its own, for two reasons.

Python raises what a signal handler raises (Ctrl-C) between any two instructions of the main thread. A change cut
there would leave tables published that nobody knows of, or a turn that nobody gives back. So an interrupt ends the
caller's wait and the change goes on to its end.

And one that is asked for from inside a plugin's function would wait for itself: it is not waited for at all.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

from hotgraft import _core
from hotgraft.core.errors import ForkedHostError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["carry_out", "check_not_forked", "is_deferred", "start_change"]

Answer = TypeVar("Answer")


def check_not_forked() -> None:
    """Raise ForkedHostError in a forked child, where no change goes on."""
    if _core.is_forked_child():
        raise ForkedHostError(
            "change anything", on=f"process {os.getpid()}", found="it was forked from the host's process"
        )


def is_deferred() -> bool:
    """Tell whether this thread is inside a plugin's function."""
    return _core.is_inside_call()


def carry_out(work: Callable[[], Answer]) -> Answer:
    """Run `work` to its end, whatever interrupts this thread meanwhile, and return or raise what it did."""
    return start_change(work).result()


def start_change(work: Callable[[], Answer]) -> Future[Answer]:
    """Run `work` on a thread that ends with it; the interpreter's end waits for it."""
    future: Future[Answer] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    try:
        threading.Thread(target=run, name="hotgraft change").start()
    except RuntimeError:  # at the interpreter's end, or where no thread can be had: here, then
        run()
    return future
