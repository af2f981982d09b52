"""fork in a program that replaces plugins: fault K07, at every step of a swap, and multiprocessing's two ways."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from child_process import run_child
from sample_plugins import HANDS_OVER, SAVES, Sample, Workshop

if TYPE_CHECKING:
    from pathlib import Path

STEPS = {
    HANDS_OVER: ["wait for pins", "close gates", "drain", "quiesce", "surrender", "take", "start", "publish"],
    SAVES: ["drain", "save", "restore", "start"],
}


@pytest.mark.parametrize(
    ("sample", "where"),
    [
        pytest.param(HANDS_OVER, "own", id="hands over-own"),
        pytest.param(HANDS_OVER, "other", id="hands over-other", marks=pytest.mark.full),
        pytest.param(SAVES, "own", id="saves-own", marks=pytest.mark.full),
        pytest.param(SAVES, "other", id="saves-other"),
    ],
)
def test_a_child_forked_at_any_step_of_a_swap_can_call(build: Workshop, sample: Sample, where: str) -> None:
    """K07: the child calls on one side of the swap and may change nothing; the parent's swap goes on."""
    images = build(sample), build(replace(sample, build=2))
    done = run_child("crash_fork_at_steps.py", *images, where, *STEPS[sample])

    assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("scene", ["nothing", "a_host", "a_plugin", "a_pool"])
def test_a_child_may_make_a_host_unless_its_parent_had_loaded_a_plugin(
    build: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scene: str
) -> None:
    """A server imports, forks its workers, and each of them loads what it serves."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    done = run_child("crash_fork_before.py", scene, build(HANDS_OVER), build(replace(HANDS_OVER, build=2)))

    assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}{done.stderr}"


@pytest.mark.full
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_multiprocessing_works_beside_a_host(build: Workshop, method: str) -> None:
    """Under -W error, which on CPython ≥ 3.12 also says that an idle host keeps no thread."""
    done = run_child("crash_multiprocessing.py", build(HANDS_OVER), build(replace(HANDS_OVER, build=2)), method)

    assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}{done.stderr}"
