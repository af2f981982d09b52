"""Going back: before commit, when the held generation serves again, and after it; and how that can fail."""

from __future__ import annotations

import contextlib
import ctypes
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import Busy, Fallback, Host, LoadError, Outcome, PluginUnavailable, RetryRules, RollbackBlocked, _core
from hotgraft.core.probation import Criterion
from hotgraft.core.verdict import Breach, Verdict
from hotgraft.core.verdict import Outcome as VerdictOutcome
from hotgraft.engine.swap import carry_out
from hotgraft.host import rollback
from sample_plugins import CALLER_PLUGIN, HANDS_OVER, SAVES, STATELESS, Sample, Workshop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FOR_EVER_S = 86_400.0
DEADLINE_S = 60.0


@pytest.fixture
def host() -> Iterator[Host]:
    """A host whose new generations are on probation until a test says otherwise."""
    with make_host() as host:
        yield host


def make_host(**options: Any) -> Host:
    """Return one."""
    return Host(probe="off", probation="on", probation_s=FOR_EVER_S, probation_max_s=FOR_EVER_S, **options)


@pytest.fixture
def seam() -> Iterator[Any]:
    """The step hook of the core, taken out again afterwards."""
    yield _core._seams.set_step_hook
    _core._seams.set_step_hook(None)


@contextlib.contextmanager
def inside(counter: Any) -> Iterator[Callable[[], None]]:
    """Keep one thread inside the counter, until what is given is called."""
    entered, out = threading.Event(), threading.Event()

    @ctypes.CFUNCTYPE(ctypes.c_int64)  # type: ignore[untyped-decorator] # ctypes says no types
    def stay() -> int:
        entered.set()
        out.wait(DEADLINE_S)
        return 0

    thread = threading.Thread(target=counter.run, args=(ctypes.cast(stay, ctypes.c_void_p).value,))
    thread.start()
    assert entered.wait(DEADLINE_S)

    def leave() -> None:
        out.set()
        thread.join(DEADLINE_S)

    try:
        yield leave
    finally:
        leave()


@pytest.mark.parametrize("sample", [STATELESS, HANDS_OVER, SAVES], ids=str)
def test_a_rollback_before_commit_takes_along_what_was_gained_since(
    host: Host, build: Workshop, sample: Sample
) -> None:
    """Promise 4, fault M10: state survives backwards; and the very generation serves again that served before."""
    counter = host.load(build(sample))
    counter.add(5)
    published = host.reload("counter", build(replace(sample, build=2)))
    assert published.is_on_probation
    counter.add(2)

    report = host.rollback("counter", reason="a ticket")

    assert (report.outcome, report.generation, report.is_lossy) == (Outcome.ROLLED_BACK, 1, False)
    assert (counter.generation, counter.build()) == (1, 1)
    if sample is not STATELESS:
        assert counter.add(1) == 8
    assert host.unloads(DEADLINE_S).proven == 1
    assert host.reload("counter", build(replace(sample, build=3))).outcome is Outcome.PUBLISHED
    assert counter.build() == 3


