"""A Python host reloads while the N-th malloc of the process fails: the core's, the bindings' or the interpreter's own.

Prints what became of it: refused, published, or never reached. Run with LD_PRELOAD of tests/native/inject.c.
"""

from __future__ import annotations

import ctypes
import sys
import tempfile

from hotgraft import Host

INJECT_MALLOC = 1


def main(n: int, old: str, new: str) -> None:
    """Reload with the n-th request refused, then look at what serves and reload again."""
    inject = ctypes.CDLL(None)
    with Host(staging_folder=f"{tempfile.mkdtemp()}/staged") as host:
        counter = host.load(old)
        counter.add(5)
        became = "refused"
        refused: Exception | None = None
        inject.inject_arm(INJECT_MALLOC, ctypes.c_long(n), 0)
        try:
            host.reload("counter", new)
            became = "published"
        except Exception as error:  # OpenSSL says ValueError where a digest finds no memory
            refused = error
        is_reached = inject.inject_disarm() >= n
        assert refused is None or is_reached, refused
        assert counter.build() == (2 if became == "published" else 1)
        assert counter.add(1) == 6
        host.reload("counter", new)
        assert (counter.build(), counter.add(1)) == (2, 7)
        unloads = host.unloads(10)
        assert (unloads.waiting, unloads.stuck) == ((), ())
    print(became if is_reached else "never reached")


main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
