"""Tests host/attempt_set.py: several plugins are replaced as one, or none of them is."""

from __future__ import annotations

import gc
import math
import weakref
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import ContractError, Fallback, Host, HotgraftError, LoadError, Outcome, SetReport
from pair_scene import codec, expect, load_pair, player, save

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sample_plugins import Sample, Workshop


def test_a_pair_is_replaced_as_one_with_its_state(unprobed: Host, build: Workshop) -> None:
    """Promise 6: a new major and the consumer that was built for it come in one window."""
    load_pair(unprobed, build)
    expect(unprobed, 11_001)

    report = unprobed.reload_set({"codec": build(codec(2, 2)), "player": build(player(12, "^2"))})

    expect(unprobed, 12_002)
    assert (report.outcome, tuple(report.members)) == (Outcome.PUBLISHED, ("codec", "player"))
    assert [one.generation for one in report.members.values()] == [2, 2]
    assert report.pause_us == report.members["codec"].pause_us > 0
    titles = [time.step for time in report.steps]
    assert titles.count("close gates") == titles.count("publish") == 1
    assert titles.index("quiesce player main") < titles.index("quiesce codec main")
    assert titles.index("start codec main") < titles.index("start player main")
    assert "start main" in [time.step for time in report.members["player"].steps]


def at_sources(host: Host, build: Workshop, folder: Path) -> tuple[str, str]:
    """Load the pair from files that can be written to."""
    paths = str(folder / "codec.so"), str(folder / "player.so")
    for path, sample in zip(paths, (codec(1), player(11)), strict=True):
        save(build(sample), path)
        host.load(path)
    host["codec"].add(5)
    host["player"].add(7)
    return paths


def test_a_reload_takes_along_whom_it_would_break_if_a_candidate_lies_ready(
    unprobed: Host, build: Workshop, tmp_path: Path
) -> None:
    """A developer builds both and reloads one: the other's new image lies where it was loaded from."""
    codec_path, player_path = at_sources(unprobed, build, tmp_path)
    told: list[tuple[str, str]] = []
    unprobed.on("swap.*", lambda event: told.append((event.name, event.plugin)))
    save(build(codec(2, 2)), codec_path)
    save(build(player(12, "^2")), player_path)

    report = unprobed.reload("codec")

    expect(unprobed, 12_002)
    assert report.plugin == "codec"
    assert report.set is not None
    assert tuple(report.set.members) == ("codec", "player")
    assert "needs codec ^1" in report.set.why["player"]
    assert told == [("swap.published", "codec"), ("swap.published", "player")]
    assert "as one with player" in str(report)


def test_a_reload_takes_along_the_staged_provider_that_it_needs(
    unprobed: Host, build: Workshop, tmp_path: Path
) -> None:
    """The other way round."""
    codec_path, player_path = at_sources(unprobed, build, tmp_path)
    save(build(codec(2, 2)), codec_path)
    save(build(player(12, "^2")), player_path)

    report = unprobed.reload("player")

    expect(unprobed, 12_002)
    assert (report.plugin, report.set is not None) == ("player", True)


def test_whoever_breaks_nobody_comes_alone(unprobed: Host, build: Workshop, tmp_path: Path) -> None:
    """Not all dependents: what lies ready beside it is left alone."""
    codec_path, player_path = at_sources(unprobed, build, tmp_path)
    save(build(codec(2)), codec_path)
    save(build(player(12)), player_path)

    report = unprobed.reload("codec")

    expect(unprobed, 11_002)
    assert report.set is None


@pytest.mark.parametrize("is_committed", [False, True], ids=["on probation", "committed"])
def test_what_was_rolled_back_from_is_not_taken_along(build: Workshop, tmp_path: Path, is_committed: bool) -> None:
    """It still lies where the plugin was loaded from; somebody did not want it, and nobody asked for it since."""
    with Host(probe="off", probation="on", probation_s=86_400.0, probation_max_s=86_400.0) as host:
        codec_path, player_path = at_sources(host, build, tmp_path)
        save(build(player(12, "^1 || ^2")), player_path)
        host.reload("player")
        if is_committed:
            host.commit("player")
        host.rollback("player")
        save(build(codec(2, 2)), codec_path)

        with pytest.raises(ContractError, match="it was rolled back from, so it comes in only by name"):
            host.reload("codec")
        expect(host, 11_001)

        report = host.reload_set({"codec": None, "player": None})
        assert tuple(report.members) == ("codec", "player")
        expect(host, 12_002)


