"""State over five versions, forwards and back, under load: every value is as a model of plain dicts predicts it.

The versions rename, widen, narrow, add and drop fields, convert by name and save and restore; steps go up and down one
or several versions, roll back before and after commit, and fail in each of a plugin's own functions (M01, M06, M10).
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from child_process import run_child

if TYPE_CHECKING:
    from conftest import Sized

STRESS = Path(__file__).parent
DEADLINE_S = 800.0


def go(*arguments: object) -> dict[str, Any]:
    """Go walks in a process of their own; return the counts of how their steps ended."""
    done = run_child("walks.py", *arguments, deadline_s=DEADLINE_S, folder=STRESS)
    assert done.returncode == 0, done.stderr[-6000:]
    counts: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return counts


@pytest.mark.timeout(900)
@pytest.mark.parametrize("half", [0, pytest.param(1, marks=pytest.mark.full)])
def test_no_walk_over_the_versions_loses_or_mixes_a_value(sized: Sized, half: int) -> None:
    """Calls never fail, what a caller wrote is never lost, and only what is said to be lossy goes back in time."""
    walks = sized(quick=4, full=500)

    counts = go(half * walks, walks, "--versions", sized(quick=3, full=5))

    print(json.dumps(counts))
    assert (counts["walks"], counts.get("failed", 0)) == (walks, 0)
    assert counts["calls"] > 1000 * walks
    wanted = {"reload: hand over", "reload: convert", "reload: restore", "reload: refused", "rollback: refused"}
    wanted |= {"rollback: hand over", "rollback: convert"}
    if walks > 100:  # what is rare
        wanted |= {"rollback: restore", "rollback: kept"}
    assert {name for name in wanted if not counts.get(name)} == set(), counts


@pytest.mark.parametrize(
    "name", ["layout_memory.py", "layout_reference.py", "stress/walk_model.py", "stress/walk_versions.py"]
)
def test_what_predicts_imports_nothing_of_what_it_predicts(name: str) -> None:
    """A mistake of hotgraft's cannot be made there as well."""
    text = (STRESS.parent / name).read_text()
    modules = {one.split(".")[0] for one in re.findall(r"^ *(?:from|import) ([\w.]+)", text, re.MULTILINE)}
    assert modules <= {
        "__future__", "collections", "copy", "dataclasses", "functools", "struct", "typing",
        "layout_memory", "layout_reference", "walk_versions",
    }  # fmt: skip


@pytest.mark.control
def test_conversions_that_work_on_the_old_block_are_seen() -> None:
    """Without a block of its own for the new state, what is undone or kept is no longer what it was."""
    counts = go(0, 60, "--sabotage", "in-place")

    assert counts["failed"] > 5, counts
