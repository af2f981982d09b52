"""Gives hostile bytes to one reader, each row in a process of its own that may take so much memory and no more.

Prints one JSON line for each row: its name, the CPU time that the reader took in ms, and what it said, or ``null``.
Called as ``hostile_child.py READER MEGABYTES [without-limits ROW…]``; the last takes out what bounds the cost of TOML.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hostile_rows import READERS
from hotgraft.core import toml_text
from hotgraft.core.errors import ConfigError, HotgraftError, ManifestError

if TYPE_CHECKING:
    from collections.abc import Callable

TRIES: Final = 3  # the quickest counts: what else the machine does is not the reader's doing
ENOUGH_MS: Final = 50.0


def measure(name: str, make: Callable[[], bytes], read: Callable[[bytes], object], megabytes: int, tries: int) -> None:
    """Read within the limits and tell."""
    data = make()
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (taken + (megabytes << 20), resource.RLIM_INFINITY))
    said: str | None = None
    escaped = ""
    times_ms: list[float] = []
    while len(times_ms) < tries and min(times_ms, default=ENOUGH_MS) >= ENOUGH_MS:
        began_s = time.process_time()
        try:
            read(data)
        except (ManifestError, ConfigError) as error:
            said, escaped = str(error), "" if error.found else "it found nothing"
        except HotgraftError as error:
            escaped = f"{type(error).__name__}: {error}"
        except BaseException as error:  # what must not come out of a reader is told, whatever it is
            escaped = f"{type(error).__name__}: {str(error)[:200]}"
        times_ms.append((time.process_time() - began_s) * 1e3)
    print(json.dumps({"name": name, "ms": min(times_ms), "said": said, "escaped": escaped}), flush=True)


def main() -> None:
    """Measure every row."""
    read, rows = READERS[sys.argv[1]]
    only = sys.argv[4:]
    if sys.argv[3:4] == ["without-limits"]:
        toml_text._check = lambda text: None
    for name, make, _ in rows:
        if only and name not in only:
            continue
        pid = os.fork()
        if pid == 0:
            measure(name, make, read, int(sys.argv[2]), 1 if only else TRIES)
            os._exit(0)
        os.waitpid(pid, 0)


main()
