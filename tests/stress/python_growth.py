"""A Python host that reloads the ground N times and says what it holds; see native_growth.c for the line it ends with.

python python_growth.py FOLDER N IMAGE IMAGE        with PYTHONMALLOC=malloc, so that the heap is one
"""

from __future__ import annotations

import ctypes
import gc
import itertools
import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import hotgraft

HEAP_EVERY = 200
THREADS_AT_ONCE = 8
DEADLINE_S = 60.0


class MallInfo(ctypes.Structure):
    """What mallinfo2(3) answers."""

    _fields_ = [
        *((name, ctypes.c_size_t) for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd")),
        *((name, ctypes.c_size_t) for name in ("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")),
    ]


LIBC = ctypes.CDLL(None)
LIBC.mallinfo2.restype = MallInfo
COUNTED = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p)


def heap_bytes() -> int:
    """Return what is allocated in all arenas and in mappings of their own."""
    gc.collect()
    info = LIBC.mallinfo2()
    return int(info.uordblks + info.hblkhd)


def count_link_maps() -> int:
    """Return how many libraries the loader knows."""
    seen = itertools.count()
    LIBC.dl_iterate_phdr(COUNTED(lambda *_: 0 * next(seen)), None)
    return next(seen)


def threads() -> int:
    """Return how many threads the kernel sees."""
    return len(list(Path("/proc/self/task").iterdir()))


def belongings(folder: Path) -> list[int]:
    """Count mappings, fds, threads, link maps and staged files, once the reaper's thread had time to end."""
    until = time.monotonic() + 5
    while threads() > 1 and time.monotonic() < until:
        threading.Event().wait(0.001)
    gc.collect()
    mappings = len(Path("/proc/self/maps").read_text().splitlines())
    fds = len(list(Path("/proc/self/fd").iterdir()))
    return [mappings, fds, threads(), count_link_maps(), len(list(folder.iterdir()))]


def fill_stack_cache() -> None:
    """Have more threads at once than a reload ever has.

    glibc keeps the stacks of threads that ended, as many as there ever were at once: no chance meeting is growth.
    """
    meet = threading.Barrier(THREADS_AT_ONCE)
    threads = [threading.Thread(target=meet.wait) for _ in range(THREADS_AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def churn_interned_strings() -> None:
    """Have CPython's table of interned strings at the size that it needs.

    Names of call types and keys of descriptors come and go in it, and once in thousands of reloads it is made anew,
    half a megabyte larger than before if that has not happened yet: a step, and no growth.
    """
    for number in range(1 << 18):
        sys.intern(f"comes and goes {number}")


def main(folder: Path, reloads: int, images: list[str]) -> dict[str, Any]:
    """Reload and measure."""
    found: dict[str, Any] = {}
    heap: list[tuple[int, int]] = []
    fill_stack_cache()
    with hotgraft.Host(staging_folder=str(folder), probe="off") as host:
        ground: Any = host.load(images[0], config={"serial": 1})
        churn_interned_strings()
        belongings(folder)  # what measuring needs (ctypes makes a page for its call-back) is there from now on
        for number in range(1, reloads + 1):
            host.reload("ground", images[number % 2], config={"serial": number + 1})
            ground.add(1)
            unloads = host.unloads(DEADLINE_S)
            if number == 100:
                found["at_100"] = belongings(folder)
            if number % HEAP_EVERY == 0:
                heap.append((number, heap_bytes()))
        found |= {"at_end": belongings(folder), "heap": heap, "total": ground.total()}
        found |= {"proven": unloads.proven, "stuck": len(unloads.stuck)}
    return found


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:5])))
