"""A unit on probation: what takes it back, what is not tried again, what joins it, and how it ends."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import (
    DrainRules,
    Fallback,
    HealthError,
    Host,
    LoadError,
    Outcome,
    PluginUnavailable,
    Quarantined,
    RetryRules,
    RollbackBlocked,
    _core,
)
from hotgraft.core.probation import Criterion
from hotgraft.core.verdict import Breach, Verdict
from hotgraft.core.verdict import Outcome as VerdictOutcome
from hotgraft.engine.journal_reading import history
from hotgraft.host.draining import back_deadline_s
from hotgraft.host.probation import Passed
from hotgraft.host.unit import on_probation_with
from sides_scene import DEADLINE_S, Sides, inside, make_host, top

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sample_plugins import Workshop

BREACH = Verdict(VerdictOutcome.BREACH, (Breach(Criterion.ERRORS, "errors 0 of 900 → 90 of 900", 0.0, 0.1),))


def on_probation(host: Host, build: Workshop, *, saves: bool = False) -> Sides:
    """Return both plugins, on probation as one."""
    sides = Sides(host, build, {"base": saves, "top": saves}).load()
    sides.replace_both()
    return sides


def unit_names(host: Host, name: str) -> list[str]:
    """Return what goes back with a plugin."""
    return [one.name for one in on_probation_with(host._loaded(name))]


# --- what takes it back ---


def test_a_breach_of_one_takes_all_back_and_only_its_image_is_not_tried_again(build: Workshop, tmp_path: Path) -> None:
    """The other's image is not at fault, and whoever is told of it, or reads the journal, finds that said."""
    told: dict[str, Any] = {}
    with make_host(journal=str(tmp_path / "journal")) as host:
        sides = on_probation(host, build)
        host.on("quarantine.added", lambda event: told.update({event.plugin: event.facts}))

        report = host._changes.take_back(host._loaded("top"), 2, BREACH)

        assert report.outcome is Outcome.ROLLED_BACK
        assert sides.seen == (1, 1, 1001)
        assert [len(host.quarantined(name)) for name in ("base", "top")] == [0, 1]
        assert {name: facts["not_at_fault"] for name, facts in told.items()} == {"top": ("base",)}
        with pytest.raises(Quarantined):
            host.reload("top", sides.image("top", 2))
        assert host.reload("base", sides.image("base", 2)).outcome is Outcome.PUBLISHED
    lines = {one.first.plugin: one for one in history(tmp_path / "journal") if one.first.asked_by == "probation"}
    assert lines["top"].first.reason == BREACH.reason
    assert lines["base"].first.reason.startswith("goes back with top, its own image is not at fault: errors 0")


def test_a_breach_of_what_serves_no_more_takes_nothing_back(build: Workshop) -> None:
    """The verdict was on a generation that was replaced in the meantime."""
    with make_host() as host:
        sides = on_probation(host, build)
        host.reload("top", sides.image("top", 3))
        assert host._changes.take_back(host._loaded("top"), 2, BREACH).generation == 3
        assert sides.seen == (2, 3, 3002)


@pytest.mark.parametrize("unfit", ["base", "top"])
def test_what_is_unfit_right_after_publish_takes_all_back(build: Workshop, unfit: str) -> None:
    """Fault I12 in a set: whichever of them it is, all serve again as before."""
    with make_host() as host:
        sides = Sides(host, build, {"base": True, "top": True}).load()
        sides.base.add(5)
        ended: list[str] = []
        host.on("swap.rolled_back", lambda event: ended.append(event.plugin))

        @host.health(unfit)
        def is_first_build(plugin: Any) -> bool:
            return bool(plugin.build() == 1)

        with pytest.raises(HealthError, match="is_first_build") as caught:
            sides.replace_both()

        assert caught.value.on == unfit
        assert sides.seen == (1, 1, 1001)
        assert sides.counts == (6, 1)
        assert sorted(ended) == ["base", "top"]
        assert {name: bool(host.quarantined(name)) for name in ("base", "top")} == {
            "base": unfit == "base",
            "top": unfit == "top",
        }
        assert host.unloads(DEADLINE_S).proven == 2


def test_one_that_is_replaced_again_and_is_unfit_takes_back_what_it_was_on_probation_with(
    build: Workshop, tmp_path: Path
) -> None:
    """Last good is what was committed: of both; and the one that was not in this swap is on record as well."""
    ended: list[str] = []
    with make_host(journal=str(tmp_path / "journal")) as host:
        sides = on_probation(host, build)
        host.on("swap.rolled_back", lambda event: ended.append(event.plugin))

        @host.health("top")
        def is_not_third_build(plugin: Any) -> bool:
            return bool(plugin.build() != 3)

        with pytest.raises(HealthError, match="generation 1 serves again"):
            host.reload("top", sides.image("top", 3))

        assert sides.seen == (1, 1, 1001)
        assert sorted(ended) == ["base", "top"]
        assert host._loaded("base").held is None
        assert host.unloads(DEADLINE_S).proven == 3  # base 2, top 2 and top 3
    outcomes = [one.end.outcome for one in history(tmp_path / "journal") if one.first.plugin == "base" and one.end]
    assert outcomes.count("rolled back") == 1


