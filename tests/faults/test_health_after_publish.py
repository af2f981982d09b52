"""Faults I12 to I14 after publish: what says that it is not fit, says nothing, or says it later, is taken back."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest
from hotgraft import HealthError, Host, Outcome, Quarantined
from hotgraft.engine.journal_reading import history
from sample_plugins import PLAIN, SAVES, STATELESS, Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hotgraft import HostEvent

UNHEALTHY: Final = replace(PLAIN, source="unhealthy")
DEADLINE_S: Final = 60.0


@pytest.fixture
def host() -> Iterator[Host]:
    """A host whose probe does not look: a probe looks in full, and once."""
    with Host(probe="off", health_deadline_s=1.0) as host:
        yield host


def test_what_is_not_fit_right_after_publish_is_taken_back(host: Host, build: Workshop) -> None:
    """Fault I12: the old generation serves again, and the image is not tried a second time."""
    plain = host.load(build(PLAIN))

    with pytest.raises(HealthError, match='look 1 found a crack"; generation 1 serves again') as caught:
        host.reload("plain", build(UNHEALTHY), config={"fails_after": 0})

    report = caught.value.report  # type: ignore[attr-defined] # a swap's errors carry one
    assert (report.outcome, report.generation, report.candidate) == (Outcome.ROLLED_BACK, 1, 2)
    assert (plain.generation, plain.add(1, 2)) == (1, 3)
    assert host.unloads(DEADLINE_S).proven == 1
    with pytest.raises(Quarantined, match="found a crack"):
        host.reload("plain", build(UNHEALTHY), config={"fails_after": 0})
    assert host.allow("plain") is True
    assert host.reload("plain", build(UNHEALTHY), config={"fails_after": 9}).generation == 4


def test_what_says_nothing_right_after_publish_is_taken_back_and_stays_mapped(
    host: Host, build: Workshop, tmp_path: Path
) -> None:
    """Fault I13: its library leaves when the check has come back, and not before."""
    door = tmp_path / "door"
    plain = host.load(build(PLAIN))

    with pytest.raises(HealthError, match="has not come back"):
        host.reload("plain", build(UNHEALTHY), config={"hangs_from": 1, "until": str(door)})

    assert (plain.generation, plain.add(1, 2)) == (1, 3)
    until = time.monotonic() + DEADLINE_S
    while not any("health check" in one for one in host.unloads().waiting):  # the reaper looks when it has time to
        assert time.monotonic() < until
        threading.Event().wait(0.01)
    door.touch()
    assert host.unloads(DEADLINE_S).proven == 1


def test_a_check_of_the_program_takes_a_candidate_back_as_well(host: Host, build: Workshop) -> None:
    """Fault I15: results are wrong and the plugin calls itself healthy; who knows an answer finds out, and state gained
    meanwhile comes along.
    """
    counter = host.load(build(SAVES))
    counter.add(5)

    @host.health("counter")
    def is_first_build(plugin: Any) -> bool:
        plugin.add(1)
        return bool(plugin.build() == 1)

    with pytest.raises(HealthError, match="is_first_build"):
        host.reload("counter", build(replace(SAVES, build=2)))

    assert (counter.build(), counter.add(1)) == (1, 7)


def test_what_follows_something_that_was_not_fit_either_stays(host: Host, build: Workshop) -> None:
    """Going back to it would help nobody."""
    counter = host.load(build(STATELESS))
    host.health("counter")(lambda plugin: False)
    assert not host.check_health("counter").is_fit

    assert host.reload("counter", build(replace(STATELESS, build=2))).generation == 2
    assert counter.build() == 2


def test_what_is_fit_five_times_and_then_not_is_rolled_back_in_its_probation(build: Workshop, tmp_path: Path) -> None:
    """Fault I14: the checks go on for as long as the window lasts; two failures are more than one bad look."""
    ended: list[HostEvent] = []
    over = threading.Event()

    def note(event: HostEvent) -> None:
        ended.append(event)
        over.set()

    with Host(
        probe="off",
        probation="on",
        probation_s=60,
        health_every_s=0.02,
        journal=tmp_path,
        staging_folder=str(tmp_path / "s"),
    ) as host:
        plain = host.load(build(PLAIN))
        host.on("swap.rolled_back", note)
        host.reload("plain", build(UNHEALTHY), config={"fails_after": 5})
        assert over.wait(DEADLINE_S)
        assert (plain.generation, plain.add(1, 2)) == (1, 3)
        assert ended[0].facts["report"].outcome is Outcome.ROLLED_BACK
    (line,) = [one for one in history(tmp_path) if one.first.asked_by == "probation" and one.first.attempt]
    assert "health failed 0 of" in line.first.reason


@pytest.mark.control
def test_control_without_quick_health_what_is_not_fit_serves_on(
    host: Host, build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taken out: the look after publish. The unfit generation serves."""
    monkeypatch.setattr(host, "_around", replace(host._around, check_health=lambda loaded: ()))
    monkeypatch.setattr(host, "_changes", replace(host._changes, around=host._around))
    host.load(build(PLAIN))
    host.reload("plain", build(UNHEALTHY), config={"fails_after": 0})
    assert host["plain"].generation == 2
    assert not host.check_health("plain").is_fit
