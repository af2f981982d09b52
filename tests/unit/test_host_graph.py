"""Tests host/host_graph.py: many plugins are loaded in their order or not at all, and a host says who calls whom."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import DependencyError, Host, ImageError, PluginError, _core
from hotgraft.core.settings import make_settings, read_settings
from hotgraft.run.starting import start_plugins
from sample_plugins import CALLER_PLUGIN, PLAIN, STATELESS

if TYPE_CHECKING:
    from pathlib import Path

    from sample_plugins import Workshop

NEWER = replace(STATELESS, name="newer", interface_version=(1, 1), build=7)
RIVAL = replace(STATELESS, name="rival", build=3)


def test_a_folder_is_loaded_providers_first_and_closed_consumers_first(
    unprobed: Host, build: Workshop, tmp_path: Path
) -> None:
    """By what they declare: names and folders say nothing."""
    for sample in (CALLER_PLUGIN, STATELESS):
        shutil.copyfile(build(sample), tmp_path / f"{sample.name}.so")
    told: list[tuple[str, str]] = []
    unprobed.on("plugin.*", lambda event: told.append((event.name, event.plugin)))
    plugins = unprobed.load_all(tmp_path)
    assert list(plugins) == ["counter", "caller"]
    assert plugins["caller"].add_there(3) == 3
    unprobed.close()
    assert [one for one in told if one[0] == "plugin.closed"] == [
        ("plugin.closed", "caller"),
        ("plugin.closed", "counter"),
    ]


def test_nothing_is_loaded_of_what_does_not_fit_and_everything_wrong_is_told(unprobed: Host, build: Workshop) -> None:
    """C10: cycle, missing, version conflict: refused at once, before any of their code runs."""
    call = replace(CALLER_PLUGIN, requires=(("nobody", "^1"),))
    old = replace(CALLER_PLUGIN, name="old", interface="old", requires=(("counter", "^2"),))
    ring = [
        replace(CALLER_PLUGIN, name=name, interface=name, requires=((other, "^1"),))
        for name, other in (("ring", "gnir"), ("gnir", "ring"))
    ]
    images = [build(one) for one in (STATELESS, call, old, *ring)]
    with pytest.raises(DependencyError) as caught:
        unprobed.load_all(*images, "nowhere.so")
    text = str(caught.value)
    assert len(caught.value.found) == 4
    assert "nowhere.so (argument): cannot open" in text
    assert "caller needs interface nobody ^1: none of the 5 plugins provides it" in text
    assert "old needs interface counter ^2: counter 1.0.0" in text
    assert "gnir → ring → gnir: they require each other in a cycle" in text
    assert list(unprobed) == []


def test_the_highest_version_is_bound_and_then_the_highest_priority(unprobed: Host, build: Workshop) -> None:
    """At a load of many, at a load of one, and whatever was loaded first."""
    with pytest.raises(DependencyError, match=r"nothing says whose.*priority = 1"):
        unprobed.load_all(build(STATELESS), build(RIVAL), build(CALLER_PLUGIN))
    unprobed.load_all(build(STATELESS), build(RIVAL), build(CALLER_PLUGIN), priorities={"rival": 1})
    assert [(one.consumer, one.provider) for one in unprobed.graph().edges] == [("caller", "rival")]
    second = replace(CALLER_PLUGIN, name="second", interface="caller")
    unprobed.set_priority("counter", 2)
    unprobed.load(build(second))
    unprobed.load_all(build(NEWER), build(replace(second, name="third")))
    assert {one.consumer: one.provider for one in unprobed.graph().edges} == {
        "caller": "rival",
        "second": "counter",
        "third": "newer",
    }


def test_a_cycle_is_loaded_where_one_need_of_it_is_optional(unprobed: Host, build: Workshop) -> None:
    """Whoever came first is bound anew when the other is there."""
    back = replace(STATELESS, requires=(("caller", "^1"),), optional=True, cycle=True)
    there = replace(CALLER_PLUGIN, cycle=True)
    plugins = unprobed.load_all(build(there), build(back))
    assert list(plugins) == ["counter", "caller"]
    assert plugins["caller"].add_there(2) == 2
    graph = unprobed.graph()
    assert {(one.consumer, one.provider) for one in graph.edges} == {("counter", "caller"), ("caller", "counter")}
    assert graph.units == (("counter", "caller"),)
    assert graph.violations == ()


RING = (replace(STATELESS, requires=(("caller", "^1"),), cycle=True), replace(CALLER_PLUGIN, cycle=True))


def test_a_cycle_in_which_every_need_is_required_is_loaded_as_one(unprobed: Host, build: Workshop) -> None:
    """Neither can come first; each is bound to the other before any of them is started."""
    told: list[str] = []
    unprobed.on("plugin.loaded", lambda event: told.append(event.plugin))
    user = replace(CALLER_PLUGIN, name="user")
    plugins = unprobed.load_all(build(user), *map(build, RING), priorities={"counter": 3, "caller": 1})
    assert list(plugins) == told == ["caller", "counter", "user"]
    assert plugins["caller"].add_there(2) == plugins["user"].add_there(0) == 2
    graph = unprobed.graph()
    assert (graph.units[0], graph.violations, graph.plugins["counter"].priority) == (("caller", "counter"), (), 3)
    report = unprobed.reload("counter", build(replace(RING[0], build=2)))
    assert report.set is not None
    assert sorted(report.set.members) == ["caller", "counter"], "a cycle is replaced as one"
    assert (plugins["caller"].add_there(2), plugins["counter"].build()) == (2, 2)


def test_a_cycle_that_is_loaded_as_one_is_bound_as_its_graph_says(unprobed: Host, build: Workshop) -> None:
    """Also where somebody who is there already offers the same, and is preferred less."""
    unprobed.load(build(RIVAL))
    unprobed.set_priority("rival", 1)
    unprobed.load_all(*map(build, RING), priorities={"counter": 2})
    assert {one.consumer: one.provider for one in unprobed.graph().edges} == {
        "caller": "counter",
        "counter": "caller",
    }


def test_the_members_of_a_cycle_are_probed_with_each_other(host: Host, build: Workshop) -> None:
    """Whoever comes first there is bound to the place at which the candidate will serve."""
    reports: list[Any] = []
    host.on("plugin.loaded", lambda event: reports.append(event.facts["report"]))
    host.load_all(*map(build, RING))
    reports.append(host.reload("caller", build(replace(RING[1], version="1.0.1"))))
    assert [one.probe.not_probed for one in reports] == [""] * 3


@pytest.mark.parametrize("step", ["create", "start"])
def test_a_cycle_of_which_one_fails_is_undone_as_one(unprobed: Host, build: Workshop, step: str) -> None:
    """The one before it may serve already when it fails: nobody knew of it, and nothing of it stays."""
    with pytest.raises(PluginError) as caught:
        unprobed.load_all(*map(build, RING), configs={"counter": {"fail": step}})
    assert caught.value.on.startswith("counter")
    assert list(unprobed) == []
    assert unprobed.load_all(*map(build, RING))["caller"].add_there(1) == 1


def test_what_is_said_of_a_misspelt_plugin_is_not_lost(unprobed: Host, build: Workshop) -> None:
    """It would begin without its config, and nobody would be told."""
    image = build(STATELESS)
    with pytest.raises(ValueError, match=r"configs names 'conuter', which is not loaded here: counter"):
        unprobed.load_all(image, configs={"conuter": {"fail": "start"}})
    with pytest.raises(ValueError, match="priorities names 'conuter'"):
        unprobed.load_all(image, priorities={"conuter": 1})
    with pytest.raises(ValueError, match="instances names 'conuter'"):
        unprobed.load_together({"counter": image}, instances={"conuter": {"left": {}}})
    assert list(unprobed) == []


def test_several_are_loaded_as_one_with_their_instances(unprobed: Host, build: Workshop) -> None:
    """What a settings file says of each; and nothing twice."""
    instances: dict[str, dict[str, dict[str, int]]] = {"counter": {"left": {}, "right": {}}}
    images = {"counter": build(RING[0]), "caller": build(RING[1])}
    plugins = unprobed.load_together(images, instances=instances, reason="a ring")
    assert list(plugins) == ["counter", "caller"]
    assert unprobed["counter", "right"].add(1) == 1
    with pytest.raises(ValueError, match="is loaded: reload"):
        unprobed.load_together(images)
    with pytest.raises(ValueError, match="there is no image"):
        unprobed.load_together({})


def test_a_cycle_comes_up_from_its_last_good_as_one(
    build: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build that went wrong over night does not keep the others from serving, nor the one it belongs to."""
    places = {sample.name: shutil.copyfile(build(sample), tmp_path / f"{sample.name}.so") for sample in RING}
    text = "".join(f'[plugins.{name}]\nimage = "{name}.so"\n' for name in places)
    settings = make_settings({}, {}, read_settings(text.encode(), path=str(tmp_path / "hotgraft.toml")))
    told: list[str] = []

    def start() -> Host:
        host = Host(probe="off", journal=tmp_path / "journal")
        start_plugins(host, settings, lambda event, plugin, _: told.append(f"{event} {plugin}"))
        return host

    with start() as host:
        assert host["caller"].add_there(1) == 1
    assert told == []
    shutil.copyfile(build(replace(RING[0], build=2)), tmp_path / "counter.so")
    monkeypatch.setenv("COUNTER_DOES", f"{os.getpid()}:2:start:fail")
    with start() as host:
        assert host["caller"].add_there(1) == 1
        assert host["counter"].build() == 1
    assert told == ["plugin.restored caller", "plugin.restored counter"]


