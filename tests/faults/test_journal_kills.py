"""A host is killed before and after each step and each write of its journal; the next one finds a whole history."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from child_process import run_child
from pair_scene import codec, player
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
PAIRS = (codec(1), player(11)), (codec(2, 2), player(12, "^2"))
STATES = {STATELESS: "no state", HANDS_OVER: "hand over", SAVES: "save"}


SETS = ("set", "set, commit", "set, roll back", "set, call off")
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


@pytest.mark.full
@pytest.mark.timeout(7200)  # of a soak
@pytest.mark.parametrize("plan", SETS)
def test_a_host_killed_at_any_point_of_a_swap_of_two_leaves_both_on_one_side(
    build: Workshop, sized: Sized, plan: str
) -> None:
    """Their outcomes are one write: the next host brings up the old pair or the new one, never one of each."""
    images = [f"{build(first)}:{build(second)}" for first, second in PAIRS]
    stride = sized(quick=45, full=6, soak=1)
    offset = SETS.index(plan) % stride

    done = run_child("crash_journal.py", plan, *images, "none", stride, offset, deadline_s=1200)

    assert done.returncode == 0, done.stderr
    found = re.fullmatch(r"(\d+) points, (\d+) killed\n", done.stdout)
    assert found is not None, done.stdout
    points, killed = map(int, found.groups())
    assert points > 80
    assert killed == len(range(1 + offset, points + 1, stride))
