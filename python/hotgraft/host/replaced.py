"""The replaced generations of one plugin: kept until they are proven gone, then only counted."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hotgraft import _core

__all__ = ["Replaced"]


class Replaced:
    """What a plugin ran before.

    Thread safety: any thread.

    Invariants
      (1) A generation added here is either in `open` or counted in `proven`, never both and never neither: its stage
          is read once for both, because it leaves memory on a thread of its own at any time.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: list[_core.Generation] = []
        self._proven = 0

    def add(self, generation: _core.Generation) -> None:
        """It is on its way out from now on."""
        with self._lock:
            self._open.append(generation)

    def count(self) -> tuple[int, tuple[_core.Generation, ...]]:
        """Return how many are proven gone, and those that are not, which are on their way out or stuck."""
        with self._lock:
            kept = [one for one in self._open if one.stage != "unloaded"]
            self._proven += len(self._open) - len(kept)
            self._open = kept
            return self._proven, tuple(kept)