def test_what_is_loaded_counts_as_a_provider_and_is_not_loaded_again(unprobed: Host, build: Workshop) -> None:
    """A host grows plugin by plugin; replacing is another thing than loading."""
    unprobed.load(build(STATELESS))
    assert list(unprobed.load_all(build(CALLER_PLUGIN))) == ["caller"]
    with pytest.raises(ValueError, match="'caller' is loaded"):
        unprobed.load_all(build(CALLER_PLUGIN))


def test_an_optional_need_that_was_not_met_is_told_as_such(unprobed: Host, build: Workshop) -> None:
    """It stays unbound until the plugin is bound anew, whoever comes later."""
    unprobed.load(build(replace(CALLER_PLUGIN, optional=True)))
    unprobed.load(build(STATELESS))
    (unbound,) = unprobed.graph().unbound
    assert (unbound.consumer, unbound.need.interface) == ("caller", "counter")
    unprobed.reload("caller")
    assert unprobed.graph().unbound == ()


def test_one_that_fails_while_it_is_loaded_leaves_those_before_it(unprobed: Host, build: Workshop) -> None:
    """Its own code said no, which no descriptor could tell: the error says what serves."""
    bad = replace(PLAIN, source="create_fails", requires=(("counter", "^1"),))
    with pytest.raises(PluginError, match="no such table"):
        unprobed.load_all(build(bad), build(STATELESS))
    assert list(unprobed) == ["counter"]


