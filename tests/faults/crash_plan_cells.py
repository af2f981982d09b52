"""Carry out cells of plan_cells.py, each on a scene of its own, and print a line for each.

    python crash_plan_cells.py [SAMPLES FOLDER PLAN WAY [STEP...]]

Those of one plan and one way (`stage`: of its probe's stages; all of them: `all`), or those of steps that are named.
Exit 0: after each what is promised held; else a traceback for each that did not. Without arguments: for each request of
a PreparedChild, in a process of its own.
"""

from __future__ import annotations

import logging
import sys
import traceback
from pathlib import Path

from forked_hosts import prepare, serve
from plan_cells import CELLS, PLANS, STAGE, Cell
from plan_faults import carry_out
from plan_scene import Scene
from sample_plugins import Workshop

REQUESTS = 6  # for memory, at the beginning of a step; test_every_request.py refuses all there are


def run(cell: Cell, build: Workshop, folder: Path) -> str:
    """Carry one cell out, as often as it takes; return how it ended."""
    scenery = next(one for one in PLANS if one.name == cell.plan)
    ended = []
    for nth in range(1, REQUESTS + 1):
        scene = Scene(build, scenery, folder)
        try:
            with scene.steps.hooked():
                carry_out(scene, cell, nth)
            ended.append(scene.check(cell.ends))
        finally:
            scene.clean()
        if cell.way != "memory" or not scene.reached:
            break
    return ", ".join(ended)


def main(samples: str, folder: str, plan: str, way: str, *steps: str) -> int:
    """Return how many cells went wrong."""
    logging.disable()  # what is told of failures that are meant
    wrong = 0
    build = Workshop(Path(samples))
    for cell in CELLS:
        kind = "stage" if cell.step.startswith(STAGE) else cell.way
        if cell.plan == plan and way in (kind, "all") and (not steps or cell.step in steps):
            try:
                print(f"{cell}\t{run(cell, build, Path(folder))}", flush=True)
            except BaseException:
                wrong += 1
                print(f"{cell}\tWRONG", flush=True)
                traceback.print_exc()
    return wrong


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit(main(*sys.argv[1:]) != 0)
    prepare()
    sys.exit(serve(main) != 0)
