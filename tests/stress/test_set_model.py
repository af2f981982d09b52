"""Random sequences of what a program can do to a graph of plugins, against a small model of what must be running."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from kept_images import KEPT
from many_images import ManyImages
from set_machine import SetMachine

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Sized


def machine(folder: Path) -> type[SetMachine]:
    """Return the machine with a place for its images."""
    return type("Machine", (SetMachine,), {"images": ManyImages(folder, KEPT), "ways": Counter()})


def settings_of(tier: str, sequences: int) -> settings:
    """Return them; what fails is printed as something that can be run again."""
    return settings(
        max_examples=sequences,
        stateful_step_count=12,
        derandomize=tier == "quick",
        print_blob=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )


@pytest.mark.timeout(3600)
def test_a_host_is_always_what_the_model_says(tmp_path: Path, tier: str, sized: Sized) -> None:
    """Swaps of one and of several, with failures at any step, rollbacks and commits: all or nothing, and one side."""
    tried = machine(tmp_path)
    run_state_machine_as_test(tried, settings=settings_of(tier, sized(quick=20, full=2_000)))

    print(sorted(tried.ways.items()))
    assert all(tried.ways[way] for way in ("1: replaced", "1: failed", "1: refused", "rollback", "rollback: blocked"))
