"""A host is killed before and after each step and each write of its journal; the next one finds a whole history."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from child_process import run_child
from sample_plugins import HANDS_OVER, SAVES, STATELESS, Sample, Workshop

if TYPE_CHECKING:
    from conftest import Sized

# Plan of crash_journal.py, and on which sample: with a gate and without, state handed over, saved, and none.
CASES = (
    ("reload", STATELESS),
    ("reload", HANDS_OVER),
    ("reload", SAVES),
    ("configure", HANDS_OVER),
    ("instance", HANDS_OVER),
    ("refuse", SAVES),
    ("fail", HANDS_OVER),
    ("call off", SAVES),
    ("commit", HANDS_OVER),
    ("roll back", SAVES),
    ("take back", HANDS_OVER),
)
STATES = {STATELESS: "no state", HANDS_OVER: "hand over", SAVES: "save"}


QUICK = ("reload", HANDS_OVER), ("fail", HANDS_OVER)
PARAMETERS = [
    pytest.param(*case, id=f"{case[0]}, {STATES[case[1]]}", marks=() if case in QUICK else pytest.mark.full)
    for case in CASES
]


@pytest.mark.timeout(7200)  # of a soak
@pytest.mark.parametrize(("plan", "sample"), PARAMETERS)
def test_a_host_killed_at_any_point_leaves_a_whole_journal_and_a_last_good(
    build: Workshop, sized: Sized, plan: str, sample: Sample
) -> None:
    """Faults K01, K04: SIGKILL, by a person or for memory. What was promised is there, and the last good serves."""
    refused = replace(sample, interface_version=(2, 0))
    images = [build(sample), build(replace(sample, build=2)), build(refused)]
    # In full 240 kills of reloads and 340 of the other plans; a soak leaves no point out.
    stride = sized(quick=45, full=1 if plan == "reload" else 2, soak=1)
    offset = CASES.index((plan, sample)) * 7 % stride  # each plan at other points

    for _ in range(sized(quick=1, full=1, soak=15)):
        done = run_child("crash_journal.py", plan, *images, stride, offset, deadline_s=600)
        assert done.returncode == 0, done.stderr

    found = re.fullmatch(r"(\d+) points, (\d+) killed\n", done.stdout)
    assert found is not None, done.stdout
    points, killed = map(int, found.groups())
    assert points > 40
    assert killed == len(range(1 + offset, points + 1, stride))
