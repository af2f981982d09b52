"""A swap is called off, and what served does not get its state back, or does not resume: `FUNCTION WAY CROSSING`.

The function of the old generation, take or resume, fails or hangs when it is asked for on the way back; surrender hangs
when the swap begins.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hotgraft import Host, HotgraftError, PluginUnavailable, _core
from hotgraft.core.breaker import BreakerState
from hotgraft.engine.load import make_tables
from hotgraft.host.report import Outcome
from sample_plugins import CONVERTS, HANDS_OVER, shared_workshop

if TYPE_CHECKING:
    from pathlib import Path

    from hotgraft.host.loaded import Loaded


def main(function: str, way: str, crossing: str, then: str = "swap") -> None:
    """Call a swap off, see who answers then, and swap to a build that is in order."""
    build = shared_workshop()
    sample = CONVERTS if crossing == "convert" else HANDS_OVER
    host = Host(probe="off", control_deadline_s=0.2)
    told: list[str] = []
    host.on("swap.out_of_service", lambda event: told.append(event.name))
    counter: Any = host.load(build(sample))
    counter.add(5)
    before = counter.generation
    serving = host._plugins["counter"]
    tables = serving_tables(serving)
    os.environ["COUNTER_DOES"] = f"{os.getpid()}:1:{function}:{way}"
    try:
        host.reload("counter", build(replace(sample, build=2)), config={"fail": "start"}, deadline_s=0.3)
    except HotgraftError as error:
        report = getattr(error, "report", None)
        assert report is not None
        assert report.outcome is Outcome.OUT_OF_SERVICE, report
        assert "nothing of it serves" in str(report), report
        what = "resume" if function == "surrender" else function  # which is not asked for any more
        assert any(what in one or "give back" in one for one in report.after_undo), report
        assert error.running.startswith("generation 1 is out of service: "), error.running
    for call in (lambda: counter.add(1), counter.build, counter.pin):
        try:
            call()
        except PluginUnavailable as error:
            print("refused:", error.found[0], flush=True)
    if then == "call":
        for table in tables:
            table.slot.publish(table)
        host.breaker.published(serving)
        counter.add(1)
    assert told == ["swap.out_of_service"], told
    assert host.breaker.state("counter") is BreakerState.OPEN
    try:
        host.close_breaker("counter")
        raise AssertionError("what is out of service serves again")
    except HotgraftError as error:
        print("not closed:", error)
    del os.environ["COUNTER_DOES"]
    after(host, build(replace(sample, build=3)), counter, before)


def serving_tables(serving: Loaded) -> list[_core.Table]:
    """Return new tables of what serves."""
    candidate, instance = serving.serving, serving.instances["main"]
    attempt = _core.Attempt.of(candidate.generation)
    return make_tables(attempt, candidate.side, instance.index, instance.slots, deadline_s=1)


def after(host: Host, image: Path, counter: Any, before: int) -> None:
    """Say what a build that is in order finds."""
    try:
        report = host.reload("counter", image, config={})
    except HotgraftError as error:
        print("still out of service:", error)
        assert "nothing of it serves" in str(getattr(error, "report", "")), error
        return
    assert report.generation > before
    assert counter.build() == 3
    print("serves again with", counter.add(1))


main(*sys.argv[1:])
sys.stdout.flush()
os._exit(0)  # an abandoned thread is inside the plugin for good
