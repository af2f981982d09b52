"""How state crosses from one generation to the next, decided from what both sides declare."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

__all__ = ["Crossing", "StateFacts", "choose_crossing"]


class Crossing(StrEnum):
    """The ways state crosses; `FRESH` is for a plugin that had none."""

    FRESH = "fresh"
    HAND_OVER = "hand over"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateFacts:
    """What one version declares about its state."""

    kind: Literal["none", "single"] = "none"
    schema: int = 0
    layout_id: int = 0
    can_hand_over: bool = False  # offers take and surrender
    can_save: bool = False  # offers save and restore

    @property
    def has_state(self) -> bool:
        """Tell whether there is anything to lose."""
        return self.kind != "none"


def choose_crossing(old: StateFacts, new: StateFacts) -> tuple[Crossing | None, tuple[str, ...]]:
    """Return the way across, cheapest first, or None and every reason why a way is closed."""
    if not old.has_state:
        return Crossing.FRESH, ()
    if not new.has_state:
        return None, ("its state would be lost: the candidate declares none",)
    closed = _why_not_handed_over(old, new)
    if closed is None:
        return Crossing.HAND_OVER, ()
    if old.can_save and new.can_save:
        return Crossing.RESTORE, ()
    sides = [name for name, side in (("what runs", old), ("the candidate", new)) if not side.can_save]
    return None, (
        f"its state would be lost: it cannot be handed over, {closed}",
        f"its state would be lost: it cannot be saved and restored, {' and '.join(sides)} "
        f"{'offers' if len(sides) == 1 else 'offer'} no save and restore",
    )


def _why_not_handed_over(old: StateFacts, new: StateFacts) -> str | None:
    """Return why the pointer cannot change hands, or None when it can."""
    sides = [name for name, side in (("what runs", old), ("the candidate", new)) if not side.can_hand_over]
    if sides:
        return f"{' and '.join(sides)} {'offers' if len(sides) == 1 else 'offer'} no surrender and take"
    if old.schema != new.schema:
        return f"its schema is {old.schema} and would be {new.schema}: equal bytes may mean something else"
    if old.layout_id == 0 or old.layout_id != new.layout_id:
        return f"the block's layout is {old.layout_id:#x} and would be {new.layout_id:#x}"
    return None
