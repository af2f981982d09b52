"""When to stop trying: a plugin whose candidates were rolled back again and again gets no further ones by itself."""

from __future__ import annotations

import math
from dataclasses import replace

from hotgraft.core.dataclass import dataclass

__all__ = ["StartLimit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StartLimit:
    """At most `most` rollbacks of one plugin within `within_s`; one more closes it until a person opens it again.

    Rollbacks that lie further back are forgotten, a closed limit is not: time alone never opens it, or a broken
    pipeline would go on swapping for ever at the rate that is just allowed. Times are seconds of one clock that never
    goes back.
    """

    most: int = 3
    within_s: float = 600.0
    rollbacks_s: tuple[float, ...] = ()
    is_closed: bool = False

    def __post_init__(self) -> None:
        """Refuse bounds that make no sense, with a ValueError."""
        if self.most < 0 or not 0 < self.within_s < math.inf:
            raise ValueError(f"{self.most} rollbacks within {self.within_s} s: at least 0, within a time above 0")

    def rolled_back(self, now_s: float) -> StartLimit:
        """Return the limit after a rollback, or after a swap that failed, at `now_s`."""
        recent = (*(then for then in self.rollbacks_s if now_s - then < self.within_s), now_s)
        return replace(self, rollbacks_s=recent, is_closed=self.is_closed or len(recent) > self.most)

    def opened(self) -> StartLimit:
        """Return the limit as new: a person said so."""
        return replace(self, rollbacks_s=(), is_closed=False)

    @property
    def refusal(self) -> str:
        """Why a candidate is refused now; empty when it is not."""
        if not self.is_closed:
            return ""
        times = f"{len(self.rollbacks_s)} rollback" + ("s" if len(self.rollbacks_s) != 1 else "")
        return f"{times} within {self.within_s:g} s, where {self.most} are allowed"
