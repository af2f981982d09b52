"""What the stress scene counts, and the one place where an answer is judged."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

from stress_images import is_whole

if TYPE_CHECKING:
    from collections.abc import Callable


class Counts:
    """Sums over all threads.

    Thread safety: any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sums: Counter[str] = Counter()
        self.complaints: list[str] = []

    def add(self, more: Counter[str]) -> None:
        """Add a thread's counts and forget them there."""
        with self._lock:
            self._sums.update(more)
        more.clear()

    def count(self, name: str) -> None:
        """Add one."""
        with self._lock:
            self._sums[name] += 1

    def complain(self, sentence: str) -> None:
        """Keep what went wrong, as far as a person will read it."""
        with self._lock:
            if len(self.complaints) < 20:
                self.complaints.append(sentence)

    def all(self) -> dict[str, int]:
        """Return every sum."""
        with self._lock:
            return dict(self._sums)


class View:
    """One thread's, task's or session's view: what it saw last of each plugin.

    Thread safety: its owner's alone.

    Invariants
      (1) Without a pin a serial never goes back: who has seen the new never sees the old again.
    """

    def __init__(self, counts: Counts, who: str) -> None:
        self.own: Counter[str] = Counter()
        self._counts = counts
        self._who = who
        self._last: dict[str, int] = {}

    def call(self, about: str, function: Callable[..., Any], *args: Any) -> None:
        """Call `function` and judge what it answers about the plugin `about`."""
        self.judge(about, function(*args))

    def judge(self, about: str, answer: int) -> None:
        """Count one call, and whether its answer was of one piece and not older than the last."""
        self.own["calls"] += 1
        last = self._last.get(about, 0)
        if is_whole(answer) and answer >> 8 >= last:
            self._last[about] = answer >> 8
            return
        self._wrong(f"{about} answered {answer:#x} after serial {last}")

    def judge_pinned(self, answer: int, first: int) -> None:
        """Count one call through a pin; it must answer what the pin's `first` call did."""
        self.own["calls"] += 1
        if not is_whole(answer) or answer != first:
            self._wrong(f"a pin answered {answer:#x} after {first:#x}")

    def _wrong(self, sentence: str) -> None:
        self.own["wrong"] += 1
        self._counts.complain(f"{self._who}: {sentence}")

    def flush(self) -> None:
        """Hand the counts on."""
        self._counts.add(self.own)
