"""A candidate hangs in the control function named by the argument, or five of them one after another."""

from __future__ import annotations

import os
import sys
from dataclasses import replace

from hotgraft import Busy, Host, PluginAbandoned
from sample_plugins import HANDS_OVER, SAVES, shared_workshop


def main(where: str) -> None:
    """Reload into a hang, then go on with what ran before."""
    build = shared_workshop()
    host = Host(probe="off", control_deadline_s=1.0)
    sample = SAVES if where == "save" else HANDS_OVER
    counter = host.load(build(sample), config={"hang": where} if where == "save" else {})  # who serves saves
    counter.add(5)
    hanging = build(replace(sample, build=2))
    for _ in range(4 if where == "five" else 1):
        try:
            host.reload("counter", hanging, config={"hang": "create" if where == "five" else where}, deadline_s=1.0)
        except PluginAbandoned as error:
            assert error.running == "generation 1 still serves", error
    if where == "five":
        try:
            host.reload("counter", hanging)
        except Busy as error:
            print("Busy:", error)
    assert (counter.generation, counter.add(1)) == (1, 6)
    print("the old generation serves", counter.generation, counter.build())


main(sys.argv[1])
sys.stdout.flush()
os._exit(0)  # the abandoned threads are inside the plugin for good