def test_a_rollback_is_noted_also_where_its_report_finds_no_memory(
    host: Host, build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault R04: what serves is what the host knows of; else the next swap would begin with what is unloaded."""

    def without_report(*arguments: Any, **named: Any) -> None:
        carry_out(*arguments, **named)
        raise MemoryError

    counter: Any = host.load(build(HANDS_OVER))
    counter.add(5)
    host.reload("counter", build(replace(HANDS_OVER, build=2)))
    monkeypatch.setattr(rollback, "carry_out", without_report)
    assert host.rollback("counter").outcome is Outcome.ROLLED_BACK
    monkeypatch.undo()
    assert (counter.generation, counter.build(), counter.add(1)) == (1, 1, 6)
    host.reload("counter", build(replace(HANDS_OVER, build=3)))
    assert (counter.build(), counter.add(1)) == (3, 7)


def test_a_rollback_after_commit_is_a_swap_to_the_image_before(build: Workshop) -> None:
    """By hand, after commit: a new generation of the image before, with the state; and once more, the other way."""
    with Host(probe="off") as host:
        counter = host.load(build(HANDS_OVER))
        counter.add(5)
        host.reload("counter", build(replace(HANDS_OVER, build=2)))
        host.unloads(DEADLINE_S)

        first = host.rollback("counter")
        assert (first.outcome, first.generation, counter.build(), counter.add(1)) == (Outcome.PUBLISHED, 3, 1, 6)

        second = host.rollback("counter")
        assert (second.generation, counter.build(), counter.add(1)) == (4, 2, 7)


def test_a_rollback_after_commit_keeps_where_the_plugin_comes_from(build: Workshop, tmp_path: Any) -> None:
    """A rollback is not a new home: a reload without an image reads the author's file as before."""
    with Host(probe="off", staging_folder=str(tmp_path)) as host:
        counter = host.load(build(STATELESS))
        host.reload("counter", build(replace(STATELESS, build=2)))
        host.rollback("counter")
        host.reload("counter")
        assert counter.build() == 2
    assert list(tmp_path.glob("*.previous")) == []


def test_nothing_to_go_back_to_is_said(host: Host, build: Workshop) -> None:
    """The first generation has none before it."""
    host.load(build(STATELESS))

    with pytest.raises(RollbackBlocked, match=r"serves what it was loaded with.*generation 1 still serves"):
        host.rollback("counter")


def test_a_commit_ends_the_probation_and_lets_the_held_generation_go(host: Host, build: Workshop) -> None:
    """Commit retires what was held; a rollback after it is another swap."""
    counter = host.load(build(HANDS_OVER))
    host.reload("counter", build(replace(HANDS_OVER, build=2)))
    assert host.unloads().proven == 0

    assert host.commit("counter").is_on_probation is False
    assert host.unloads(DEADLINE_S).proven == 1
    assert host.commit("counter").generation == 2  # twice is once

    assert host.rollback("counter").generation == 3
    assert counter.build() == 1


def test_what_is_replaced_on_probation_is_not_what_a_rollback_goes_back_to(host: Host, build: Workshop) -> None:
    """Last good is the newest committed one, whatever was tried since; state comes from what served last."""
    counter = host.load(build(SAVES))
    counter.add(1)
    host.reload("counter", build(replace(SAVES, build=2)))
    counter.add(1)
    host.reload("counter", build(replace(SAVES, build=3)))
    counter.add(1)
    assert host.unloads(DEADLINE_S).proven == 1  # the second

    assert host.rollback("counter").generation == 1
    assert (counter.build(), counter.add(1)) == (1, 4)


@pytest.mark.parametrize("sample", [HANDS_OVER, SAVES], ids=str)
def test_an_instance_keeps_its_own_config_and_state_in_a_rollback(host: Host, build: Workshop, sample: Sample) -> None:
    """All instances go back as one, each with its own."""
    left = host.load(build(sample), instance="left")
    right = host.load("counter", instance="right")
    left.add(1)
    right.add(10)
    host.reload("counter", build(replace(sample, build=2)))
    left.add(1)
    right.add(10)

    host.rollback("counter")

    assert (left.build(), left.add(1), right.add(10)) == (1, 3, 30)


def test_who_is_told_of_the_end_of_a_probation_may_change_the_plugin(host: Host, build: Workshop) -> None:
    """Told in the plugin's own turn, a handler's change would wait for itself until its deadline."""
    counter = host.load(build(STATELESS))
    images = [build(replace(STATELESS, build=number)) for number in (2, 3, 4)]
    verdict = Verdict(VerdictOutcome.BREACH, (Breach(Criterion.ERRORS, "errors", 0.0, 0.1),))
    host.on("probation.passed", lambda _: host.reload("counter", images[1]))
    host.on("quarantine.added", lambda _: host.reload("counter", images[2]))
    host.reload("counter", images[0])

    host.commit("counter")
    assert counter.build() == 3

    host._changes.take_back(host._loaded("counter"), 3, verdict)
    assert counter.build() == 4


# --- what does not come to rest, or does not fit (faults B01, B03) ---


def test_what_never_returns_is_left_with_its_calls_and_the_kept_state_serves(build: Workshop) -> None:
    """Fault B01: saving was a copy, so the held generation still has its own; what was gained since is counted."""
    with make_host(swap_deadline_s=1.0) as host:
        counter = host.load(build(SAVES))
        counter.add(5)
        host.reload("counter", build(replace(SAVES, build=2)))
        counter.add(2)
        with inside(counter) as out:
            report = host.rollback("counter")
            assert (report.outcome, report.is_lossy, report.lost_calls) == (Outcome.ROLLED_BACK, True, 2)
            assert (counter.build(), counter.add(1)) == (1, 6)
            assert "lossy" in str(report)
            assert host.unloads().waiting != ()
            out()
        assert host.unloads(DEADLINE_S).proven == 1


def test_handed_over_state_that_is_in_use_blocks_the_rollback(build: Workshop) -> None:
    """Fault B01: there is one block, and a call that does not return is in it; it is never shared by two versions."""
    with make_host(swap_deadline_s=1.0) as host:
        counter = host.load(build(HANDS_OVER))
        host.reload("counter", build(replace(HANDS_OVER, build=2)))
        with inside(counter) as out:
            with pytest.raises(RollbackBlocked, match="generation 2 still serves") as caught:
                host.rollback("counter", reason="too slow")
            assert any("still inside" in one for one in caught.value.found)
            assert any("is in use" in one for one in caught.value.found)
            assert caught.value.why == "too slow"
            assert caught.value.report.outcome is Outcome.BLOCKED  # type: ignore[attr-defined] # of a swap's errors
            assert (counter.build(), counter.add(1)) == (2, 1)
            out()
        assert host.rollback("counter").generation == 1
        assert counter.add(1) == 2


def test_what_blocks_a_rollback_that_nobody_asked_for_has_the_fallback_answer(build: Workshop) -> None:
    """Fault B01: new calls do not reach what was found to be bad; the retry goes back once its last call has left."""
    rolled_back = threading.Event()
    retry = RetryRules(after_s=0.05, at_most_s=0.05)
    with make_host(swap_deadline_s=1.0) as host:
        host.on("swap.rolled_back", lambda event: rolled_back.set())
        counter = host.load(build(HANDS_OVER), fallback=Fallback(retry=retry))
        host.reload("counter", build(replace(HANDS_OVER, build=2)))
        counter.add(5)
        verdict = Verdict(VerdictOutcome.BREACH, (Breach(Criterion.ERRORS, "errors 0 of 900 → 90 of 900", 0.0, 0.1),))
        with inside(counter) as out:
            with pytest.raises(RollbackBlocked):
                host._changes.take_back(host._loaded("counter"), 2, verdict)
            with pytest.raises(PluginUnavailable, match="errors 0 of 900"):
                counter.add(1)
            out()
        assert rolled_back.wait(DEADLINE_S)
        assert (counter.build(), counter.add(1)) == (1, 6)


def test_a_stateless_plugin_is_rolled_back_beside_calls_that_do_not_return(host: Host, build: Workshop) -> None:
    """Nothing crosses, so nobody has to be waited for."""
    counter = host.load(build(STATELESS))
    host.reload("counter", build(replace(STATELESS, build=2)))
    with inside(counter) as out:
        report = host.rollback("counter")
        assert (report.outcome, report.is_lossy, counter.build()) == (Outcome.ROLLED_BACK, False, 1)
        out()
    assert host.unloads(DEADLINE_S).proven == 1


def test_state_that_the_held_generation_refuses_falls_back_to_what_it_kept(host: Host, build: Workshop) -> None:
    """Fault B03: the way down fails, and the report says what was lost and why."""
    counter = host.load(build(SAVES), config={"fail": "restore"})
    counter.add(5)
    host.reload("counter", build(replace(SAVES, build=2)), config={})
    counter.add(2)

    report = host.rollback("counter")

    assert (report.is_lossy, report.lost_calls) == (True, 1)
    assert counter.add(1) == 6


def test_a_host_that_loses_no_state_refuses_the_rollback(build: Workshop) -> None:
    """By policy: what serves, serves on with everything."""
    with make_host(rollback="refuse") as host:
        counter = host.load(build(SAVES), config={"fail": "restore"})
        counter.add(5)
        host.reload("counter", build(replace(SAVES, build=2)), config={})
        counter.add(2)

        with pytest.raises(RollbackBlocked, match="would be lost"):
            host.rollback("counter")

        assert (counter.build(), counter.add(1)) == (2, 8)


@pytest.mark.parametrize(
    ("sample", "step"),
    [
        *((HANDS_OVER, one) for one in ("close gates", "drain", "quiesce", "surrender", "take", "start", "publish")),
        *((STATELESS, one) for one in ("start", "publish")),
    ],
    ids=str,
)
def test_a_rollback_that_fails_leaves_what_serves_and_can_be_tried_again(
    host: Host, build: Workshop, seam: Any, sample: Sample, step: str
) -> None:
    """Until it publishes, a rollback is undone like any swap."""
    counter = host.load(build(sample))
    host.reload("counter", build(replace(sample, build=2)))
    counter.add(5)
    seam(lambda name: "fail" if name == step else "run")

    with pytest.raises(RollbackBlocked, match="generation 2 still serves"):
        host.rollback("counter")

    seam(None)
    assert (counter.generation, counter.build()) == (2, 2)
    assert host.rollback("counter").generation == 1
    if sample is HANDS_OVER:
        assert counter.add(1) == 6


# --- consumers that come in between (fault B02) ---


def test_a_consumer_bound_during_probation_finds_what_it_needs_after_a_rollback(host: Host, build: Workshop) -> None:
    """Fault B02: it is planned against the lower of both versions, so it never calls past a table's end."""
    host.load(build(STATELESS))
    host.reload("counter", build(replace(STATELESS, build=2, more=True, interface_version=(1, 1))))
    needs_more = replace(CALLER_PLUGIN, requires=(("counter", "^1.1"),))

    with pytest.raises(LoadError, match=r"offers counter 1\.1 on probation, and less if it is rolled back"):
        host.load(build(needs_more))

    caller = host.load(build(CALLER_PLUGIN))
    host.rollback("counter")
    assert caller.add_there(2) == 2


def test_functions_that_only_the_new_version_had_are_gone_after_a_rollback(host: Host, build: Workshop) -> None:
    """A handle follows what serves, backwards too."""
    counter = host.load(build(SAVES))
    host.reload("counter", build(replace(SAVES, build=2, more=True, interface_version=(1, 1))))
    counter.add(2)
    assert counter.twice() == 4

    host.rollback("counter")

    assert not hasattr(counter, "twice")
    assert counter.add(1) == 3


def test_an_instance_is_not_added_on_probation(host: Host, build: Workshop) -> None:
    """A rollback would leave it without a generation."""
    host.load(build(HANDS_OVER))
    host.reload("counter", build(replace(HANDS_OVER, build=2)))

    with pytest.raises(Busy, match=r"on probation.*\n?.*commit"):
        host.load("counter", instance="left")

    host.commit("counter")
    assert host.load("counter", instance="left").add(1) == 1


def test_pins_on_what_is_rolled_back_are_waited_for_and_new_ones_hold_what_serves(build: Workshop) -> None:
    """A pinned call passes the gate, so state is not touched while one may come."""
    with make_host(swap_deadline_s=1.0) as host:
        counter = host.load(build(HANDS_OVER))
        host.reload("counter", build(replace(HANDS_OVER, build=2)))
        with counter.pin(who="session 7"), pytest.raises(RollbackBlocked, match="session 7"):
            host.rollback("counter")
        host.rollback("counter")
        with counter.pin() as pinned:
            assert (pinned.build(), pinned.generation) == (1, 1)
