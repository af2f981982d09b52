"""Tests host/host_graph.py: many plugins are loaded in their order or not at all, and a host says who calls whom."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hotgraft import DependencyError, Host, PluginError
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


def test_a_cycle_that_cannot_be_loaded_one_by_one_is_refused_with_the_way_out(unprobed: Host, build: Workshop) -> None:
    """The way out is said, and nothing is loaded."""
    back = replace(STATELESS, requires=(("caller", "^1"),), cycle=True)
    with pytest.raises(DependencyError, match="one need of each cycle must be optional"):
        unprobed.load_all(build(replace(CALLER_PLUGIN, cycle=True)), build(back))
    assert list(unprobed) == []


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
