"""Readings: what lies between two looks at a generation, and what a look must survive."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from hotgraft.core.histogram import BUCKETS, Histogram, bucket_of
from hotgraft.core.window import Moments, Reading
from hotgraft.host.own_numbers import OwnNumbers
from hotgraft.host.readings import Counts, Look, Looks, reading_between, total

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hotgraft import _core


def meter(
    calls: int, *, errors: int = 0, crashes: int = 0, pushed_off: int = 0, latency_ns: Sequence[int] = ()
) -> _core.MeterReading:
    """Return what the core reads of a meter."""
    counts = [0] * BUCKETS
    for ns in latency_ns:
        counts[bucket_of(ns)] += 1
    return (True, calls, errors, crashes, len(latency_ns), pushed_off, 0, tuple(counts))


UNMETERED: _core.MeterReading = (False, 0, 0, 0, 0, 0, 0, (0,) * BUCKETS)


class Generation:
    """As much of one as looks want."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.stage = "active"


class Scene:
    """A plugin whose meters, clock and health say what they are told."""

    def __init__(self) -> None:
        self.meters: list[_core.MeterReading] = []
        self.now_s = 100.0
        self.health = (0, 0)
        self.loaded = cast("Any", SimpleNamespace(own_numbers=OwnNumbers(), serving=None))
        self.looks = Looks(
            self.loaded, health=lambda: self.health, clock_s=lambda: self.now_s, read_meters=lambda _: self.meters
        )
        self.publish(1)

    def publish(self, number: int) -> None:
        """Another generation serves."""
        self.loaded.serving = SimpleNamespace(generation=Generation(number))

    def report(self, name: str, value: float) -> None:
        """Report about what serves."""
        self.loaded.own_numbers.report("gain", self.loaded.serving.generation, name, value)

    def take(self, *meters: _core.MeterReading, passed_s: float = 0.5) -> Reading | None:
        """Look half a second later, when the meters say this."""
        self.now_s += passed_s
        self.meters = list(meters)
        number, reading = self.looks.take()
        assert number == self.loaded.serving.generation.number
        return reading


def test_the_counts_of_all_instances_are_put_together() -> None:
    """A version is judged as a whole."""
    left = meter(10, errors=1, crashes=1, pushed_off=2, latency_ns=[100, 200])
    right = meter(5, errors=3, latency_ns=[100])

    assert total([left, right]) == Counts(
        calls=15, errors=4, crashes=1, pushed_off=2, latency=Histogram.of([100, 100, 200])
    )


def test_a_reading_is_the_difference_of_two_looks() -> None:
    """Every field of it: one that is left out would never be judged."""
    scene = Scene()
    scene.health = (3, 1)
    assert scene.take(meter(100, errors=9, crashes=4, pushed_off=2, latency_ns=[50, 70])) is None
    scene.health = (5, 2)
    scene.report("queue", 4.0)
    reading = scene.take(meter(130, errors=12, crashes=5, pushed_off=9, latency_ns=[50, 70, 70, 90]), passed_s=0.25)

    assert reading == Reading(
        duration_s=0.25,
        calls=30,
        errors=3,
        latency=Histogram.of([70, 90]),
        pushed_off=7,
        crashes=1,
        health_checks=2,
        health_failures=1,
        own={"queue": Moments(1, 4.0)},
    )


def test_the_first_look_is_where_a_generation_begins() -> None:
    """What it did on another day, or what was reported then, belongs to no half second."""
    scene = Scene()
    scene.report("queue", 1e6)
    scene.health = (900, 90)
    assert scene.take(meter(10**9, errors=10**6)) is None
    reading = scene.take(meter(10**9 + 1, errors=10**6))

    assert reading == Reading(duration_s=0.5, calls=1)


def test_an_instance_that_was_added_counts_from_its_first_call() -> None:
    """It serves as the others do."""
    scene = Scene()
    scene.take(meter(100, latency_ns=[50]))
    reading = scene.take(meter(110, latency_ns=[50]), meter(7, errors=2, latency_ns=[90]))

    assert reading == Reading(duration_s=0.5, calls=17, errors=2, latency=Histogram.of([90]))


def test_a_generation_without_a_meter_has_readings_without_calls() -> None:
    """More generations than meters is no reason to fail: its health and its own numbers are still known."""
    scene = Scene()
    scene.take(UNMETERED)
    scene.health = (1, 1)
    scene.report("queue", 2.0)

    assert scene.take(UNMETERED) == Reading(
        duration_s=0.5, health_checks=1, health_failures=1, own={"queue": Moments(1, 2.0)}
    )


def test_an_instance_without_a_meter_leaves_the_others_readable() -> None:
    """One index was left, and the plugin has two instances."""
    scene = Scene()
    scene.take(meter(5), UNMETERED)
    reading = scene.take(meter(8), UNMETERED)
    assert reading is not None and reading.calls == 3


def test_another_generation_begins_afresh_whatever_its_meters_say() -> None:
    """Its counts are lower than the old one's, or higher: the difference would be neither's."""
    scene = Scene()
    scene.take(meter(100, latency_ns=[50]))
    scene.publish(2)
    assert scene.take(meter(3)) is None
    assert scene.take(meter(5)) == Reading(duration_s=0.5, calls=2)
    scene.publish(1)  # a rollback publishes the old one again
    assert scene.take(meter(500)) is None


def test_health_that_is_counted_anew_is_no_negative_count() -> None:
    """Who checks health may begin again for a generation, or when it is switched on."""
    scene = Scene()
    scene.health = (50, 10)
    scene.take(meter(0))
    scene.health = (2, 1)
    reading = scene.take(meter(0))
    assert reading is not None and (reading.health_checks, reading.health_failures) == (2, 1)


def test_looks_at_two_generations_have_nothing_between() -> None:
    """The arithmetic refuses what would be a difference of unlike things."""
    first, second = (Look(generation=number, at_s=1.0, counts=Counts()) for number in (1, 2))
    with pytest.raises(ValueError, match="generations 1 and 2: there is nothing between"):
        reading_between(first, second, {})


def test_looks_in_the_wrong_order_are_refused() -> None:
    """A negative duration would make every rate nonsense."""
    early, late = (Look(generation=1, at_s=at_s, counts=Counts()) for at_s in (1.0, 2.0))
    with pytest.raises(ValueError, match="duration_s is -1"):
        reading_between(late, early, {})
