"""Random sequences of what a program can do to a graph of plugins, against a small model of what must be running."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import HotgraftError
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test
from kept_images import KEPT
from many_images import ManyImages
from set_machine import SetMachine

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from many_images import Node


# What every part must have come across.
EXPECTED = (
    *("1: replaced", "1: refused", "1: failed", "2: replaced", "2: refused", "2: failed", "2 major: replaced"),
    *("rollback", "rollback of several", "rollback: failed", "rollback: blocked"),
)
PARTS = (1, 2, 3, 4)  # sequences are independent of each other: they are gone through by several processes
SEQUENCES = 2_000


def machine(folder: Path, base: type[SetMachine] = SetMachine) -> type[SetMachine]:
    """Return the machine with a place for its images."""
    return type("Machine", (base,), {"images": ManyImages(folder, KEPT), "ways": Counter()})


class OneByOne(SetMachine):
    """Carries out a swap of several as one swap after the other."""

    def _swap_set(self, nodes: tuple[Node, ...], configs: Mapping[str, Any] | None, allows: bool) -> Mapping[str, Any]:
        return {
            node.name: self.host.reload(
                node.name,
                self.images(node),
                config=(configs or {}).get(node.name),
                allow_downgrade=allows,
                is_settled=True,
            )
            for node in nodes
        }


def settings_of(sequences: int, steps: int = 20) -> settings:
    """Return them; what fails is printed as something that can be run again."""
    return settings(
        max_examples=sequences,
        stateful_step_count=steps,
        print_blob=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", PARTS)
def test_a_host_is_always_what_the_model_says(tmp_path: Path, part: int) -> None:
    """Swaps of one and of several, with failures at any step, rollbacks and commits: all or nothing, and one side."""
    tried = seed(part)(machine(tmp_path))  # a machine that builds would else go through the same ones in each part
    run_state_machine_as_test(tried, settings=settings_of(SEQUENCES // len(PARTS)))

    print(part, sorted(tried.ways.items()))
    assert all(tried.ways[way] for way in EXPECTED)


@pytest.mark.control
def test_control_a_set_carried_out_one_by_one_is_seen(tmp_path: Path) -> None:
    """One swap for all is what a call that sees two sides, or half of what was asked for, would be missed without."""
    once = settings(settings_of(300, 12), phases=(Phase.generate,), derandomize=True, report_multiple_bugs=False)
    tried = machine(tmp_path, OneByOne)
    with pytest.raises((AssertionError, HotgraftError, Flaky)) as caught:
        run_state_machine_as_test(tried, settings=once)

    print(repr(caught.value)[:300])
