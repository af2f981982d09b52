"""os.fork() beside swaps.

The core makes fork wait while a swap moves state, so that a child finds it wholly on one side. os.fork() would wait
there with the interpreter lock, which a plugin that calls back into Python from its quiesce or start needs: so it waits
here first, without the lock, and keeps swaps out until it is over.
"""

from __future__ import annotations

import functools
import os

from hotgraft import _core

__all__ = ["watch_forks"]


@functools.cache
def watch_forks() -> None:
    """Ask to be called at every fork of this process; once."""
    # A child begins with a core of its own: it has nothing to give back.
    os.register_at_fork(before=_core.keep_swaps_out, after_in_parent=_core.let_swaps_go_on)
