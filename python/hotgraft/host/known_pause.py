"""What callers waited in the last swap of a plugin, kept for the plan of the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotgraft.core.expected_pause import measured_pause

if TYPE_CHECKING:
    from hotgraft.core.expected_pause import MeasuredPause
    from hotgraft.core.plan import Plan
    from hotgraft.engine.swap import Window

__all__ = ["pause_of"]


def pause_of(plan: Plan | None, window: Window | None) -> MeasuredPause | None:
    """Return what a window tells of a plugin's pause; None: it had no gate, or there was no window.

    Args:
        plan: of the plugin.
        window: its part of it.
    """
    if plan is None or window is None:
        return None
    copied = plan.conversion.plan.old_bytes if plan.conversion is not None else 0
    return measured_pause(window.pause_us, [(one.step, one.us) for one in window.pause_steps], copied_bytes=copied)