def test_a_breach_after_one_was_replaced_again_goes_back_to_the_last_good_of_both(build: Workshop) -> None:
    """The unit stays one, whoever of it is replaced."""
    with make_host() as host:
        sides = on_probation(host, build)
        sides.base.add(5)
        host.reload("top", sides.image("top", 3))
        assert unit_names(host, "base") == unit_names(host, "top") == ["base", "top"]

        host._changes.take_back(host._loaded("base"), 2, BREACH)

        assert sides.seen == (1, 1, 1001)
        assert sides.counts == (6, 1)


def test_units_that_overlap_go_back_as_one(build: Workshop) -> None:
    """{base, top}, then {top, over}: what top goes back to was proven with neither of the new ones."""
    with make_host() as host:
        sides = on_probation(host, build)
        other = {number: build(replace(top(number), interface="top")) for number in (1, 2)}
        over: Any = host.load(other[1], name="over")
        host.reload_set({"top": sides.image("top", 3), "over": other[2]})
        assert set(unit_names(host, "base")) == {"base", "top", "over"}

        report = host.rollback("over")

        assert report.set is not None
        assert report.set.members.keys() == {"base", "top", "over"}
        assert sides.seen == (1, 1, 1001)
        assert over.both() == 1001


def test_a_unit_that_cannot_be_taken_back_for_its_health_serves_on_as_it_is(build: Workshop, tmp_path: Path) -> None:
    """Both are on record as blocked, also the one that was no part of this swap; its block is in use by a call."""
    with make_host(swap_deadline_s=0.2, journal=str(tmp_path / "journal")) as host:
        sides = on_probation(host, build)

        @host.health("top")
        def is_not_third_build(plugin: Any) -> bool:
            return bool(plugin.build() != 3)

        with inside(sides.base) as out:
            with pytest.raises(RollbackBlocked) as caught:
                host.reload("top", sides.image("top", 3))
            assert caught.value.bad == ("top",)
            assert sides.seen == (2, 3, 3002)
            out()
        assert host.rollback("top").outcome is Outcome.ROLLED_BACK
        assert sides.seen == (1, 1, 1001)
    ended = [(one.first.plugin, one.end.outcome) for one in history(tmp_path / "journal") if one.end]
    assert ("base", "rollback blocked") in ended
    assert ("top", "rollback blocked") in ended


def test_a_rollback_takes_as_long_as_any_of_the_unit_may(build: Workshop) -> None:
    """A plugin that is named need not know how long the others' calls take."""
    with make_host(swap_deadline_s=0.1) as host:
        on_probation(host, build)
        host.set_drain("base", DrainRules(deadline_s=30.0))
        top = host._loaded("top")
        assert back_deadline_s(top, host.options, None) == 30.0
        assert back_deadline_s(top, host.options, 2.0) == 2.0
        host.commit("top")
        assert back_deadline_s(top, host.options, None) == 0.1


# --- what ends it ---


def test_a_commit_of_one_commits_all_of_them(build: Workshop, tmp_path: Path) -> None:
    """They are the last good together; going back after that is a new swap of the plugin that is named."""
    passed: list[tuple[str, int]] = []
    with make_host(journal=str(tmp_path / "journal")) as host:
        sides = on_probation(host, build)
        host.on("probation.passed", lambda event: passed.append((event.plugin, event.facts["generation"])))

        assert host.commit("top").is_on_probation is False

        assert sorted(passed) == [("base", 2), ("top", 2)]
        assert host._loaded("base").held is None
        assert host.unloads(DEADLINE_S).proven == 2
        report = host.rollback("top")
        assert (report.outcome, report.set) == (Outcome.PUBLISHED, None)
        assert sides.seen == (2, 1, 1002)
        host.rollback("top")
        assert sides.seen == (2, 2, 2002)


def test_a_commit_of_what_has_passed_waits_where_another_of_the_unit_was_replaced(build: Workshop) -> None:
    """Between the verdict and its turn a member was replaced again: that one has not passed."""
    with make_host() as host:
        sides = on_probation(host, build)
        passed = {"base": Passed(2), "top": Passed(2)}
        host.reload("top", sides.image("top", 3))

        host._changes.commit(host._loaded("base"), 2, passed)

        assert unit_names(host, "base") == ["base", "top"]
        host._changes.commit(host._loaded("base"), 2, {**passed, "top": Passed(3)})
        assert unit_names(host, "base") == []


def test_a_host_that_closes_on_probation_lets_go_of_all(build: Workshop) -> None:
    """The next one begins with what was good."""
    with make_host() as host:
        on_probation(host, build)
    assert host.unloads(DEADLINE_S).waiting == ()


