"""Replaced generations: each is open or counted, whenever it leaves memory."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hotgraft.host.replaced import Replaced


class Leaving:
    """A generation that leaves memory after its stage was looked at so many times."""

    def __init__(self, looks: int) -> None:
        self._looks = looks

    @property
    def stage(self) -> str:
        self._looks -= 1
        return "retired" if self._looks >= 0 else "unloaded"


@pytest.mark.parametrize("looks", [0, 1, 2, 3])
def test_a_generation_that_leaves_between_two_looks_is_counted_once(looks: int) -> None:
    """It leaves on the unloading thread: between any two reads of its stage."""
    replaced = Replaced()
    replaced.add(cast("Any", Leaving(looks)))

    for _ in range(4):
        proven, kept = replaced.count()
        assert proven + len(kept) == 1

    assert proven == 1