def test_who_only_went_back_with_another_may_be_taken_along(build: Workshop, tmp_path: Path) -> None:
    """It was not its own image that was not wanted: the next codec finds it where it lies."""
    with Host(probe="off", probation="on", probation_s=86_400.0, probation_max_s=86_400.0) as host:
        codec_path, player_path = at_sources(host, build, tmp_path)
        save(build(player(12, "^2")), player_path)
        save(build(codec(2, 2)), codec_path)
        host.reload("codec")
        host.rollback("codec")
        save(build(codec(3, 2)), codec_path)

        report = host.reload("codec")
        assert report.set is not None
        expect(host, 12_003)


@pytest.mark.parametrize("name", ["codec", "player"])
def test_without_a_candidate_for_the_other_it_is_refused_and_both_serve_on(
    unprobed: Host, build: Workshop, tmp_path: Path, name: str
) -> None:
    """The error is the one that it always was."""
    paths = dict(zip(("codec", "player"), at_sources(unprobed, build, tmp_path), strict=True))
    save(build(codec(2, 2) if name == "codec" else player(12, "^2")), paths[name])

    with pytest.raises(ContractError if name == "codec" else LoadError) as caught:
        unprobed.reload(name)

    assert caught.value.on == name
    assert caught.value.report.plugin == name  # type: ignore[attr-defined] # a swap's errors carry one
    assert caught.value.running == "generation 1 still serves"
    expect(unprobed, 11_001)


def test_an_error_is_the_failing_members_and_says_what_runs_of_all(unprobed: Host, build: Workshop) -> None:
    """Which one, why, and that nothing changed."""
    load_pair(unprobed, build)

    with pytest.raises(HotgraftError, match="told to fail in create") as caught:
        unprobed.reload_set(
            {"codec": build(codec(2, 2)), "player": build(player(12, "^2"))}, configs={"player": {"fail": "create"}}
        )

    report: SetReport = caught.value.report  # type: ignore[attr-defined] # as above
    assert caught.value.on.startswith("player")
    assert caught.value.running == "codec: generation 1 still serves; player: generation 1 still serves"
    assert report.outcome is Outcome.FAILED
    assert report.members["player"].refusals
    assert report.members["codec"].refusals == ()
    expect(unprobed, 11_001)


def test_one_that_is_not_loaded_comes_with_the_set_or_not_at_all(unprobed: Host, build: Workshop) -> None:
    """What the new ones need is brought along; nobody sees it before they are there."""
    load_pair(unprobed, build)
    images = {
        "codec": build(codec(2, 2)),
        "player": build(player(12, "^2", calls="mixer")),
        "mixer": build(codec_like("mixer", 3)),
    }
    with pytest.raises(HotgraftError, match="told to fail in create"):
        unprobed.reload_set(images, configs={"player": {"fail": "create"}})
    assert list(unprobed) == ["codec", "player"]
    expect(unprobed, 11_001)

    told: list[tuple[str, str]] = []
    unprobed.on("*", lambda event: told.append((event.name, event.plugin)))
    report = unprobed.reload_set(images)

    assert sorted(told) == [("plugin.loaded", "mixer"), ("swap.published", "codec"), ("swap.published", "player")]
    assert sorted(report.members) == ["codec", "mixer", "player"]
    assert list(report.members).index("mixer") < list(report.members).index("player")
    assert (unprobed["player"].build(), unprobed["mixer"].build(), unprobed["codec"].build()) == (12_003, 3, 2)


def codec_like(name: str, number: int) -> Sample:
    """Return a provider of another name."""
    return replace(codec(number, 2), name=name, interface=name, flags=(f'-DCOUNTER_OFFERS="{name}/"',))


def test_who_can_be_served_by_another_is_bound_anew_in_its_own_image(unprobed: Host, build: Workshop) -> None:
    """Its own image will do: the codec that goes has a rival that offers what it needs."""
    load_pair(unprobed, build)
    unprobed.load(build(replace(codec(4), name="rival")))

    report = unprobed.reload("codec", build(codec(2, 2)))

    assert report.set is not None
    assert tuple(report.set.members) == ("codec", "player")
    assert unprobed["player"].build() == 11_004
    assert (unprobed["player"].add(0), unprobed["codec"].add(0)) == (7, 5)


