"""A function of the program that says whether a plugin is fit: run on a thread of its own, with a deadline.

One that does not come back in time is left alone, and not begun again before it has. Its thread is a daemon: the
interpreter's end does not wait for it.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from hotgraft.engine.health import Answer, Health

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ProgramCheck"]


class ProgramCheck:
    """One function, for every instance of one plugin.

    Thread safety: any thread.

    Invariants
      (1) At most one run for an instance is under way; `_runs` holds it until it ends.
    """

    def __init__(self, function: Callable[[Any], object]) -> None:
        self.function = function
        self._name = getattr(function, "__name__", None) or repr(function)
        self._lock = threading.Lock()
        self._runs: dict[str, _Run] = {}  # by instance

    def name_for(self, instance: str) -> str:
        """Return what it is called in reports."""
        return f"{self._name} of {instance}" if instance else self._name

    def ask(self, handle: Any, instance: str, *, deadline_s: float, joins: bool = True) -> Answer:
        """Call it with `handle` and wait for what it says, no longer than `deadline_s`.

        False, or raising, means that the plugin is not fit; everything else, None too, that it is. `joins`: one that is
        under way is waited for, and is what hangs; else nothing is asked.
        """
        name, until_s = self.name_for(instance), time.monotonic() + deadline_s
        run = _Run(lambda: self.function(handle), until_s, lambda: self._forget(instance))
        while (earlier := self._enter(instance, run)) is not None:
            if not joins:
                return Answer(name, Health.NOT_ASKED, f"{name}: the check before this one has not come back")
            left_s = min(until_s, earlier.until_s) - time.monotonic()
            if not earlier.over.wait(max(left_s, 0.0)):
                return Answer(name, Health.HUNG, f"{name}: the check before this one has not come back")
        try:
            threading.Thread(target=run.carry_out, name="hotgraft health check", daemon=True).start()
        except (RuntimeError, MemoryError) as error:  # at the interpreter's end, or where no thread can be had
            if run.claim():
                self._forget(instance)
                run.over.set()
                return Answer(name, Health.NOT_ASKED, f"{name}: there is no thread for it: {str(error) or 'no memory'}")
        if not run.over.wait(max(until_s - time.monotonic(), 0.0)):
            return Answer(name, Health.HUNG, f"{name}: has not come back within {deadline_s:g} s")
        return Answer(name, Health.UNFIT, f"{name}: {run.complaint}") if run.complaint else Answer(name, Health.FIT)

    def _enter(self, instance: str, run: _Run) -> _Run | None:
        """Note that `run` is under way; or return the one that is."""
        with self._lock:
            earlier = self._runs.get(instance)
            if earlier is None:
                self._runs[instance] = run
            return earlier

    def _forget(self, instance: str) -> None:
        with self._lock:
            del self._runs[instance]


class _Run:
    """One call of the function."""

    def __init__(self, call: Callable[[], object], until_s: float, ended: Callable[[], None]) -> None:
        self.until_s = until_s
        self.over = threading.Event()
        self.complaint = ""  # once it is over: why the plugin is not fit; empty: it is
        self._call = call
        self._ended = ended
        self._begun = threading.Lock()

    def claim(self) -> bool:
        """Whether nobody has begun it; nobody else will, then."""
        return self._begun.acquire(blocking=False)

    def carry_out(self) -> None:
        """Do it, unless it was claimed."""
        if not self.claim():
            return
        try:
            self.complaint = "it answered False" if _is_no(self._call()) else ""
        except BaseException as error:  # SystemExit too: it means this thread only
            self.complaint = _sentence_of(error)
        finally:
            self._ended()
            self.over.set()


def _is_no(answer: object) -> bool:
    """Tell whether it is False, numpy's included, which is another object."""
    return type(answer).__name__ in ("bool", "bool_") and not answer


def _sentence_of(error: BaseException) -> str:
    try:
        return str(error) or type(error).__name__
    except Exception:
        return type(error).__name__
