"""Rollback by policy: the state gained since comes along, or else that of before the swap, or nothing happens."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import Host, HotgraftError, Outcome, RollbackBlocked
from sample_plugins import CONVERTS, HANDS_OVER, SAVES, Sample, Workshop
from test_rollback import DEADLINE_S, inside, make_host, seam

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["seam"]  # a fixture


def replaced(host: Host, build: Workshop, sample: Sample = HANDS_OVER, **more: Any) -> Any:
    """Let a counter come to 5, and a new build of it serve, which counts 2 further."""
    counter = host.load(build(sample), **more)
    counter.add(5)
    host.reload("counter", build(replace(sample, build=2)), config={})
    counter.add(2)
    return counter


@pytest.mark.parametrize("policy", ["keep", "snapshot", "refuse"])
@pytest.mark.parametrize("sample", [HANDS_OVER, CONVERTS, SAVES], ids=["hand over", "convert", "save"])
def test_what_can_come_along_does_whatever_the_policy(build: Workshop, sample: Sample, policy: str) -> None:
    """A policy is for what cannot."""
    with make_host(rollback=policy) as host:
        counter = replaced(host, build, sample)
        report = host.rollback("counter")
        assert (report.outcome, report.is_lossy, report.lost_calls) == (Outcome.ROLLED_BACK, False, 0)
        assert (counter.build(), counter.add(0)) == (1, 7)


def test_what_never_returns_keeps_its_block_and_the_snapshot_serves(build: Workshop) -> None:
    """Faults B01, M10: one state or the other, each in a block of its own, and what was lost is counted."""
    with make_host(rollback="snapshot", swap_deadline_s=0.3) as host:
        counter = replaced(host, build)
        with inside(counter) as out:
            report = host.rollback("counter")
            assert (report.outcome, report.is_lossy, report.lost_calls) == (Outcome.ROLLED_BACK, True, 2)
            assert (counter.build(), counter.add(1)) == (1, 6)
            out()
        assert counter.add(1) == 7
        assert host.unloads(DEADLINE_S).proven == 1
        assert host.reload("counter", build(replace(HANDS_OVER, build=3))).outcome is Outcome.PUBLISHED
        assert counter.add(1) == 8


@pytest.mark.parametrize(
    ("policy", "found"),
    [("keep", "handed over, and is in use"), ("refuse", 'this host refuses that (rollback="refuse")')],
)
def test_the_other_policies_block_the_rollback(build: Workshop, policy: str, found: str) -> None:
    """Fault B01: there is one block, and it is in use; nothing is lost."""
    with make_host(rollback=policy, swap_deadline_s=0.3) as host:
        counter = replaced(host, build)
        with inside(counter) as out:
            with pytest.raises(RollbackBlocked) as caught:
                host.rollback("counter")
            assert any(found in one for one in caught.value.found)
            out()
        assert (counter.build(), counter.add(0)) == (2, 7)


@pytest.mark.parametrize("policy", ["keep", "snapshot"])
@pytest.mark.parametrize("sample", [CONVERTS, SAVES], ids=["convert", "save"])
def test_what_was_kept_is_newer_than_any_snapshot_and_goes_before_it(
    build: Workshop, sample: Sample, policy: str
) -> None:
    """Fault M10: what was converted or saved is still there as it was at the swap."""
    with make_host(rollback=policy, swap_deadline_s=0.3) as host:
        counter = replaced(host, build, sample)
        with inside(counter) as out:
            report = host.rollback("counter")
            assert (report.is_lossy, report.lost_calls) == (True, 2)
            assert (counter.build(), counter.add(0)) == (1, 5)
            out()


def test_calls_between_the_snapshot_and_the_swap_are_lost_and_counted(build: Workshop) -> None:
    """It is taken before the candidate is mapped, and calls keep flowing until the gates close."""
    with make_host(rollback="snapshot", swap_deadline_s=0.3) as host:
        counter = host.load(build(HANDS_OVER))
        counter.add(5)
        plain = host._snapshots.before_swap

        def call_in_between(*args: Any) -> Any:
            taken = plain(*args)
            counter.add(100)
            return taken

        host._snapshots.before_swap = call_in_between  # type: ignore[method-assign, assignment] # a seam
        host.reload("counter", build(replace(HANDS_OVER, build=2)))
        counter.add(2)
        with inside(counter) as out:
            report = host.rollback("counter")
            assert (report.is_lossy, report.lost_calls) == (True, 3)
            assert counter.add(0) == 5
            out()


def test_every_instance_goes_back_to_the_snapshot_or_none(build: Workshop, seam: Any) -> None:
    """Fault M10: never mixed. A rollback that fails half way can be tried again, and loses no memory."""
    with make_host(rollback="snapshot", swap_deadline_s=0.3) as host:
        counter = host.load(build(HANDS_OVER))
        left = host.load("counter", instance="left")
        counter.add(5)
        left.add(50)
        host.reload("counter", build(replace(HANDS_OVER, build=2)))
        counter.add(2)
        left.add(20)
        with inside(counter) as out:
            seam(lambda name: "fail" if name == "publish" else "run")
            for _ in range(2):
                with pytest.raises(RollbackBlocked, match="generation 2 still serves"):
                    host.rollback("counter")
                assert (counter.add(0), left.add(0)) == (7, 70)
            seam(None)
            assert host.rollback("counter").is_lossy
            assert (counter.add(0), left.add(0)) == (5, 50)
            out()
        assert host.unloads(DEADLINE_S).proven == 1


def test_a_swap_whose_snapshot_cannot_be_taken_is_refused(build: Workshop) -> None:
    """Who wants to be able to go back is not swapped without a way."""
    with make_host(rollback="snapshot") as host:
        counter = host.load(build(HANDS_OVER), config={"fail": "surrender"})
        counter.add(5)
        with pytest.raises(HotgraftError, match=r"told to fail in surrender.*generation 1 still serves"):
            host.reload("counter", build(replace(HANDS_OVER, build=2)))
        assert (counter.build(), counter.add(0)) == (1, 5)


def test_what_a_snapshot_took_is_given_up_with_the_commit(build: Workshop, tmp_path: Path) -> None:
    """A state is held twice as long as it may be gone back to, and no longer; on disk it stays."""
    with make_host(rollback="snapshot", snapshots=tmp_path / "kept", snapshot_before_swap=True) as host:
        counter = host.load(build(HANDS_OVER))
        host.reload("counter", build(replace(HANDS_OVER, build=2)))
        held = host._loaded("counter").held
        assert held is not None
        assert held.before is not None
        host.commit("counter")
        assert host._loaded("counter").held is None
        assert len(host.snapshots("counter")) == 1
        assert counter.build() == 2


@pytest.mark.control
def test_without_a_block_of_its_own_two_generations_would_share_one(build: Workshop) -> None:
    """Take the snapshot out, and a rollback beside a call that does not return has no state to go back to."""
    with make_host(rollback="snapshot", swap_deadline_s=0.3) as host:
        counter = replaced(host, build)
        loaded = host._loaded("counter")
        assert loaded.held is not None
        loaded.held = replace(loaded.held, before=None)
        with inside(counter) as out:
            with pytest.raises(RollbackBlocked, match="is in use"):
                host.rollback("counter")
            out()