def test_a_cycle_is_replaced_as_one(unprobed: Host, build: Workshop) -> None:
    """A unit: each calls the other."""
    optional = "-DCOUNTER_IMPORT_FLAGS=HOTGRAFT_IMPORT_OPTIONAL"
    back = player(1, "^1", optional, calls="player", offers="codec", optional=True, cycle=True)
    there = player(11, cycle=True)
    unprobed.load_all(build(back), build(there))
    unprobed["codec"].add(5)
    unprobed["player"].add(7)

    report = unprobed.reload("player", build(replace(there, build=12)))

    assert report.set is not None
    assert sorted(report.set.members) == ["codec", "player"]
    assert (unprobed["codec"].add(0), unprobed["player"].add(0)) == (5, 7)


def test_a_consumer_is_probed_with_the_providers_candidate(host: Host, build: Workshop) -> None:
    """What it needs runs nowhere yet."""
    load_pair(host, build)

    report = host.reload_set({"codec": build(codec(2, 2)), "player": build(player(12, "^2"))})

    expect(host, 12_002)
    assert all(one.probe is not None for one in report.members.values())


def test_what_one_of_them_is_found_unfit_for_all_are_taken_back(unprobed: Host, build: Workshop) -> None:
    """Quick health, right after publish: both are as they were, and only the unfit image is not tried again."""
    load_pair(unprobed, build)
    ill = player(12, "^2", "-DCOUNTER_HEALTH")
    with pytest.raises(HotgraftError) as caught:
        unprobed.reload_set({"codec": build(codec(2, 2)), "player": build(ill)}, configs={"player": {"fail": "health"}})
    assert caught.value.report.outcome is Outcome.ROLLED_BACK  # type: ignore[attr-defined] # as above
    expect(unprobed, 11_001)
    assert unprobed.reload_set({"codec": build(codec(2, 2)), "player": build(player(13, "^2"))}).members
    expect(unprobed, 13_002)


def test_a_set_goes_back_as_one_through_a_change_of_major(build: Workshop) -> None:
    """The handle of the codec calls the old interface again, in the slot that both had."""
    with Host(probe="off", probation_s=600.0, probation="on") as host:
        load_pair(host, build)
        host.reload_set({"codec": build(codec(2, 2)), "player": build(player(12, "^2"))})
        host["codec"].add(1)

        report = host.rollback("player")

        assert report.outcome is Outcome.ROLLED_BACK
        expect(host, 11_001, (6, 7))


def test_an_empty_set_and_a_config_for_another_are_misuse(unprobed: Host, build: Workshop) -> None:
    """Said at once."""
    load_pair(unprobed, build)
    with pytest.raises(ValueError, match="empty"):
        unprobed.reload_set({})
    with pytest.raises(ValueError, match="'player', which is not in the set"):
        unprobed.reload_set({"codec": None}, configs={"player": {}})
    with pytest.raises(TypeError, match="images says by plugin"):
        unprobed.reload_set(["codec", "player"])  # type: ignore[arg-type] # that is what is tested
    with pytest.raises(TypeError, match="a plugin's name is a str, and 3 is none"):
        unprobed.reload_set({3: "codec.so"})  # type: ignore[dict-item] # likewise
    with pytest.raises(TypeError, match="a plugin's name is a str"):
        unprobed.rollback(["codec", "player"])  # type: ignore[arg-type] # likewise
    with pytest.raises(TypeError, match="configs says by plugin"):
        unprobed.reload_set({"codec": None}, configs=["codec"])  # type: ignore[arg-type] # likewise


@pytest.mark.parametrize(
    ("deadline_s", "kind"), [(math.nan, ValueError), (-1, ValueError), ("3", TypeError), (True, TypeError)]
)
def test_a_deadline_that_is_no_number_is_misuse(
    unprobed: Host, build: Workshop, deadline_s: Any, kind: type[Exception]
) -> None:
    """With nan a function was said to be one that does not return, and a library stayed in memory for good."""
    load_pair(unprobed, build)
    changes: tuple[Callable[[], object], ...] = (
        lambda: unprobed.reload_set({"codec": None, "player": None}, deadline_s=deadline_s),
        lambda: unprobed.reload("codec", deadline_s=deadline_s),
        lambda: unprobed.rollback("codec", deadline_s=deadline_s),
    )
    for change in changes:
        with pytest.raises(kind, match="deadline_s is a number of seconds"):
            change()