def test_a_folder_without_a_plugin_is_refused_unless_that_is_fine(
    unprobed: Host, build: Workshop, tmp_path: Path
) -> None:
    """A path that is one folder off loaded nothing, and said nothing."""
    empty, full = tmp_path / "empty", tmp_path / "full"
    (empty / "below").mkdir(parents=True)
    full.mkdir()
    shutil.copy(build(STATELESS), full)
    with pytest.raises(DependencyError, match=r"no plugin is in it.*there is no \*\.so; nothing was loaded") as caught:
        unprobed.load_all(full, empty)
    assert caught.value.found == (caught.value.found[0],)
    assert str(empty) in caught.value.found[0]
    assert list(unprobed) == []
    for number in range(4):
        shutil.copy(_core.__file__, empty / "below" / f"help{number}.so")
    with pytest.raises(DependencyError, match=r"without one: help0\.so, help1\.so, help2\.so and 1 more"):
        unprobed.load_all(empty)

    assert unprobed.load_all(empty, allow_empty=True) == {}
    assert list(unprobed.load_all(full, empty, allow_empty=True)) == ["counter"]


def test_no_place_at_all_is_a_slip(unprobed: Host) -> None:
    """What is installed may well be nothing; a list that is empty is meant only where that is said."""
    with pytest.raises(ValueError, match="no place is named"):
        unprobed.load_all()
    assert unprobed.load_all(installed=True) == {}
    assert unprobed.load_all(*[], allow_empty=True) == {}


@pytest.mark.parametrize(
    ("inside", "advice"),
    [
        ((), "there is no plugin.toml and no *.so in it: build the plugin (hotgraft build {folder}), or name another"),
        (("b.so", "a.so"), "name the images in it: {folder}/a.so {folder}/b.so"),
        (("a.so", "plugin.toml"), "name what is in it: {folder}/plugin.toml"),
    ],
)
def test_a_folder_to_serve_is_told_what_in_it_may_be_meant(
    unprobed: Host, tmp_path: Path, inside: tuple[str, ...], advice: str
) -> None:
    """`hotgraft run FOLDER` said that a directory is no regular file, and stopped there."""
    for name in inside:
        (tmp_path / name).touch()
    settings = make_settings({}, {}, read_settings(b"", path="hotgraft.toml"), (str(tmp_path),))
    with pytest.raises(ImageError, match="it is a folder; nothing of it is loaded") as caught:
        start_plugins(unprobed, settings, lambda *_: None)
    assert caught.value.advice == advice.format(folder=tmp_path)
