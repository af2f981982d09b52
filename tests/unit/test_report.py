"""A swap's report: readable by people, programs and, when deferred, later."""

from __future__ import annotations

import json
from concurrent.futures import Future
from dataclasses import replace

import pytest
from hotgraft import Outcome, SwapReport
from hotgraft.engine.timing import StepTime, Stopwatch

REPORT = SwapReport(
    plugin="gain",
    outcome=Outcome.CALLED_OFF,
    generation=3,
    version="1.2.0",
    candidate=4,
    image="gain.so",
    steps=(StepTime("map", 120.0), StepTime("drain", 5000.0, "timed out")),
    pause_us=5100.0,
    refusals=("drain: thread 7 holds gain/1",),
    after_undo=("resume of gain: generation 3: told to fail",),
)


def test_a_report_says_what_happened_what_runs_and_why() -> None:
    """The four questions of every failure, on a few lines."""
    text = str(REPORT)

    assert text.startswith("gain: called off; generation 3 (version 1.2.0) serves")
    assert "because drain: thread 7 holds gain/1" in text
    assert "not put back: resume of gain" in text
    assert "5,100 µs" in text


def test_many_steps_stand_in_lines_that_a_terminal_shows() -> None:
    """A swap has twenty of them and more; none is lost, and no time stands apart from its step."""
    steps = tuple(StepTime(f"a step {number}", number * 1_000.0) for number in range(30))
    lines = str(replace(REPORT, steps=steps)).splitlines()
    assert max(map(len, lines)) <= 100
    told = " ".join(line.strip() for line in lines if "a step" in line)
    assert told == ", ".join(f"a step {number} {number * 1_000:,} µs" for number in range(30))
    assert all(line.endswith(("µs,", "µs")) for line in lines if "a step" in line)


def test_a_report_is_plain_json() -> None:
    """`--json` and dashboards read it."""
    assert json.loads(json.dumps(REPORT.as_dict()))["outcome"] == "called off"


def test_a_final_report_is_its_own_result() -> None:
    """Whoever asks for the result need not know whether it was deferred."""
    assert REPORT.result() is REPORT


def test_a_deferred_report_leads_to_the_final_one() -> None:
    """It waits for the swap, and passes on how that ended."""
    later: Future[SwapReport] = Future()
    deferred = SwapReport(
        plugin="gain",
        outcome=Outcome.DEFERRED,
        generation=3,
        version="1.2.0",
        candidate=0,
        image="gain.so",
        later=later,
    )
    with pytest.raises(TimeoutError):
        deferred.result(deadline_s=0.0)
    later.set_result(REPORT)
    assert deferred.result() is REPORT


def test_a_stopwatch_notes_time_and_failure() -> None:
    """The clock is an argument, so the figures are exact."""
    now = iter([1_000, 5_000, 10_000, 17_000])
    watch = Stopwatch(lambda: next(now))
    with watch("map"):
        pass
    with pytest.raises(ValueError, match="no"), watch("create"):
        raise ValueError("no")

    assert watch.steps == [StepTime("map", 4.0), StepTime("create", 7.0, "ValueError: no")]
