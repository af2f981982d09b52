"""A Python host reloads while the N-th malloc of the process fails: the core's, the bindings' or the interpreter's own.

Prints what became of it: refused, published, or never reached. Run with LD_PRELOAD of tests/native/inject.c. Two images
with a colon between them are replaced as one, and serve on one side whatever fails.
"""

from __future__ import annotations

import ctypes
import sys
import tempfile
from typing import Any

from hotgraft import Host

INJECT_MALLOC = 1


def load(host: Host, images: str) -> list[str]:
    """Load what is given, provider first, and count to five in each; return the names."""
    names = []
    for image in images.split(":"):
        plugin: Any = host.load(image)
        plugin.add(5)
        names = list(host)
    return names


def reload(host: Host, names: list[str], images: str) -> None:
    """Replace one, or two as one."""
    wanted = dict(zip(names, images.split(":"), strict=True))
    if len(wanted) == 1:
        host.reload(names[0], images)
    else:
        host.reload_set(wanted)


def expect(host: Host, names: list[str], *, is_new: bool, count: int) -> None:
    """All serve, on one side, with what they counted."""
    builds = [host[name].build() for name in names]
    side = 2 if is_new else 1
    assert builds == [side, (10 + side) * 1000 + side][: len(names)], builds
    assert [host[name].add(1) for name in names] == [count] * len(names)


def main(n: int, old: str, new: str) -> None:
    """Reload with the n-th request refused, then look at what serves and reload again."""
    inject = ctypes.CDLL(None)
    with Host(staging_folder=f"{tempfile.mkdtemp()}/staged") as host:
        names = load(host, old)
        became = "refused"
        refused: Exception | None = None
        inject.inject_arm(INJECT_MALLOC, ctypes.c_long(n), 0)
        try:
            reload(host, names, new)
            became = "published"
        except Exception as error:  # OpenSSL says ValueError where a digest finds no memory
            refused = error
        is_reached = inject.inject_disarm() >= n
        assert refused is None or is_reached, refused
        expect(host, names, is_new=became == "published", count=6)
        reload(host, names, new)
        expect(host, names, is_new=True, count=7)
        unloads = host.unloads(10)
        assert (unloads.waiting, unloads.stuck) == ((), ())
    print(became if is_reached else "never reached")


main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
