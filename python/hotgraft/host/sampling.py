"""Timing calls while somebody needs it: claims on the sampling rate, which is one for the whole process.

Whoever compares generations claims so many timed calls a second and releases the claim when the comparison is over. The
highest wish wins, and when the last claim is released the rate is what it was before the first: 0, unless the program
asked for one itself.

In a forked child a claim does nothing: nothing is sampled there.
"""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING, Final

from hotgraft import _core

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MOST_PER_SECOND", "Claim", "Sampling", "process_sampling"]

MOST_PER_SECOND: Final = 100_000  # native/core/meter_rate.hpp


class Claim:
    """One wish. As a context manager it is released when left; releasing twice is once.

    Thread safety: any thread.
    """

    __slots__ = ("_sampling", "per_second")

    def __init__(self, sampling: Sampling, per_second: int) -> None:
        self._sampling = sampling
        self.per_second = per_second

    def release(self) -> None:
        """Take the wish back."""
        self._sampling.take_back(self)

    def __enter__(self) -> Claim:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


class Sampling:
    """The claims of a process.

    Args:
        rate: samples a second that are taken now.
        set_rate: takes as many from now on.
        is_child: whether this process was forked from one with plugins in it.

    Thread safety: any thread.

    Invariants
      (1) While there are claims the rate is the highest of them and of `_own`, unless the program changed it since the
          last claim came or went: that is then `_own`.
    """

    def __init__(self, rate: Callable[[], int], set_rate: Callable[[int], None], is_child: Callable[[], bool]) -> None:
        self._rate = rate
        self._set_rate = set_rate
        self._is_child = is_child
        self._lock = threading.Lock()
        self._claims: list[Claim] = []
        self._own = 0  # what the program asked for itself
        self._applied: int | None = None  # what was set here last; None: there are no claims

    def claim(self, per_second: int) -> Claim:
        """Have at least so many calls of each meter timed a second, where there are that many, until it is released.

        Raises:
            ValueError: `per_second` is not 1 to 100,000.
        """
        if not 1 <= per_second <= MOST_PER_SECOND:
            raise ValueError(f"a claim takes 1 to {MOST_PER_SECOND} samples a second, got {per_second}")
        claim = Claim(self, per_second)
        if not self._is_child():  # first: a lock that another thread held at the fork is never released here
            with self._lock:
                self._claims.append(claim)
                self._apply()
        return claim

    def take_back(self, claim: Claim) -> None:
        """Release a claim; nothing happens if it was."""
        if self._is_child():
            return
        with self._lock:
            if claim in self._claims:
                self._claims.remove(claim)
                self._apply()

    def _apply(self) -> None:
        """Under the lock. A rate that is right is left alone: setting it makes every meter look for its mean again."""
        now = self._rate()
        if now != self._applied:
            self._own = now
        wanted = max([self._own, *(one.per_second for one in self._claims)])
        if wanted != now:
            self._set_rate(wanted)
        self._applied = wanted if self._claims else None


@functools.cache
def process_sampling() -> Sampling:
    """Return the one that all hosts of this process share."""
    return Sampling(_core.sampling, _core.set_sampling, _core.is_forked_child)