@pytest.mark.parametrize("other", ["commit", "take back", "close", "swap"])
@pytest.mark.parametrize("first", [0, 1], ids=["begun after", "begun before"])
def test_a_rollback_and_what_ends_the_unit_at_the_same_moment_leave_one_side(
    build: Workshop, other: str, first: int
) -> None:
    """Hazard C9: they need the same turns, so one of them comes first, for all of the unit."""
    with make_host() as host:
        sides = on_probation(host, build, saves=True)
        base_loaded, top_loaded, third = host._loaded("base"), host._loaded("top"), sides.image("top", 3)
        works: dict[str, Callable[[], object]] = {
            "commit": lambda: host.commit("base"),
            "take back": lambda: host._changes.take_back(base_loaded, 2, BREACH),
            "close": host.close,
            "swap": lambda: host.reload("top", third),
        }
        both = [works[other], lambda: host._changes.take_back(top_loaded, 2, BREACH)]
        threads = [threading.Thread(target=one) for one in (both if first else reversed(both))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(DEADLINE_S)

        if other != "swap":
            assert base_loaded.held is None
            assert top_loaded.held is None
        if other != "close":
            assert (
                sides.seen
                in {
                    "commit": {(1, 1, 1001), (2, 2, 2002)},
                    "take back": {(1, 1, 1001)},
                    "swap": {(1, 3, 3001), (2, 3, 3002)},
                }[other]
            )
        assert host.unloads(DEADLINE_S).waiting == ()


# --- what cannot go back ---


def test_only_the_fallback_of_what_is_bad_answers_where_the_unit_cannot_go_back(build: Workshop) -> None:
    """Fault B01 in a unit: new calls do not reach what was found to be bad; the rest serves on."""
    with make_host(swap_deadline_s=0.5) as host:
        sides = Sides(host, build, {"base": False, "top": False})
        sides.base = host.load(sides.image("base", 1), fallback=Fallback())
        sides.top = host.load(sides.image("top", 1), fallback=Fallback())
        sides.replace_both()
        with inside(sides.base) as out:
            with pytest.raises(RollbackBlocked) as caught:
                host._changes.take_back(host._loaded("top"), 2, BREACH)
            assert caught.value.bad == ("top",)
            with pytest.raises(PluginUnavailable, match="errors 0 of 900"):
                sides.top.both()
            assert sides.base.build() == 2
            out()


def test_the_retry_of_a_fallback_takes_the_whole_unit_back_once_it_can(build: Workshop) -> None:
    """Its last call has left: what blocked the rollback is over."""
    back, retry = threading.Semaphore(0), RetryRules(after_s=0.05, at_most_s=0.05)
    with make_host(swap_deadline_s=0.2) as host:
        sides = Sides(host, build, {"base": False, "top": False})
        sides.base = host.load(sides.image("base", 1))
        sides.top = host.load(sides.image("top", 1), fallback=Fallback(retry=retry))
        sides.replace_both()
        host.on("swap.rolled_back", lambda _: back.release())
        with inside(sides.base) as out:
            with pytest.raises(RollbackBlocked):
                host._changes.take_back(host._loaded("top"), 2, BREACH)
            out()
        assert back.acquire(timeout=DEADLINE_S)
        assert back.acquire(timeout=DEADLINE_S)
        assert sides.seen == (1, 1, 1001)


def test_a_member_whose_state_does_not_come_back_is_out_of_service_and_the_others_serve_on(
    build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its outcome says so, and what runs now is said of each."""
    with make_host() as host:
        on_probation(host, build)
        try:
            _core._seams.set_step_hook(lambda name: "fail" if name in ("take", "give back") else "run")
            with pytest.raises(RollbackBlocked, match="out of service") as caught:
                host.rollback("top")
        finally:
            _core._seams.set_step_hook(None)
        assert caught.value.running
        report = caught.value.report  # type: ignore[attr-defined] # of a swap's errors
        assert any(one.out_of_service for one in report.set.members.values())


# --- who comes in between (fault B02) ---


def test_a_consumer_loaded_while_its_provider_is_on_probation_finds_what_it_needs_afterwards(build: Workshop) -> None:
    """It is no part of the unit: it is planned against the lower of both versions."""
    with make_host() as host:
        sides = Sides(host, build, {"base": False, "top": False}).load()
        host.reload_set({"base": sides.image("base", 2, more=True), "top": sides.image("top", 2, more=True)})
        assert sides.seen == (2, 2, 2002)

        with pytest.raises(LoadError, match=r"offers base 1\.1 on probation, and less if it is rolled back"):
            host.load(sides.image("top", 3, more=True), name="late")

        late: Any = host.load(sides.image("top", 1), name="late")
        assert late.both() == 1002
        host.rollback("base")
        assert late.both() == 1001
        assert sides.seen == (1, 1, 1001)


def test_one_of_the_unit_may_be_replaced_by_what_needs_its_new_provider(build: Workshop) -> None:
    """A mended build of the consumer is let in before commit: they go back together, so it never meets the old one."""
    with make_host() as host:
        sides = Sides(host, build, {"base": False, "top": False}).load()
        host.reload_set({"base": sides.image("base", 2, more=True), "top": sides.image("top", 2, more=True)})
        assert host.reload("top", sides.image("top", 3, more=True)).outcome is Outcome.PUBLISHED
        assert sides.seen == (2, 3, 3002)
        host.rollback("top")
        assert sides.seen == (1, 1, 1001)
