"""Pins that follow a swap: their slots are published with the rest, and their handles are of what serves then.

A pinned call is inside the old generation like any other, so its slots are gated and drained with the plugin's own; the
next call through the pin runs the new code, with the state that was carried over. Until the swap is over a pin that
ends lets go of nothing: its slots are the swap's.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import field
from typing import TYPE_CHECKING

from hotgraft import _core
from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import DrainTimeout
from hotgraft.core.lifecycle import Stage
from hotgraft.host.change import once_more
from hotgraft.host.link import retype
from hotgraft.host.loaded import pinnable_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hotgraft.core.plan import Plan
    from hotgraft.engine.stage import Candidate
    from hotgraft.host.link import PinLink
    from hotgraft.host.loaded import Loaded, Pinnable
    from hotgraft.host.pin import Pin
    from hotgraft.host.plugin import Plugin

__all__ = ["moved_pins"]

LOOK_AGAIN_S = 0.0002


@dataclass(slots=True)
class _Mover:
    """One pin on its way: what it will hold, and the slots in which it will be called."""

    pin: Pin
    link: PinLink
    to: Pinnable
    hold: _core.HeldPin | None = None
    slots: dict[str, _core.Slot] = field(default_factory=dict)

    def prepare(self, queue_limit: int | None) -> None:
        """Hold what it will be on, and make the slots that it lacks."""
        self.hold = self.to.generation.add_pin(self.pin.who)
        for key in self.to.tables:
            slot = self.link.slots.get(key) or _core.Slot.named(f"pin:{key}")
            slot.queue_limit = queue_limit  # a pinned call waits at a gate like any other, now
            self.slots[key] = slot

    def land(self) -> None:
        """It is on what serves now. Twice is once."""
        self.link.follow(self.slots, self.to)
        retype(self.pin.plugin, self.to.call_type, tuple(self.slots.values()))


@contextmanager
def moved_pins(
    loaded: Loaded,
    plan: Plan,
    member: _core.Member,
    candidate: Candidate,
    tables: Mapping[str, tuple[_core.Table, ...]],
    *,
    call_type: type[Plugin] | None,
    deadline_s: float,
) -> Iterator[None]:
    """Let the open pins follow the swap that is carried out within, if the plan says so; else nothing happens.

    Args:
        loaded: the plugin, by whoever has its turn.
        plan: of the swap.
        member: its part in the native window, to which the pins' slots are added.
        candidate: what serves after it.
        tables: for pins, of each instance of the candidate.
        call_type: of its handles.
        deadline_s: until when every pin must be one that can follow.

    Raises:
        DrainTimeout: some are not; they are named.
    """
    if plan.pins != "move":
        yield
        return
    old = loaded.serving.generation
    movers: list[_Mover] = []
    expected: object = None
    try:
        old.stop_pins()
        pinnables = {name: pinnable_of(candidate, own, call_type) for name, own in tables.items()}
        _gather(loaded, old, pinnables, deadline_s, movers)
        candidate.generation.allow_pins()  # one that is held turned them away when it was replaced
        for mover in movers:
            mover.prepare(loaded.drain.queue_limit)
        expected = _core.expect_retype([mover.pin.plugin for mover in movers])
        member.moves_pins(
            len(movers),
            [(slot, mover.to.tables[key]) for mover in movers for key, slot in mover.slots.items()],
            [slot for mover in movers for key, slot in mover.link.slots.items() if key not in mover.slots],
        )
        yield
    finally:
        try:
            has_moved = candidate.generation.stage == Stage.ACTIVE
            for mover in movers:
                if has_moved:
                    once_more(mover.land)
                elif mover.hold is not None:
                    mover.hold.let_go()
                mover.pin.end_move(mover.hold if has_moved else None)
            if not has_moved:
                old.allow_pins()
        finally:
            if expected is not None:
                _core.end_retype(expected)


def _gather(
    loaded: Loaded,
    old: _core.Generation,
    pinnables: Mapping[str, Pinnable],
    deadline_s: float,
    movers: list[_Mover],
) -> None:
    """Find every pin on what serves: one that was counted a moment ago is listed in another."""
    until_s = time.monotonic() + deadline_s
    while True:
        for pin in loaded.open_pins.list():
            link = pin.begin_move(old)
            if link is not None:
                movers.append(_Mover(pin, link, pinnables[link.instance.name]))
        if old.pins == len(movers):
            return
        if time.monotonic() >= until_s:
            raise DrainTimeout(
                "move its pins",
                on=old.label,
                found=f"{old.pins} are open and {len(movers)} can follow: {old.pin_holders()}",
                running=f"generation {old.number} still serves",
            )
        time.sleep(LOOK_AGAIN_S)
