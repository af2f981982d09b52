"""The candidate of one of two plugins hangs in each of its control functions, one after another: both serve on."""

from __future__ import annotations

import os
import sys

from hotgraft import Host, PluginAbandoned
from pair_scene import codec, expect, load_pair, player
from sample_plugins import shared_workshop


def main(member: str) -> None:
    """Ask for both, with a candidate that hangs, and look at what serves."""
    build = shared_workshop()
    host = Host(probe="off", control_deadline_s=1.0)
    load_pair(host, build)
    images = {"codec": build(codec(2, 2)), "player": build(player(12, "^2"))}
    for step in ("create", "take", "start"):
        try:
            host.reload_set(images, configs={member: {"hang": step}}, deadline_s=1.0)
        except PluginAbandoned as error:
            assert error.running == "codec: generation 1 still serves; player: generation 1 still serves", error
            expect(host, 11_001)
            print(f"{step}: both serve")


main(sys.argv[1])
sys.stdout.flush()
os._exit(0)  # the abandoned threads are inside the plugin for good
