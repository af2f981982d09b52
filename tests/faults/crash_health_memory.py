"""A host asks a plugin for its health while the N-th malloc of the process fails, for every N.

Prints how often nothing could be said. Run with LD_PRELOAD of tests/native/inject.c.
"""

from __future__ import annotations

import ctypes
import sys

from hotgraft import Host

INJECT_MALLOC = 1


def main(image: str) -> None:
    """Ask until no request was refused; each time, what was not said is not held against the plugin."""
    inject = ctypes.CDLL(None)
    with Host(probe="off") as host:
        plain = host.load(image, config={"fails_after": 1_000_000})
        unsaid, n, is_reached = 0, 0, True
        while is_reached:
            n, report = n + 1, None
            inject.inject_arm(INJECT_MALLOC, ctypes.c_long(n), 0)
            try:
                report = host.check_health("plain")
            except MemoryError:  # where the interpreter's own part found none
                unsaid += 1
            is_reached = inject.inject_disarm() >= n
            if report is not None:
                assert report.is_fit, (n, report)
                unsaid += bool(report.not_asked)
            assert plain.add(2, 3) == 5
            assert host.check_health("plain").not_asked == (), n
            assert host["plain"]._owner.loaded.serving.generation.leases == [], n
        host.reload("plain", image)
        assert host.unloads(60).proven == 1
    print(unsaid)


main(sys.argv[1])
