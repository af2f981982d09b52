"""What goes on while a rule of the set machine replaces something: a step that fails, and a thread that calls."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from hotgraft import _core

if TYPE_CHECKING:
    from collections.abc import Iterator

REST_S: Final = 0.0002
SEEN_MAX: Final = 512  # stamps of one call through everything below
Fault = tuple[str, int] | None  # a step of the window and which time it comes up; or, 0, a function of a candidate


class Hook:
    """Lets a step of the core's window fail, from the time on that it comes up as often as it says."""

    def __init__(self, fault: Fault) -> None:
        self.has_failed = False
        self._step, self._left = fault if fault is not None and fault[1] > 0 else ("", 0)

    def __call__(self, step: str) -> str:
        """Answer what the step shall do."""
        if step != self._step:
            return "run"
        self._left -= 1
        self.has_failed |= self._left <= 0
        return "fail" if self._left <= 0 else "run"

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """While it is asked."""
        _core._seams.set_step_hook(self)
        try:
            yield
        finally:
            _core._seams.set_step_hook(None)


@dataclass(slots=True)
class Asker:
    """A thread that calls through everything while a rule replaces something."""

    handles: list[Any]
    calls: list[list[int]] = field(default_factory=list)
    found: str = ""
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Call one after another until it is over."""
        seen = memoryview(bytearray(8 * SEEN_MAX)).cast("q")
        try:
            while not self.over.wait(REST_S):  # the interpreter lock is for who replaces, too
                for handle in self.handles:
                    self.calls.append(seen[: handle.ask(seen, SEEN_MAX)].tolist())
        except Exception as error:
            self.found = f"a call failed: {error!r}"

    @contextlib.contextmanager
    def asking(self) -> Iterator[None]:
        """While it runs."""
        thread = threading.Thread(target=self.run)
        thread.start()
        try:
            yield
        finally:
            self.over.set()
            thread.join()
