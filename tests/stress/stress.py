"""Run the stress scene and end with one JSON line of counts. A process of its own: what it tests may kill it.

    python stress.py c|cpp --seconds S --calls N --cycles N [--sabotage no-drain]

It runs until all three are reached. Progress goes to stderr. See tests/README.md for how to read it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from hotgraft import _core
from stress_scene import Scene

# A dozen threads share the interpreter lock, and a swap takes it a dozen times: at 5 ms a turn it would not get far.
SWITCH_S = 0.0001
REPORT_EVERY_S = 30.0


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("language", choices=("c", "cpp"))
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--calls", type=int, default=0)
    parser.add_argument("--cycles", type=int, default=0)
    parser.add_argument("--sabotage", choices=("no-drain",))
    return parser.parse_args()


def main() -> int:
    """Return 0: whether the counts are as promised is for the reader to say."""
    arguments = read_arguments()
    sys.setswitchinterval(SWITCH_S)
    with tempfile.TemporaryDirectory(prefix="hotgraft-stress-") as folder:
        scene = Scene(arguments.language, Path(folder))
        _core._seams.set_no_drain(arguments.sabotage == "no-drain")
        began = time.monotonic()
        report_at = began + REPORT_EVERY_S
        scene.start()
        while not scene.over.wait(0.1):
            sums, now = scene.sums(), time.monotonic()
            if now >= report_at:
                report_at = now + REPORT_EVERY_S
                print(f"{now - began:.0f} s: {json.dumps(sums)}", file=sys.stderr, flush=True)
            is_enough = now - began >= arguments.seconds
            is_enough &= sums["calls"] >= arguments.calls and sums["cycles"] >= arguments.cycles
            if is_enough or sums["failed"] or sums["wrong"]:
                break
        seconds = time.monotonic() - began
        result = {"language": arguments.language, "seconds": round(seconds, 1), **scene.finish()}
    print(json.dumps(result), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
