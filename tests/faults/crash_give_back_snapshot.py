"""A state is looked at for a snapshot, and what serves does not get it back: `WHEN WAY`.

WHEN is asked: take fails or hangs (WAY) in the snapshot itself. Or before: it did so in a swap that was called off, and
does so again if it is asked. Or saves: as before, of a plugin that offers save as well.
"""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import replace
from typing import Any

from hotgraft import Host, HotgraftError, PluginUnavailable
from sample_plugins import HANDS_OVER, shared_workshop


def main(when: str, way: str) -> None:
    """Let take go wrong, ask for two snapshots, and swap to a build that is in order."""
    build = shared_workshop()
    sample = replace(HANDS_OVER, saves=when == "saves")
    host = Host(probe="off", snapshots=tempfile.mkdtemp(), resume="none", snapshot_at_close=False)
    counter: Any = host.load(build(sample))
    counter.add(41)
    os.environ["COUNTER_DOES"] = f"{os.getpid()}:1:take:{way}"
    if when != "asked":
        try:
            host.reload("counter", build(replace(sample, build=2)), config={"fail": "start"}, deadline_s=0.3)
        except HotgraftError as error:
            assert "out of service" in error.running, error
    for _ in range(2):
        try:
            print("snapshot of", host.snapshot("counter", deadline_s=0.3).taken["counter"].bytes)
        except HotgraftError as error:
            assert "generation 1 is out of service" in str(error), error
            print("no snapshot:", *error.found)
    assert "out of service" in host.check_health("counter").findings[0]
    try:
        counter.add(1)
    except PluginUnavailable:
        print("refused")
    del os.environ["COUNTER_DOES"]
    host.reload("counter", build(replace(sample, build=3)), config={})
    print("serves again with", counter.add(1))


main(*sys.argv[1:])
sys.stdout.flush()
os._exit(0)  # an abandoned thread may be inside the plugin for good
