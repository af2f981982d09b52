"""A unit goes back as one, state included, consumers first; or it stays as one, whatever of it cannot go back."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import Outcome, RollbackBlocked, _core
from hotgraft.engine.journal import Journal
from hotgraft.engine.journal_reading import history
from hotgraft.engine.swap import carry_out
from hotgraft.host import loaded, rollback
from sample_plugins import CONVERTS, RENEWS, SHARES, STATELESS, Sample
from sides_scene import DEADLINE_S, Sides, count, make_host, nth, scene

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Sized
    from sample_plugins import Workshop

WAYS = {"hands over": False, "saves": True}
STEPS = ("quiesce", "surrender", "take", "start")  # of each member
CONSUMER_FIRST, PROVIDER_FIRST = ("top", "base"), ("base", "top")


@pytest.fixture
def seam() -> Iterator[Any]:
    """The step hook of the core, taken out again afterwards."""
    yield _core._seams.set_step_hook
    _core._seams.set_step_hook(None)


@pytest.mark.parametrize("top_saves", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("base_saves", WAYS.values(), ids=WAYS)
def test_a_unit_goes_back_whole_with_all_state(build: Workshop, *, base_saves: bool, top_saves: bool) -> None:
    """Whichever of its plugins is named: the very generations serve again that served before, nothing is lost."""
    with make_host() as host:
        sides = scene(host, build, base_saves=base_saves, top_saves=top_saves)

        report = host.rollback("base", reason="a ticket")

        assert (report.plugin, report.outcome, report.is_lossy) == ("base", Outcome.ROLLED_BACK, False)
        assert report.set is not None
        assert tuple(report.set.members) == ("base", "top")
        assert sides.counts == (7, 7)
        assert sides.seen == (1, 1, 1001)
        assert (sides.base.generation, sides.top.generation) == (1, 1)
        assert host.unloads(DEADLINE_S).proven == 2
        assert host._loaded("top").held is None


def test_what_goes_comes_to_rest_consumers_first_and_what_comes_back_providers_first(
    build: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A consumer that is still at work calls its provider; one that is at work again does too."""
    with make_host() as host:
        scene(host, build)
        monkeypatch.setenv("SIDES_LOG", str(tmp_path / "log"))
        host.rollback("top")
        host.unloads(DEADLINE_S)
        monkeypatch.delenv("SIDES_LOG")

    steps = [line for line in (tmp_path / "log").read_text().splitlines() if "destroy" not in line]
    assert steps == [
        "top 2 quiesce", "base 2 quiesce",
        "top 2 surrender", "base 2 surrender",
        "base 1 take", "top 1 take",
        "base 1 resume", "top 1 resume",
    ]  # fmt: skip


