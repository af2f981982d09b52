"""Make objects of the core while the N-th malloc fails, for every N that their making asks for.

Prints how many N there were for each. Run with LD_PRELOAD of tests/native/inject.c.
"""

from __future__ import annotations

import ctypes
import sys
from typing import TYPE_CHECKING

from hotgraft import Host, _core

if TYPE_CHECKING:
    from collections.abc import Callable

INJECT_MALLOC = 1
INJECT = ctypes.CDLL(None)


def sweep(make: Callable[[], object]) -> int:
    """Return after how many requests it is made."""
    make()  # what is made once in a process is there
    for n in range(1, 1_000):
        INJECT.inject_arm(INJECT_MALLOC, ctypes.c_long(n), 0)
        try:
            made: object = make()
        except MemoryError:
            made = None
        if INJECT.inject_disarm() < n:
            assert made is not None
            return n - 1
        del made
    raise AssertionError("it never stops asking for memory")


with Host() as host:
    host.load(sys.argv[1])
    (loaded,) = host._listed()
    generation = loaded.serving.generation
    shared, unique = sweep(lambda: _core.Slot.named("gain/1")), sweep(lambda: generation.add_pin("me"))
    assert generation.pins == 0, generation.pin_holders()
print(shared, unique)
