"""A function of what serves comes back after it was given up: `FUNCTION`.

take, or resume: on the way back of a swap that is called off. surrender: on the way there. save: in a snapshot, of
which the rest is not done then.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from hotgraft import Host, HotgraftError, _core
from sample_plugins import HANDS_OVER, shared_workshop


def main(function: str) -> None:
    """Give it up, let it come back, and swap to a build that is in order."""
    build = shared_workshop()
    sample = replace(HANDS_OVER, saves=function == "save")
    gate, other = Path(tempfile.mkdtemp()) / "gate", Path(tempfile.mkdtemp()) / "gate"
    gate.touch()
    other.touch()
    host = Host(probe="off", snapshots=tempfile.mkdtemp(), snapshot_at_close=False)
    counter: Any = host.load(build(sample))
    counter.add(41)
    os.environ["COUNTER_HOLDS"] = str(gate)
    os.environ["COUNTER_DOES"] = f"{os.getpid()}:1:{function}:hold"
    try:
        if function == "save":
            host.snapshot("counter", deadline_s=0.1)
        else:
            host.reload("counter", build(replace(sample, build=2)), config={"fail": "start"}, deadline_s=0.1)
    except HotgraftError as error:
        print("given up:", type(error).__name__)
    os.environ["COUNTER_HOLDS"] = str(other)
    os.environ["COUNTER_DOES"] = f"{os.getpid()}:1:take:hold"  # so that what was surrendered stays away
    gate.unlink()
    until_s = time.monotonic() + 20
    while _core.abandoned_count() and time.monotonic() < until_s:
        time.sleep(0.01)
    time.sleep(0.05 if function == "save" else 0.0)
    if function == "save":
        print("serves on with", counter.add(1))
        return
    del os.environ["COUNTER_DOES"]
    try:
        host.reload("counter", build(replace(sample, build=3)), config={})
        print("serves again with", counter.add(1))
    except HotgraftError as error:
        print("still out of service:", error.found[0])


main(*sys.argv[1:])
sys.stdout.flush()
os._exit(0)
