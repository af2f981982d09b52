"""Looking at a plugin's state: what it would save now, with nothing changed by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hotgraft import _core
from hotgraft.core.errors import HotgraftError
from hotgraft.core.saved_values import unpack_values
from hotgraft.host.report import report_of, running_words

if TYPE_CHECKING:
    from hotgraft.host.loaded import Loaded
    from hotgraft.host.report import SwapReport

__all__ = ["read_saved_state"]


def read_saved_state(loaded: Loaded, deadline_s: float) -> dict[str, dict[str, Any]]:
    """Take the plugin's turn, as a change of it does, and read what every instance would save."""
    found: dict[str, dict[str, Any]] = {}

    def work() -> SwapReport:
        serving, instances = loaded.serving, loaded.instances.values()
        slots = [slot for instance in instances for slot in instance.slots.values()]
        with loaded.looked_at():
            states = _core.read_state(serving.generation, slots, deadline_s)
        found.update({instance.name: unpack_values(states[instance.index]) for instance in instances})
        return report_of(loaded)

    try:
        loaded.take_turn(work, deadline_s)
    except HotgraftError as error:
        error.running = running_words(report_of(loaded), "still serves")
        if not loaded.serving.side.state.can_save:
            error.advice = "take a snapshot, which `hotgraft state show` prints; or offer save and restore"
        raise
    return found
