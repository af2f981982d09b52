"""Two plugins go back as one while the N-th malloc of the process fails: both are back, or both stay, with their state.

Prints what became of it: back, blocked, or never reached. Run with LD_PRELOAD of tests/native/inject.c.
"""

from __future__ import annotations

import ctypes
import sys
import tempfile
from typing import Any

from hotgraft import Host

INJECT_MALLOC = 1


def main(n: int, *images: str) -> None:
    """Roll back with the n-th request refused, look at what serves, and go back for certain."""
    inject = ctypes.CDLL(None)
    first, second = (
        dict(zip(("base", "top"), images[:2], strict=True)),
        dict(zip(("base", "top"), images[2:], strict=True)),
    )
    with Host(staging_folder=f"{tempfile.mkdtemp()}/staged", probe="off", probation="on", probation_s=3600) as host:
        base, top = [host.load(image) for image in first.values()]
        plugins: list[Any] = [base, top]
        for one in plugins:
            one.add(5)
        host.reload_set(second)
        became, refused = "blocked", None
        inject.inject_arm(INJECT_MALLOC, ctypes.c_long(n), 0)
        try:
            host.rollback("top")
            became = "back"
        except Exception as error:
            refused = error
        is_reached = inject.inject_disarm() >= n
        assert refused is None or is_reached, refused
        builds = [one.build() for one in plugins]
        if refused is None:
            assert builds == [1, 1], builds
        assert builds in ([1, 1], [2, 2]), builds
        assert [one.add(1) for one in plugins] == [6, 6]
        assert top.both() == 1001 * builds[0]
        if builds == [2, 2]:
            host.rollback("base")
        assert [one.build() for one in plugins] == [1, 1]
        assert [one.add(1) for one in plugins] == [8, 8]
        host.reload_set(second)
        assert [one.build() for one in plugins] == [2, 2]
    print(became if is_reached else "never reached")


main(int(sys.argv[1]), *sys.argv[2:])
