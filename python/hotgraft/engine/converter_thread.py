"""The thread that Python's converters run on, and those that did not come back from one.

A thread of the interpreter's own, made before callers wait and asked by the swap's at a desk of the core. What does not
return by the deadline is left behind: the swap waits no longer and is called off. It is told to stop, by an exception
between two of its instructions, and has in its hands nothing but a copy.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from hotgraft import _core
from hotgraft.core.errors import Busy, HotgraftError, StateError
from hotgraft.engine.chain_run import ConverterStopped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hotgraft.engine.chain_run import ChainRun

__all__ = ["ConverterThread", "ConverterThreads"]

LATE_MAX: Final = 4  # as of control threads: more in code that does not return, and no converter is begun


class ConverterThread(threading.Thread):
    """Runs one chain for whoever asks at its desk; `error` is what it failed with.

    Invariants
      (1) It is told to stop under `_stopping` and while `_is_over` is false: later its number may be another thread's.
    """

    def __init__(self, chain: ChainRun) -> None:
        super().__init__(name=f"hotgraft converters of {chain.plugin}", daemon=True)
        self.chain = chain
        self.desk = _core.ConverterDesk.make(takes_blocks=chain.chain.from_layout is not None)
        self.error: HotgraftError | None = None
        self._stopping = threading.Lock()
        self._is_over = False

    def run(self) -> None:
        """Answer until the desk is closed."""
        with suppress(ConverterStopped):  # it comes once, within this: see (1)
            try:
                self.work()
            finally:
                self.desk.forget_swap()
                with self._stopping:
                    self._is_over = True

    def stop(self) -> None:
        """Have ConverterStopped raised in it, if it is at work."""
        import ctypes  # paid by who hangs

        with self._stopping:
            if not self._is_over and self.ident is not None:
                ident, stopped = ctypes.c_ulong(self.ident), ctypes.py_object(ConverterStopped)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, stopped)

    def work(self) -> None:
        """What the thread is for."""
        while (loose := self.desk.wait()) is not None:
            try:
                made = self.chain.carry(loose, self.desk)
                if self.chain.chain.to_layout is not None:
                    self.desk.answer_blocks(made)
                else:
                    self.desk.answer_values(made[0])
            except HotgraftError as error:
                self._refuse(error)
            except ConverterStopped:
                raise
            except BaseException as error:  # MemoryError, for one
                self._refuse(self._unexpected(error))

    def _unexpected(self, error: BaseException) -> HotgraftError:
        return StateError("convert its state", on=self.chain.plugin, found=f"{type(error).__name__}: {error}")

    def _refuse(self, error: HotgraftError) -> None:
        self.error = error
        self.desk.refuse("\n".join(error.found))


class Trial(ConverterThread):
    """Does one piece of work on copies, for whoever joins it."""

    def __init__(self, chain: ChainRun, work: Callable[[_core.ConverterDesk], Mapping[str, list[bytes]]]) -> None:
        super().__init__(chain)
        self._work = work
        self.made: Mapping[str, list[bytes]] | None = None

    def work(self) -> None:
        """Do it once."""
        try:
            self.made = self._work(self.desk)
        except HotgraftError as error:
            self.error = error
        except ConverterStopped:
            raise
        except BaseException as error:
            self.error = self._unexpected(error)


class ConverterThreads:
    """Of one host: starts them, and knows those that were left behind.

    Thread safety: any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._late: list[ConverterThread] = []

    def start(self, thread: ConverterThread) -> ConverterThread:
        """Start one.

        Raises:
            Busy: too many do not return.
        """
        with self._lock:
            self._late = [one for one in self._late if one.is_alive()]
            if len(self._late) >= LATE_MAX:
                raise Busy(
                    "run converters",
                    on=thread.chain.plugin,
                    found=f"{len(self._late)} threads are left behind in converters that do not return",
                    advice="mend those converters and start this program anew",
                )
        thread.start()
        return thread

    def end(self, thread: ConverterThread) -> None:
        """Nobody asks it any more; one that is still at work is told to stop, and is left behind."""
        thread.desk.close()
        thread.join(timeout=0.0 if thread.desk.is_at_work else 1.0)
        if thread.is_alive():
            with self._lock:
                self._late.append(thread)
            thread.stop()

    @property
    def late(self) -> int:
        """Return how many are left behind."""
        with self._lock:
            return sum(one.is_alive() for one in self._late)

    def try_out(
        self, chain: ChainRun, work: Callable[[_core.ConverterDesk], Mapping[str, list[bytes]]], deadline_s: float
    ) -> Mapping[str, list[bytes]]:
        """Do `work` on copies of state, by instance.

        Raises:
            StateError: a converter failed, or has not returned by the deadline. Busy: as `start`.
        """
        trial = Trial(chain, work)
        self.start(trial)
        trial.join(timeout=deadline_s)
        if trial.is_alive():
            inside = trial.desk.leave()
            self.end(trial)
            raise StateError(
                "convert its state",
                on=chain.plugin,
                found=f"{inside} has not returned within {deadline_s:g} s",
                advice="mend it: callers wait for it, until swap_deadline_s at most",
            )
        if trial.made is None:
            assert trial.error is not None  # it did one or the other
            raise trial.error
        return trial.made
