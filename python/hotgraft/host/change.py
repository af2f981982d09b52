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
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from hotgraft import _core
from hotgraft.core.errors import Busy, ForkedHostError
from hotgraft.engine.converter_thread import ConverterThread

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["carry_out", "check_not_converting", "check_not_forked", "is_deferred", "once_more", "start_change"]

Answer = TypeVar("Answer")


def check_not_forked(made_in: int = 0) -> None:
    """Raise ForkedHostError in a forked child, where no change goes on; `made_in`: the process that made the host."""
    if _core.is_forked_child():
        raise ForkedHostError(
            "change anything",
            on=f"process {os.getpid()}",
            found="it was forked from a process that had loaded plugins",
            advice=(
                "fork before the first plugin is loaded, or start the process another way (multiprocessing: spawn), "
                "and make a Host there; calls through the handles go on"
            ),
        )
    if made_in not in (0, os.getpid()):
        raise ForkedHostError(
            "change anything", on=f"process {os.getpid()}", found=f"the host was made by process {made_in}"
        )


def is_deferred() -> bool:
    """Tell whether this thread is inside a plugin's function, or in a converter: a change would wait for itself."""
    return _core.is_inside_call() or isinstance(threading.current_thread(), ConverterThread)


def check_not_converting(tried: str, on: str, plugin: str = "") -> None:
    """Raise Busy in a converter of `plugin`, or in any: what waits for the swap that waits for it waits for itself."""
    thread = threading.current_thread()
    if isinstance(thread, ConverterThread) and plugin in ("", thread.chain.plugin):
        raise Busy(
            tried,
            on=on,
            found=f"it is asked for in a converter of {thread.chain.plugin}, and would wait for what waits for that",
            advice="ask when the swap is over, or on a thread that nobody waits for",
        )


def once_more(work: Callable[[], Answer]) -> Answer:
    """Do what follows publish, and again where there was no memory for it: what has happened must be noted.

    `work` may be done twice. A request that fails after one that failed is not made up for.
    """
    try:
        return work()
    except MemoryError:
        return work()


class Change(Generic[Answer]):
    """Work that is done once, on another thread. To end it, and to wait for that, takes no memory.

    Thread safety: `run` is called by one thread or more, and only the first does anything; `result` by one, once.
    """

    __slots__ = ("_answer", "_begun", "_error", "_over", "_work")

    def __init__(self, work: Callable[[], Answer]) -> None:
        self._work = work
        self._answer: Answer | None = None
        self._error: BaseException | None = None
        self._begun = threading.Lock()
        self._over = threading.Lock()
        self._over.acquire()

    def claim(self) -> bool:
        """Whether nobody has begun it; nobody else will, then."""
        return self._begun.acquire(blocking=False)

    def run(self) -> None:
        """Do it, unless somebody else does."""
        if not self.claim():
            return
        try:
            self._answer = self._work()
        except BaseException as error:
            self._error = error
        finally:
            self._over.release()

    def result(self) -> Answer:
        """Wait for its end and return or raise what it did."""
        self._over.acquire()
        self._over.release()
        if self._error is None:
            return cast("Answer", self._answer)
        try:
            raise self._error
        finally:
            self._error = None  # its traceback holds this frame: no circle


def carry_out(work: Callable[[], Answer]) -> Answer:
    """Run `work` to its end, whatever interrupts this thread meanwhile, and return or raise what it did."""
    change = Change(work)
    try:
        threading.Thread(target=change.run, name="hotgraft change").start()
    except RuntimeError:  # at the interpreter's end, or where no thread can be had: here, then
        change.run()
    except MemoryError:  # before the thread was made, or in the wait for its first sign of life
        if change.claim():
            raise
    return change.result()


def start_change(work: Callable[[], Answer]) -> Future[Answer]:
    """Run `work` on a thread that ends with it; the interpreter's end waits for it."""
    future: Future[Answer] = Future()

    def run() -> None:
        try:
            answer = work()
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(answer)

    try:
        threading.Thread(target=run, name="hotgraft change").start()
    except RuntimeError:  # as above
        run()
    return future
