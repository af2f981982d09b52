"""`hotgraft dev`: edit, save, see the new result."""

from __future__ import annotations

from typing import Final

__all__ = ["PULSE_VARIABLE"]

# Says to a process that it is a session, and which fd its pulse is; not HOTGRAFT_…: it is nobody's to set.
PULSE_VARIABLE: Final = "_HOTGRAFT_DEV_PULSE"
