"""Serve an image on a journal until stdin ends; with a second image, stand amid the swap to it until a line comes.

python crash_journal_host.py JOURNAL IMAGE [NEXT_IMAGE]
"""

from __future__ import annotations

import os
import sys
from typing import Any

from hotgraft import Host, HotgraftError, _core


def at(step: str) -> str:
    """Stand still where the gates are closed and the state is on its way."""
    if step == "take":
        print("amid the swap", flush=True)
        sys.stdin.readline()
    return "run"


with Host(journal=sys.argv[1]) as host:
    counter: Any = host.load(sys.argv[2])
    counter.add(5)
    print("serves", flush=True)
    for image in sys.argv[3:]:
        _core._seams.set_step_hook(at)
        try:
            outcome = host.reload("counter", image, deadline_s=float(os.environ.get("SWAP_DEADLINE_S", "60"))).outcome
        except HotgraftError as error:
            outcome = error.report.outcome  # type: ignore[attr-defined] # a swap's errors carry one
        _core._seams.set_step_hook(None)
        print(outcome, counter.build(), counter.add(1), flush=True)
    sys.stdin.read()
