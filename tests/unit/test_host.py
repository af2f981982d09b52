"""The host: load, replace, refuse, and what runs after each."""

from __future__ import annotations

import pickle
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import pytest
from hotgraft import (
    BuildError,
    ConfigError,
    ContractError,
    Host,
    HostClosed,
    ImageError,
    LoadError,
    Outcome,
    StateError,
    UnknownPlugin,
)
from sample_plugins import CALLER_PLUGIN, COUNTER, HANDS_OVER, SAVES, STATELESS, Sample, Workshop, parameter

if TYPE_CHECKING:
    from pathlib import Path


class Counter(Protocol):
    """What `hotgraft bind` would have written for the counter."""

    def add(self, by: int) -> int: ...
    def build(self) -> int: ...


def test_a_loaded_plugin_is_called_by_the_names_of_its_functions(host: Host, build: Workshop) -> None:
    """The handle is what programs write against."""
    counter = host.load(build(HANDS_OVER))

    assert (counter.add(2), counter.add(3)) == (2, 5)
    assert host["counter"] is counter
    assert host.plugin("counter", Counter).build() == 1
    assert list(host) == ["counter"]
    assert "counter" in host


def test_state_is_handed_over_and_the_new_code_answers(host: Host, build: Workshop) -> None:
    """The whole promise in one call: other code, same count, same handle."""
    counter = host.load(build(HANDS_OVER))
    counter.add(41)

    report = host.reload("counter", build(replace(HANDS_OVER, build=2, version="1.0.1")))

    assert (counter.build(), counter.add(1)) == (2, 42)
    assert report.outcome is Outcome.PUBLISHED
    assert (report.generation, report.version) == (2, "1.0.1")
    assert (counter.generation, counter.version) == (2, "1.0.1")


def test_state_is_saved_and_restored_where_layouts_differ(host: Host, build: Workshop) -> None:
    """Equal keys carry what equal pointers cannot."""
    both = replace(HANDS_OVER, saves=True)
    counter = host.load(build(both))
    counter.add(7)

    report = host.reload("counter", build(replace(both, layout=8, build=2)))

    assert counter.add(1) == 8
    assert "restore main" in [time.step for time in report.steps]


def test_state_of_another_schema_is_restored_though_its_layout_is_equal(host: Host, build: Workshop) -> None:
    """Restore is told the schema it reads; take is not, and would read other meaning into equal bytes."""
    both = replace(HANDS_OVER, saves=True)
    counter = host.load(build(both))
    counter.add(7)

    report = host.reload("counter", build(replace(both, schema=2, build=2)))

    assert counter.add(1) == 8
    assert "restore main" in [time.step for time in report.steps]
    assert "take main" not in [time.step for time in report.steps]


@pytest.mark.parametrize(
    ("candidate", "sentence"),
    [
        (replace(HANDS_OVER, schema=2, build=2), "its schema is 1 and would be 2"),
        (replace(HANDS_OVER, built_schema=2, build=2), "its schema is 1 in the manifest and 2 in its table"),
        (replace(HANDS_OVER, schema=2, built_schema=1, build=2), "its schema is 1 and would be 2"),
    ],
    ids=["both say so", "only the library", "only the descriptor"],
)
def test_state_of_another_schema_is_never_handed_over(
    host: Host, build: Workshop, candidate: Sample, sentence: str
) -> None:
    """A count of seconds taken for one of milliseconds is lost state that nobody notices."""
    counter = host.load(build(HANDS_OVER))
    counter.add(7)

    with pytest.raises(StateError, match=sentence):
        host.reload("counter", build(candidate))

    assert (counter.build(), counter.add(1)) == (1, 8)


def test_without_state_the_swap_needs_no_gate(host: Host, build: Workshop) -> None:
    """One store publishes one slot: callers never wait."""
    host.load(build(STATELESS))

    report = host.reload("counter", build(replace(STATELESS, build=2)))

    assert report.pause_us == 0.0
    assert report.pause_steps == ()


def test_the_report_times_each_step_and_splits_the_pause(host: Host, build: Workshop) -> None:
    """A pause that is too long is found by the step that took it."""
    host.load(build(HANDS_OVER))

    report = host.reload("counter")

    assert report.plan is not None
    ran = [time.step for time in report.steps]
    skipped = {"compare contract", "publish", "reclaim"}
    assert [str(step) for step in report.plan.steps if str(step) not in ran and str(step) not in skipped] == []
    assert 0 < sum(time.us for time in report.pause_steps) <= report.pause_us
    assert all(not time.failure for time in report.steps)


def test_a_reload_without_an_image_takes_the_path_it_was_loaded_from(
    host: Host, build: Workshop, tmp_path: Path
) -> None:
    """The file is rebuilt in place: that is how people work."""
    image = tmp_path / "counter.so"
    shutil.copy(build(HANDS_OVER), image)
    counter = host.load(image)
    image.unlink()
    shutil.copy(build(replace(HANDS_OVER, build=2)), image)

    host.reload("counter")

    assert counter.build() == 2


