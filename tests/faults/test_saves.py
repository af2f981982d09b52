"""Saves that fail: the swap is called off, and what serves has all that it had."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hotgraft import Host, Outcome, PluginError, _core
from sample_plugins import PLAIN

if TYPE_CHECKING:
    from sample_plugins import Workshop

NESTS = replace(PLAIN, source="nests_state", saves=True)
NEXT = replace(NESTS, version="1.0.1")


@pytest.mark.parametrize("probe", ["start", "off"])
@pytest.mark.parametrize(
    ("flag", "says"),
    [
        ("FAILS", "the tallies are locked"),
        ("GIVES_UP", "the tallies are too many"),
        ("TWICE", 'key "tallies" / "blob": this key was put before'),
    ],
)
def test_a_save_that_fails_costs_no_state(build: Workshop, probe: str, flag: str, says: str) -> None:
    """Fault M01: also one that swallows the refusal and says that all is well."""
    with Host(probe=probe) as host:
        plain = host.load(build(replace(NESTS, flags=(f"-D{flag}",))))
        plain.add(1, 2)
        with pytest.raises(PluginError) as caught:
            host.reload("plain", build(NEXT))
        assert says in str(caught.value)
        assert caught.value.running == "generation 1 still serves"
        assert (plain.generation, plain.calls(), plain.add(2, 3)) == (1, 1, 5)
        assert plain.calls() == 2


@pytest.mark.control
@pytest.mark.parametrize("flag", ["TWICE", "FAILS"])
def test_without_the_step_that_saves_the_state_is_lost(build: Workshop, flag: str) -> None:
    """Fault M01: what fails there is what would have carried the count."""
    with Host(probe="off") as host:
        plain = host.load(build(replace(NESTS, flags=(f"-D{flag}",))))
        plain.add(1, 2)
        _core._seams.set_step_hook(lambda step: "skip" if step in ("save", "restore") else None)
        try:
            report = host.reload("plain", build(NEXT))
        finally:
            _core._seams.set_step_hook(None)
        assert report.outcome is Outcome.PUBLISHED
        assert plain.calls() == 0
