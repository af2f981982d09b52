"""A host with many plugins that are replaced round by round while they are called; ends with one JSON line.

    python many.py PLUGINS WARM ROUNDS PER_SECOND        with PYTHONMALLOC=malloc, so that the heap is one

In a round each plugin is replaced once: WARM rounds as fast as it goes, then ROUNDS at the pace. After each nobody does
anything, and what the process has is measured.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import hotgraft
from kept_images import KEPT
from many_images import ManyImages
from many_scene import Many, per_plugin
from python_growth import belongings, churn_interned_strings, fill_stack_cache, heap_bytes

# A dozen threads share the interpreter lock, and a swap takes it a dozen times: at 5 ms a turn it would not get far.
SWITCH_S = 0.0001
DEADLINE_S = 60.0


def main(plugins: int, warm: int, rounds: int, per_s: int, folder: Path) -> dict[str, Any]:
    """Replace and measure."""
    found: dict[str, Any] = {"seconds": 0.0}
    heap: list[tuple[int, int]] = []
    fill_stack_cache()
    staged = folder / "staged"
    with hotgraft.Host(staging_folder=str(staged)) as host:
        many = Many(host, ManyImages(folder, KEPT), plugins)
        churn_interned_strings()
        for number in range(1, warm + rounds + 1):
            many.make_images()
            began = time.monotonic()
            many.round(per_s if number > warm else 0.0)
            found["seconds"] += time.monotonic() - began if number > warm else 0.0
            found["waiting_at_end"] = per_plugin(host.unloads().waiting)
            unloads = host.unloads(DEADLINE_S)
            if number == 1:
                belongings(staged)  # what measuring needs is there from now on
                found["after_first"] = belongings(staged)
            if number >= warm:
                heap.append((number * plugins, heap_bytes()))
        found |= {"at_end": belongings(staged), "heap": heap, **many.sums()}
        found |= {"proven": unloads.proven, "stuck": len(unloads.stuck), "waiting": list(unloads.waiting)}
    return found


if __name__ == "__main__":
    sys.setswitchinterval(SWITCH_S)
    with tempfile.TemporaryDirectory(prefix="hotgraft-many-") as name:
        given = [int(word) for word in sys.argv[1:5]]
        print(json.dumps(main(given[0], given[1], given[2], given[3], Path(name))))
