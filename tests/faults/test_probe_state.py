"""The probe is given a copy of the live state: what is found on it, and when there is none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import Host, HotgraftError, Outcome, PluginError, StateError, SwapTimeout
from probe_scene import refuse
from sample_plugins import HANDS_OVER, PLAIN, SAVES, Sample

if TYPE_CHECKING:
    from pathlib import Path

    from sample_plugins import Workshop


def test_state_that_take_or_start_writes_to_is_found_on_the_copy(probing: Host, build: Workshop, staged: Path) -> None:
    """Fault M11: in the swap itself it would be too late, for the old generation's state is the same block."""
    sample = replace(PLAIN, source="writes_state", hands_over=True)
    plain = probing.load(build(sample))
    assert plain.add(1, 2) == 3
    for flag, stage in (("-DWRITES_IN_TAKE", "take"), ("-DWRITES_IN_START", "start")):
        error = refuse(probing, build(replace(sample, flags=(flag,))), staged)

        assert error.found == (
            f"in the probe, {stage} of main wrote to the state that was handed over, at byte 0 of 16",
        )


def test_who_says_that_it_writes_gets_a_block_of_which_a_copy_is_kept(build: Workshop) -> None:
    """handover = "copy": what take and start wrote is not there any more once the swap is called off."""
    sample = replace(PLAIN, source="writes_state", hands_over=True)
    with Host(probe="off") as host:
        plain: Any = host.load(build(sample))
        plain.add(1, 2)
        generation = host._plugins["plain"].serving.generation
        before = generation.live_bytes
        with pytest.raises(PluginError):
            host.reload("plain", build(replace(sample, flags=("-DWRITES_IN_START",), copies=True)))
        assert (plain.generation, plain.calls(), generation.live_bytes) == (1, 1, before)


def test_a_block_of_which_no_copy_was_made_goes_back_itself(unprobed: Host, build: Workshop) -> None:
    """There is room for the copy from before the gates close; what lies in it until then is no state."""
    sample = replace(HANDS_OVER, copies=True)
    counter: Any = unprobed.load(build(sample), instance="left")
    counter.add(41)
    unprobed.reload("counter", build(replace(sample, build=2)))
    unprobed.load("counter", instance="right", config={"fail": "surrender"})
    with pytest.raises(PluginError, match="told to fail in surrender"):
        unprobed.reload("counter", build(replace(sample, build=3)))
    assert (counter.add(1), counter.build()) == (42, 2)


def test_the_probe_lets_in_who_says_that_it_writes(probing: Host, build: Workshop) -> None:
    """What it wrote is there when it serves."""
    sample = replace(PLAIN, source="writes_state", hands_over=True)
    plain: Any = probing.load(build(sample))
    plain.add(1, 2)
    probing.reload("plain", build(replace(sample, flags=("-DWRITES_IN_TAKE",), copies=True, version="1.0.1")))
    assert plain.generation == 2
    assert plain.calls() == 0


@pytest.mark.control
def test_without_a_probe_a_start_that_fails_has_spoiled_the_state(build: Workshop) -> None:
    """Fault M11: the swap is called off, and what serves on has lost its count."""
    sample = replace(PLAIN, source="writes_state", hands_over=True)
    with Host(probe="off") as host:
        plain = host.load(build(sample))
        plain.add(1, 2)
        with pytest.raises(PluginError):
            host.reload("plain", build(replace(sample, flags=("-DWRITES_IN_START",))))
        assert plain.generation == 1
        assert plain.calls() == -1


def test_state_that_points_into_the_old_library_is_refused(probing: Host, build: Workshop, staged: Path) -> None:
    """Fault M09: after the swap the pointer would lead to code that is gone."""
    sample = replace(PLAIN, source="writes_state", hands_over=True, flags=("-DPOINTS_TO_ITSELF",))
    probing.load(build(sample))

    error = refuse(probing, build(replace(sample, version="1.0.1")), staged, error=StateError)

    assert "points into the library that made it: plain.g1." in error.found[0]
    assert error.found[0].endswith("at byte 8")


def test_state_that_points_elsewhere_is_not_followed_in_the_probe(probing: Host, build: Workshop) -> None:
    """What is another address in another process would be a crash that the candidate is not to blame for."""
    sample = replace(PLAIN, source="writes_state", hands_over=True, flags=("-DPOINTS_ELSEWHERE",))
    probing.load(build(sample))

    report = probing.reload("plain", build(replace(sample, version="1.0.1")))

    assert report.probe is not None
    assert report.probe.not_probed == (
        "with its state: the block of main points to other memory of this process, at byte 8"
    )
    assert "take main" not in dict(report.probe.stages)


def test_the_probe_restores_what_is_nested(probing: Host, build: Workshop) -> None:
    """As the bytes that they were saved in: the candidate counts what is in the inner map, and looks at the blob."""
    nests = replace(PLAIN, source="nests_state", saves=True)
    plain = probing.load(build(nests))
    for _ in range(3):
        plain.add(1, 2)

    report = probing.reload("plain", build(replace(nests, version="1.0.1")))

    assert report.probe is not None
    assert "restore main" in dict(report.probe.stages)
    assert plain.calls() == 3


@pytest.mark.parametrize(("sample", "stage"), [(HANDS_OVER, "take main"), (SAVES, "restore main")])
def test_the_probe_begins_with_a_copy_of_the_live_state(
    probing: Host, build: Workshop, sample: Sample, stage: str
) -> None:
    """What only the real state shows is shown before the swap; the pause is told apart from the swap's own."""
    counter = probing.load(build(sample))
    counter.add(41)

    report = probing.reload("counter", build(replace(sample, build=2)))

    assert report.probe is not None
    assert stage in dict(report.probe.stages)
    assert report.probe.pause_us > 0
    assert counter.add(1) == 42


def test_state_above_the_limit_is_not_copied(build: Workshop) -> None:
    """A pause for a copy of gigabytes would be worse than what it finds."""
    with Host(probe_state_bytes=4) as host:
        host.load(build(HANDS_OVER))
        report = host.reload("counter")
        assert report.probe is not None
        assert report.probe.not_probed == "with its state: it has 8 bytes, more than the 4 of probe_state_bytes"
        assert "take main" not in dict(report.probe.stages)


def test_a_pinned_plugin_is_probed_without_its_state(probing: Host, build: Workshop) -> None:
    """A pin's calls have a way in of their own, so there is no moment to copy in."""
    counter = probing.load(build(HANDS_OVER))
    with counter.pin(who="session 7"), pytest.raises(HotgraftError) as caught:
        probing.reload("counter", build(replace(HANDS_OVER, build=2)), deadline_s=0.05)

    report = caught.value.report  # type: ignore[attr-defined] # a swap's errors carry one
    assert report.outcome is Outcome.CALLED_OFF
    assert report.probe.not_probed.startswith("with its state: pinned: session 7")


def test_a_plugin_that_does_not_come_to_rest_makes_the_probe_begin_fresh(build: Workshop) -> None:
    """Callers wait a tenth of a second for a copy, not until the swap's deadline; the swap is what calls it off."""
    with Host(swap_deadline_s=600.0) as host:
        counter = host.load(build(HANDS_OVER), config={"again": "quiesce"})
        with pytest.raises(SwapTimeout) as caught:
            host.reload("counter", deadline_s=0.1)  # the copy alone would keep it for ten minutes
        counter.add(100)  # at a hundred it comes to rest

    report = caught.value.report  # type: ignore[attr-defined] # a swap's errors carry one
    assert report.outcome is Outcome.CALLED_OFF
    assert report.probe.not_probed == 'with its state: quiesce still answered "again" at the deadline'
