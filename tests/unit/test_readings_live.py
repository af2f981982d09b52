"""Readings and own numbers through a host: real meters, a second instance, a pin, a generation that is replaced."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import Host, PluginError
from hotgraft.core.window import Moments, Reading
from hotgraft.host.readings import Looks
from hotgraft.host.sampling import process_sampling
from sample_plugins import STATELESS

if TYPE_CHECKING:
    from sample_plugins import Workshop


def test_readings_of_a_plugin_that_is_called_extended_and_replaced(unprobed: Host, build: Workshop) -> None:
    """The whole of it through a host without probation, which would look as well."""
    counter: Any = unprobed.load(build(STATELESS))
    looks = Looks(counter._owner.loaded, health=lambda: (0, 0), clock_s=lambda: 0.0)
    counter.add(1)
    assert looks.take() == (1, None)
    with process_sampling().claim(2_000):
        for _ in range(5_000):
            counter.add(1)
        with pytest.raises(PluginError):
            counter.fail(-1)
        second: Any = unprobed.load("counter", instance="second")
        second.add(1)
        counter.report("queue", 3)
        second.report("queue", 5.0)
        number, reading = looks.take()
    assert reading is not None
    assert (number, reading.calls, reading.errors, reading.crashes) == (1, 5_002, 1, 0)
    assert reading.latency.total + reading.pushed_off > 0
    assert reading.own == {"queue": Moments(2, 4.0, 1.0)}

    unprobed.reload("counter", build(replace(STATELESS, build=2)))
    assert looks.take() == (2, None)
    second.add(1)
    assert looks.take() == (2, Reading(duration_s=0.0, calls=1))


def test_a_pin_reports_about_the_generation_it_holds(unprobed: Host, build: Workshop) -> None:
    """What a session on the old one sees says nothing about the new one."""
    counter: Any = unprobed.load(build(STATELESS))
    own_numbers, old = counter._owner.loaded.own_numbers, counter._owner.loaded.serving.generation
    with counter.pin() as pinned:
        unprobed.reload("counter", build(replace(STATELESS, build=2)))
        pinned.report("queue", 100)
        counter.report("queue", 2)
        new = counter._owner.loaded.serving.generation

        assert own_numbers.take(old) == {"queue": Moments(1, 100.0)}
        assert own_numbers.take(new) == {"queue": Moments(1, 2.0)}


def test_a_report_says_which_plugin_could_not_have_it(unprobed: Host, build: Workshop) -> None:
    """A program reports about several, from one place."""
    counter = unprobed.load(build(STATELESS))
    with pytest.raises(ValueError, match="plugin 'counter': could not report 'queue': the value is nan"):
        counter.report("queue", math.nan)