def test_a_candidate_that_lacks_a_function_is_refused_and_what_ran_still_runs(host: Host, build: Workshop) -> None:
    """A broken build on disk must never cost a caller a single call."""
    counter = host.load(build(HANDS_OVER))
    broken = build(replace(HANDS_OVER, functions=COUNTER[:-1]))

    with pytest.raises(ContractError, match='lacks function "fail"') as caught:
        host.reload("counter", broken)

    assert caught.value.running == "generation 1 still serves"
    assert caught.value.report.outcome is Outcome.REFUSED  # type: ignore[attr-defined] # a swap's errors carry one
    assert (counter.generation, counter.add(1)) == (1, 1)


def test_every_reason_of_a_refusal_is_named_at_once(host: Host, build: Workshop) -> None:
    """An author mends all of it in one build."""
    host.load(build(HANDS_OVER))
    retyped = {**COUNTER[0], "parameters": [parameter("by", "i32")]}
    broken = replace(STATELESS, functions=(retyped, *COUNTER[1:-1]))

    with pytest.raises(ContractError) as caught:
        host.reload("counter", build(broken))

    assert len(caught.value.found) == 3  # retyped, lacking, and state lost


@pytest.mark.parametrize("candidate", [STATELESS, replace(HANDS_OVER, layout=9)])
def test_a_swap_that_would_lose_state_is_refused(host: Host, build: Workshop, candidate: Sample) -> None:
    """Promise 4: state survives or the swap is refused with the reason."""
    counter = host.load(build(HANDS_OVER))
    counter.add(5)

    with pytest.raises(StateError, match="would be lost"):
        host.reload("counter", build(candidate))

    assert counter.add(1) == 6


def test_a_dry_run_says_the_same_and_does_nothing(host: Host, build: Workshop) -> None:
    """`plan` is what a person reads before pressing the button."""
    counter = host.load(build(HANDS_OVER))

    plan = host.plan("counter", build(replace(STATELESS, build=2)))

    assert plan["counter"].state_refusals
    assert plan.is_refused
    assert "refused" in str(plan)
    assert counter.generation == 1
    assert host.plan("counter").refusals == ()


def test_a_new_function_appears_on_the_same_handle(host: Host, build: Workshop) -> None:
    """Functions appended by a minor version are there at once; methods bound before still work."""
    counter = host.load(build(HANDS_OVER))
    add = counter.add
    assert not hasattr(counter, "twice")

    host.reload("counter", build(replace(HANDS_OVER, more=True, interface_version=(1, 1))))

    assert add(4) == 4
    assert counter.twice() == 8


def test_configure_swaps_the_same_image_with_state_kept(host: Host, build: Workshop) -> None:
    """A new config is a swap like any other, and the path to reload from stays."""
    image = build(HANDS_OVER)
    counter = host.load(image, config={"rate": 1})
    counter.add(3)

    report = host.configure("counter", {"rate": 2})

    assert report.outcome is Outcome.PUBLISHED
    assert (counter.generation, counter.add(1)) == (2, 4)
    assert host.reload("counter").image == str(image)


def test_a_config_that_is_no_json_is_refused(host: Host, build: Workshop) -> None:
    """Found before anything is staged."""
    with pytest.raises(ConfigError):
        host.load(build(HANDS_OVER), config={"when": object()})


def test_instances_have_their_own_state_and_change_as_one(host: Host, build: Workshop) -> None:
    """One library, many instances: a swap replaces them as one set."""
    left = host.load(build(HANDS_OVER), instance="left")
    right = host.load("counter", instance="right")
    left.add(1)
    right.add(10)

    host.reload("counter", build(replace(HANDS_OVER, build=2)))

    assert (left.add(1), right.add(1)) == (2, 11)
    assert (left.build(), right.build()) == (2, 2)
    assert host["counter", "left"] is left
    with pytest.raises(UnknownPlugin, match="left, right"):
        _ = host["counter"]


def test_a_name_or_instance_that_is_taken_is_misuse(host: Host, build: Workshop) -> None:
    """Loading over something would replace it behind its callers' backs."""
    host.load(build(HANDS_OVER))

    with pytest.raises(ValueError, match="reload"):
        host.load(build(HANDS_OVER))
    with pytest.raises(ValueError, match="already"):
        host.load("counter", instance="main")


def test_one_image_serves_under_two_names(host: Host, build: Workshop) -> None:
    """Equal bytes twice get two files, two libraries, two states."""
    one = host.load(build(HANDS_OVER), name="one")
    two = host.load(build(HANDS_OVER), name="two")
    one.add(5)

    assert two.add(1) == 1
    host.reload("one", build(replace(HANDS_OVER, build=2)))
    assert (one.build(), two.build()) == (2, 1)


def test_unknown_names_say_what_is_loaded(host: Host, build: Workshop) -> None:
    """A typing error is mended by reading the message."""
    host.load(build(HANDS_OVER))

    with pytest.raises(UnknownPlugin, match="loaded plugins: counter"):
        host.reload("conter")
    with pytest.raises(KeyError):
        _ = host["conter"]