def mixes_seen(sides: Sides, go_back: Any) -> tuple[Counter[int], int]:
    """Call the consumer from three threads while it goes back; return what they met, and how many calls that was."""
    met: list[Counter[int]] = []
    is_over, has_begun = threading.Event(), threading.Barrier(4)

    def call() -> None:
        own = Counter[int]()
        own[sides.top.both()] += 1
        has_begun.wait(DEADLINE_S)
        while not is_over.is_set():
            own[sides.top.both()] += 1
        own[sides.top.both()] += 1
        met.append(own)

    threads = [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    has_begun.wait(DEADLINE_S)
    go_back()
    is_over.set()
    for thread in threads:
        thread.join(DEADLINE_S)
    total = sum(met, Counter[int]())
    return total, total.total()


@pytest.mark.parametrize("saves", WAYS.values(), ids=WAYS)
def test_under_load_nobody_meets_both_sides_and_no_count_is_lost(build: Workshop, *, saves: bool) -> None:
    """A call that meets the consumer of one side and the provider of the other has met a pair that nobody tried."""
    with make_host() as host:
        sides = scene(host, build, base_saves=saves, top_saves=saves)

        met, calls = mixes_seen(sides, lambda: host.rollback("base"))

        assert set(met) == {2002, 1001}
        assert sides.counts == (7 + calls, 7 + calls)


@pytest.mark.parametrize(
    ("sample", "counted"),
    [(STATELESS, 5), (SHARES, 7), (CONVERTS, 7), (RENEWS, 5)],
    ids=["none", "shared", "converted", "no way down"],
)
def test_every_kind_of_state_goes_back_in_a_unit(build: Workshop, sample: Sample, counted: int) -> None:
    """Each by its own way, in the one window; where there is none, it alone goes back with what it had."""
    with make_host() as host:
        sides = Sides(host, build, {"base": False, "top": True}).load()
        counter: Any = host.load(build(sample))
        counter.add(5)
        images = {name: sides.image(name, 2) for name in ("base", "top")}
        host.reload_set({**images, "counter": build(replace(sample, build=2))})
        counter.add(2)
        count(sides, 2)

        report = host.rollback("counter")

        assert report.set is not None
        lossy = [name for name, one in report.set.members.items() if one.is_lossy]
        assert lossy == (["counter"] if sample is RENEWS else [])
        assert (counter.build(), counter.add(0)) == (1, counted)
        assert sides.counts == (2, 2)
        assert sides.seen == (1, 1, 1001)


@pytest.mark.full
def test_no_count_is_lost_over_many_ways_there_and_back(build: Workshop, sized: Sized) -> None:
    """Three threads call all the while: each call met one side, and all are counted in both."""
    with make_host() as host:
        sides = Sides(host, build, {"base": False, "top": True}).load()

        def there_and_back() -> None:
            for number in range(sized(quick=2, full=25)):
                sides.replace_both(2 + number % 2)
                host.rollback(("base", "top")[number % 2])

        met, calls = mixes_seen(sides, there_and_back)

        assert met.keys() <= {1001, 2002, 3003}
        assert sides.counts == (calls, calls)


def test_a_unit_goes_back_over_a_major_change(build: Workshop) -> None:
    """Each consumer meets the provider that it was built for: another's table has other functions in its places."""
    with make_host() as host:
        sides = Sides(host, build, {"base": False, "top": False}).load()
        sides.replace_both(two=True)

        met, calls = mixes_seen(sides, lambda: host.rollback("top"))

        assert set(met) == {2002, 1001}
        assert sides.counts == (calls, calls)
        assert host.reload("top", sides.image("top", 3)).outcome is Outcome.PUBLISHED
        assert sides.seen == (1, 3, 3001)


@pytest.mark.control
def test_rolled_back_one_by_one_both_sides_are_met(build: Workshop) -> None:
    """Without the unit: between the two rollbacks the new consumer calls the old provider."""
    with make_host() as host:
        sides = Sides(host, build, {"base": False, "top": False}).load()
        for name in ("base", "top"):
            host.reload(name, sides.image(name, 2))

        def one_by_one() -> None:
            host.rollback("base")
            sides.top.both()
            host.rollback("top")

        met, _ = mixes_seen(sides, one_by_one)

        assert 2001 in met


# --- what fails ---


@pytest.mark.parametrize("turn", [1, 2], ids=["first member", "second member"])
@pytest.mark.parametrize("step", ["close gates", "drain", *STEPS, "publish"])
def test_a_step_that_fails_leaves_the_whole_unit_as_it_was(build: Workshop, seam: Any, step: str, turn: int) -> None:
    """Handed-over state is in use, so there is no other way: blocked, with the reason, and nothing has changed."""
    with make_host() as host:
        sides = scene(host, build)
        seam(nth(step, turn if step in STEPS else 1, for_ever=True))

        with pytest.raises(RollbackBlocked, match="base: generation 2 still serves; top: generation 2 still") as caught:
            host.rollback("top", reason="too slow")

        seam(None)
        assert any("made to fail" in one for one in caught.value.found)
        assert caught.value.report.outcome is Outcome.BLOCKED  # type: ignore[attr-defined] # of a swap's errors
        assert sides.counts == (7, 7)
        assert sides.seen == (2, 2, 2002)
        assert host.rollback("top").outcome is Outcome.ROLLED_BACK
        assert sides.seen == (1, 1, 1001)
        assert sides.counts == (9, 9)  # `seen` counts in both


@pytest.mark.parametrize("turn", [1, 2], ids=["first member", "second member"])
@pytest.mark.parametrize(
    ("step", "order"),
    [("quiesce", CONSUMER_FIRST), ("save", CONSUMER_FIRST), ("restore", PROVIDER_FIRST), ("start", PROVIDER_FIRST)],
    ids=str,
)
def test_the_one_that_cannot_take_its_state_along_goes_back_with_what_it_had(
    build: Workshop, seam: Any, step: str, order: tuple[str, str], turn: int
) -> None:
    """By policy, and it alone: the other's state is what was gained since; both are back, or none."""
    lossy = order[turn - 1]
    with make_host() as host:
        sides = scene(host, build, base_saves=True, top_saves=True)
        seam(nth(step, turn))
        reports = {}
        host.on("swap.rolled_back", lambda event: reports.update({event.plugin: event.facts["report"]}))

        host.rollback("base")

        assert sides.counts == ((5, 7) if lossy == "base" else (7, 5))
        assert sides.seen == (1, 1, 1001)
        assert {name: one.is_lossy for name, one in reports.items()} == {
            "base": lossy == "base",
            "top": lossy == "top",
        }
        assert reports[lossy].lost_calls == 1
        assert "made to fail" in reports[lossy].why_lossy[0]


def test_what_was_gained_in_generations_in_between_is_counted_among_what_is_lost(build: Workshop, seam: Any) -> None:
    """A unit that was replaced again on probation goes back behind all of them."""
    with make_host() as host:
        sides = scene(host, build, base_saves=True, top_saves=True)
        for number in (3, 4):
            sides.replace_both(number)
            count(sides, 2)
        seam(nth("save", 1))

        report = host.rollback("base")

        assert report.set is not None
        assert (sides.counts, sides.seen) == ((11, 5), (1, 1, 1001))
        assert {name: one.lost_calls for name, one in report.set.members.items()} == {"base": 0, "top": 3}


@pytest.mark.control
def test_control_of_what_was_gained_in_between_only_the_last_generation_is_counted(
    build: Workshop, seam: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is why each adds its calls to what is held as it is replaced."""
    monkeypatch.setattr(loaded, "calls_of", lambda _: 0)
    with make_host() as host:
        sides = scene(host, build, base_saves=True, top_saves=True)
        sides.replace_both(3)
        count(sides, 2)
        seam(nth("save", 1))
        report = host.rollback("top")
        assert (sides.counts, report.lost_calls) == ((9, 5), 1)


def test_a_host_that_loses_no_state_refuses_for_all_with_every_reason(build: Workshop, seam: Any) -> None:
    """Everything serves on unchanged."""
    with make_host(rollback="refuse") as host:
        sides = scene(host, build, base_saves=True, top_saves=True)
        seam(nth("restore", 1))

        with pytest.raises(RollbackBlocked) as caught:
            host.rollback("top")

        assert any(one.startswith("base: restore") for one in caught.value.found)
        assert any(one.startswith("base:") and "would be lost" in one for one in caught.value.found)
        assert sides.counts == (7, 7)
        assert sides.seen == (2, 2, 2002)


def test_what_is_gone_of_one_keeps_the_other_held(build: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hazard C9: the reaper and a rollback race for what is held, and one of them wins, for the whole unit."""
    with make_host() as host:
        sides = scene(host, build, base_saves=True, top_saves=True)
        held = {name: host._loaded(name).held for name in ("base", "top")}
        assert held["base"] is not None and held["top"] is not None

        def reaped_first(*arguments: Any, **named: Any) -> Any:
            monkeypatch.undo()
            _core.retire(host._loaded("base").release_held().generation)
            return carry_out(*arguments, **named)

        monkeypatch.setattr(rollback, "carry_out", reaped_first)
        with pytest.raises(RollbackBlocked, match=r"retired|unloaded"):
            host.rollback("top")

        assert held["top"].generation.stage == "held"
        assert sides.seen == (2, 2, 2002)
        assert sides.counts == (8, 8)


def test_a_rollback_of_all_is_noted_also_where_its_report_finds_no_memory(
    build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault R04: what serves is what the host knows of, of each of them."""

    def without_report(*arguments: Any, **named: Any) -> None:
        carry_out(*arguments, **named)
        raise MemoryError

    with make_host() as host:
        sides = scene(host, build)
        monkeypatch.setattr(rollback, "carry_out", without_report)
        assert host.rollback("base").outcome is Outcome.ROLLED_BACK
        monkeypatch.undo()
        assert sides.counts == (7, 7)
        assert (sides.base.generation, sides.top.generation) == (1, 1)
        sides.replace_both(3)
        assert sides.seen == (3, 3, 3003)


# --- on record ---


def test_each_of_them_has_an_attempt_of_its_own_on_record(
    build: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads what became of a plugin finds why it went back, and that it was not its own doing."""
    ends: list[list[str]] = []
    plain = Journal.write

    def write(journal: Journal, records: Any, *more: Any, **named: Any) -> Any:
        ends.append([one.plugin for one in records if one.step == "outcome"])
        return plain(journal, records, *more, **named)

    with make_host(journal=str(tmp_path / "journal")) as host:
        scene(host, build)
        monkeypatch.setattr(Journal, "write", write)
        host.rollback("base", reason="a ticket")
        monkeypatch.undo()
    assert [sorted(one) for one in ends if one] == [["base", "top"]]  # all of them in one write
    lines = [one for one in history(tmp_path / "journal") if one.first.asked_by == "rollback"]
    assert {one.first.plugin: one.end.outcome for one in lines if one.end is not None} == {
        "base": Outcome.ROLLED_BACK,
        "top": Outcome.ROLLED_BACK,
    }
    assert {one.first.plugin: one.first.reason for one in lines} == {
        "base": "a ticket",
        "top": "goes back with base, its own image is not at fault: a ticket",
    }


def test_each_of_them_is_told_of_with_the_whole_unit(build: Workshop) -> None:
    """Who listens for one plugin need not know which others it was replaced with."""
    told: list[tuple[str, tuple[str, ...]]] = []
    with make_host() as host:
        host.on("swap.rolled_back", lambda event: told.append((event.plugin, tuple(event.facts["set"].members))))
        scene(host, build)
        host.rollback("base")
    assert sorted(told) == [("base", ("base", "top")), ("top", ("base", "top"))]
