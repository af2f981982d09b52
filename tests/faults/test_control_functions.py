"""Control functions that never return: given up at their deadline, in a process of its own (the threads stay)."""

from __future__ import annotations

import pytest
from child_process import run_child


@pytest.mark.parametrize("where", ["create", "start", "take"])
def test_a_candidate_that_hangs_is_given_up_and_the_old_serves(where: str) -> None:
    """Fault I10: over its deadline; the caller gets its thread back and its plugin too."""
    done = run_child("crash_hang.py", where)

    assert done.returncode == 0, done.stderr
    assert "the old generation serves" in done.stdout


def test_after_four_abandoned_threads_new_swaps_are_refused() -> None:
    """A leak with a bound: the fifth hanging build does not cost a fifth thread."""
    done = run_child("crash_hang.py", "five")

    assert done.returncode == 0, done.stderr
    assert "Busy" in done.stdout