def test_imports_are_bound_to_the_plugin_that_provides_them(host: Host, build: Workshop) -> None:
    """A plugin calls another through its slot, also after that one was replaced."""
    counter = host.load(build(HANDS_OVER))
    caller = host.load(build(CALLER_PLUGIN))

    assert caller.add_there(2) == 2
    host.reload("counter", build(replace(HANDS_OVER, build=2)))
    assert caller.add_there(3) == 5
    host.reload("caller")
    assert (caller.add_there(1), counter.add(1)) == (6, 7)


def test_an_import_without_a_provider_names_every_place_looked_at(host: Host, build: Workshop) -> None:
    """Fault C10's little sister: what is missing, and why what is there would not do."""
    with pytest.raises(LoadError, match="no other plugin is loaded"):
        host.load(build(CALLER_PLUGIN))
    host.load(build(replace(HANDS_OVER, interface_version=(2, 0), name="other")))
    with pytest.raises(LoadError, match=r"other offers counter 2\.0"):
        host.load(build(CALLER_PLUGIN))
    assert list(host) == ["other"]


def test_an_optional_import_may_stay_unbound(host: Host, build: Workshop) -> None:
    """The plugin asks and is told that there is nobody."""
    caller = host.load(build(replace(CALLER_PLUGIN, optional=True)))

    assert caller.add_there(1) == -1


def test_a_provider_is_not_replaced_by_what_its_consumers_cannot_use(host: Host, build: Workshop) -> None:
    """Fault C09: an interface goes while a loaded plugin needs it."""
    host.load(build(HANDS_OVER))
    caller = host.load(build(CALLER_PLUGIN))

    with pytest.raises(ContractError) as caught:
        host.reload("counter", build(replace(HANDS_OVER, interface_version=(2, 0))))

    assert any("caller needs counter/1" in reason for reason in caught.value.found)
    assert caller.add_there(1) == 1


def test_another_plugins_image_is_refused(host: Host, build: Workshop) -> None:
    """A wrong path in a script must not turn one plugin into another."""
    host.load(build(HANDS_OVER))

    with pytest.raises(ContractError, match="the image is plugin 'caller'") as caught:
        host.reload("counter", build(CALLER_PLUGIN))
    assert caught.value.advice.startswith("give the image of plugin ")


def test_a_file_that_is_no_image_is_refused_with_nothing_left(host: Host, tmp_path: Path) -> None:
    """Nothing is loaded, and the name is free."""
    image = tmp_path / "bad.so"
    image.write_bytes(b"not an image" * 100)

    with pytest.raises(ImageError):
        host.load(image)
    assert list(host) == []


def test_a_manifest_leads_to_the_image_beside_it(host: Host, build: Workshop, tmp_path: Path) -> None:
    """`load(plugin.toml)` finds what was built from it, and names the places where it looked."""
    manifest = tmp_path / "plugin.toml"
    manifest.write_text(
        '[plugin]\nname = "counter"\nversion = "1.0.0"\n[provides.counter]\nversion = "1.0"\nheader = "counter.h"\n'
    )
    with pytest.raises(ImageError) as caught:
        host.load(manifest)
    assert len(caught.value.found) == 2

    shutil.copy(build(HANDS_OVER), tmp_path / "counter.so")
    assert host.load(manifest).add(1) == 1


def test_a_closed_host_raises_and_never_crashes(build: Workshop) -> None:
    """Handles outlive their host in every program that keeps them in a global."""
    with Host() as host:
        counter = host.load(build(HANDS_OVER))
    add = counter.add

    for attempt in (counter.build, lambda: add(1), lambda: host.load(build(SAVES)), lambda: host["counter"]):
        with pytest.raises(HostClosed):
            attempt()
    assert host.close().stuck == ()


def test_closing_takes_every_library_out_of_memory(build: Workshop) -> None:
    """Unloading is proven, never assumed."""
    host = Host()
    host.load(build(HANDS_OVER))
    host.load(build(CALLER_PLUGIN))
    for _ in range(3):
        host.reload("counter")

    unloads = host.close()

    assert (unloads.proven, unloads.waiting, unloads.stuck) == (5, (), ())


def test_replaced_generations_are_proven_gone(host: Host, build: Workshop) -> None:
    """What was replaced leaves while the host goes on."""
    host.load(build(HANDS_OVER))
    host.reload("counter")

    assert host.unloads(deadline_s=10).proven == 1


def test_a_host_is_not_pickled_and_says_what_works(host: Host, build: Workshop) -> None:
    """A pool worker gets an explanation instead of a crash."""
    counter = host.load(build(HANDS_OVER))

    for thing in (host, counter, counter.pin()):
        with pytest.raises(TypeError, match="Host"):
            pickle.dumps(thing)


def test_misspelled_settings_are_refused() -> None:
    """A deadline that silently keeps its default is found in production."""
    with pytest.raises(ConfigError, match="swap_deadline_s"):
        Host(swap_deadlines=1.0)


def test_build_errors_are_not_load_errors() -> None:
    """One class per decision: who compiles catches these apart."""
    assert not issubclass(BuildError, LoadError)
