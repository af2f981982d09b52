"""Where the time of an attempt went: one entry per step, in the order they ran."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import field
from typing import TYPE_CHECKING

from hotgraft.core.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["StepTime", "Stopwatch"]


@dataclass(frozen=True, slots=True)
class StepTime:
    """One step that ran: its name, microseconds, and why it failed (empty: it did not)."""

    step: str
    us: float
    failure: str = ""
    began_ns: int = field(default=0, compare=False)  # by a monotonic clock


@dataclass(slots=True)
class Stopwatch:
    """Collects step times; `clock_ns` answers nanoseconds of a monotonic clock."""

    clock_ns: Callable[[], int]
    steps: list[StepTime] = field(default_factory=list)

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        """Time what happens inside; a failure is noted with it and goes on."""
        began = self.clock_ns()
        try:
            yield
        except Exception as error:
            self._note(step, began, f"{type(error).__name__}: {error}")
            raise
        self._note(step, began, "")

    def _note(self, step: str, began_ns: int, failure: str) -> None:
        self.steps.append(StepTime(step, (self.clock_ns() - began_ns) / 1_000, failure, began_ns))