def test_a_config_that_is_none_keeps_what_there_is(unprobed: Host, build: Workshop) -> None:
    """As in `reload`: a program passes on what it was given, and was given nothing."""
    load_pair(unprobed, build, codec={"rate": 48000})
    unprobed.reload_set({"codec": build(codec(2)), "player": None}, configs={"codec": None})
    assert unprobed._loaded("codec").configs == {"main": '{"rate": 48000}'}


def test_what_was_loaded_before_the_turn_of_a_set_keeps_its_config(unprobed: Host, build: Workshop) -> None:
    """Nobody said a config, whether it was there when the set was asked for or not."""
    unprobed.load(build(codec(1)))
    queue, image = unprobed._changes.sets, build(player(11))
    loaded = unprobed._plugins.pop("codec")  # as if it were loaded in between
    plain = type(queue).turn_names

    def turn_names(sets: Any, wish: Any) -> Any:
        unprobed._plugins.setdefault("codec", loaded)
        return plain(sets, wish)

    loaded.instances["main"].config_json = '{"rate": 1}'
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(queue), "turn_names", turn_names)
        unprobed.reload_set({"codec": build(codec(2)), "player": image})
    assert unprobed._loaded("codec").configs == {"main": '{"rate": 1}'}


def test_all_instances_of_all_members_come_along(unprobed: Host, build: Workshop) -> None:
    """Each with its own state; an import leads to the first."""
    load_pair(unprobed, build)
    unprobed.load("codec", instance="left")
    unprobed.load("player", instance="left")
    unprobed["codec", "left"].add(50)
    unprobed["player", "left"].add(70)

    unprobed.reload_set({"codec": build(codec(2, 2)), "player": build(player(12, "^2"))})

    expect(unprobed, 12_002)
    assert (unprobed["codec", "left"].add(0), unprobed["player", "left"].add(0)) == (50, 70)
    assert (unprobed["codec", "left"].build(), unprobed["player", "left"].build()) == (2, 12_002)


def test_a_committed_pair_goes_back_by_a_set_of_the_old_images(unprobed: Host, build: Workshop) -> None:
    """A downgrade is asked for, as ever; one of them alone is refused."""
    load_pair(unprobed, build)
    unprobed.reload_set({"codec": build(codec(2, 2)), "player": build(player(12, "^2"))})

    for name in ("codec", "player"):
        with pytest.raises(HotgraftError) as caught:
            unprobed.rollback(name)
        assert "reload them as one" in caught.value.advice
    expect(unprobed, 12_002)
    unprobed.reload_set({"codec": build(codec(1)), "player": build(player(11))}, allow_downgrade=True)

    expect(unprobed, 11_001)


def test_a_set_that_brings_nothing_new_is_a_swap_like_any_other(unprobed: Host, build: Workshop) -> None:
    """The images that lie where they were loaded from, with new configs."""
    load_pair(unprobed, build)

    report = unprobed.reload_set({"player": None, "codec": None}, configs={"codec": {"volume": 1}})

    expect(unprobed, 11_001)
    assert tuple(report.members) == ("codec", "player")
    assert unprobed._plugins["codec"].configs == {"main": '{"volume": 1}'}


def test_a_refusal_that_was_dropped_leaves_nothing_to_the_garbage_collector(unprobed: Host, build: Workshop) -> None:
    """Its traceback holds what the attempt had, and who was asked whether they could come along."""
    load_pair(unprobed, build)
    gc.collect()
    gc.disable()
    try:
        held: list[weakref.ref[BaseException]] = []
        try:
            unprobed.reload("codec", build(codec(2, 2)))
        except ContractError as error:
            held.append(weakref.ref(error))
        assert held[0]() is None
    finally:
        gc.enable()


def test_who_is_answered_for_and_who_answers_come_together(unprobed: Host, build: Workshop) -> None:
    """Each has its own slots again: what one publishes in the other's is not what is there at the end."""
    unprobed.load(build(codec(1)), fallback=Fallback(provider="spare"))
    unprobed.load(build(replace(codec(3), name="spare")))
    unprobed.load(build(player(11)))
    unprobed.open_breaker("codec", "it is worn out")
    assert unprobed["player"].build() == 11_003

    unprobed.reload_set({"codec": build(codec(2)), "spare": build(replace(codec(4), name="spare"))})

    assert (unprobed["player"].build(), unprobed["codec"].build(), unprobed["spare"].build()) == (11_002, 2, 4)
    unprobed.open_breaker("codec", "again")
    assert unprobed["player"].build() == 11_004
