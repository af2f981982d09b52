"""A program's own numbers: their moments since the last look, whose they are, and what is no number or no name."""

from __future__ import annotations

import math
import threading
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

import pytest
from hotgraft.core.window import Moments
from hotgraft.host.own_numbers import LARGEST, NAME_LENGTH_MOST, NAMES_MOST, OwnNumbers

if TYPE_CHECKING:
    from hotgraft import _core


class Generation:
    """As much of one as numbers are kept by."""

    def __init__(self, number: int = 1) -> None:
        self.number = number
        self.stage = "active"


def report(numbers: OwnNumbers, generation: Generation, name: Any, *values: Any) -> None:
    """Report values about a generation of the plugin "gain"."""
    for value in values:
        numbers.report("gain", cast("_core.Generation", generation), name, value)


def take(numbers: OwnNumbers, generation: Generation) -> dict[str, Moments]:
    """Look at a generation's numbers."""
    return dict(numbers.take(cast("_core.Generation", generation)))


def test_moments_are_those_of_the_values() -> None:
    """Far from 0 as well, where a sum of squares would have lost the variance."""
    numbers, generation = OwnNumbers(), Generation()
    values = [1e9 + one for one in (4.0, 7.0, 13.0, 16.0, -2.5)]
    report(numbers, generation, "queue", *values)
    taken, expected = take(numbers, generation)["queue"], Moments.of(values)

    assert taken.count == 5
    assert taken.mean == pytest.approx(expected.mean, rel=1e-15)
    assert taken.variance == pytest.approx(expected.variance, rel=1e-6)


def test_a_look_begins_afresh() -> None:
    """A reading is of half a second; what was before it is in an earlier one."""
    numbers, generation = OwnNumbers(), Generation()
    report(numbers, generation, "queue", 1, 3)
    report(numbers, generation, "score", 0.5)
    assert take(numbers, generation) == {"queue": Moments(2, 2.0, 1.0), "score": Moments(1, 0.5)}
    report(numbers, generation, "queue", 7)
    assert take(numbers, generation) == {"queue": Moments(1, 7.0)}
    assert take(numbers, generation) == {}


def test_generations_have_their_own() -> None:
    """They are what is compared."""
    numbers, old, new = OwnNumbers(), Generation(1), Generation(2)
    report(numbers, old, "queue", 1)
    report(numbers, new, "queue", 5)
    report(numbers, old, "queue", 3)

    assert take(numbers, new) == {"queue": Moments(1, 5.0)}
    assert take(numbers, old) == {"queue": Moments(2, 2.0, 1.0)}


def test_numbers_of_generations_that_left_memory_are_forgotten() -> None:
    """A host that reloads for years must not grow."""
    numbers = OwnNumbers()
    for number in range(100):
        generation = Generation(number)
        report(numbers, generation, "queue", 1)
        generation.stage = "unloaded"

    assert len(numbers._by_generation) == 1


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 2 * LARGEST, -2 * LARGEST, 10**400, Decimal("sNaN")])
def test_what_is_no_finite_number_is_refused_and_not_counted(value: Any) -> None:
    """One of them would make mean and variance of all others meaningless."""
    numbers, generation = OwnNumbers(), Generation()
    report(numbers, generation, "queue", 1)
    with pytest.raises(ValueError, match=r"plugin 'gain': could not report 'queue': .* between -1e100 and 1e100"):
        report(numbers, generation, "queue", value)
    assert take(numbers, generation) == {"queue": Moments(1, 1.0)}


@pytest.mark.parametrize("value", [None, "1", b"1", True, 1j, [1.0]])
def test_what_is_of_another_kind_is_refused(value: Any) -> None:
    """float("1") would have taken it."""
    with pytest.raises(TypeError, match=rf"'queue': the value is of type {type(value).__name__}, a number is wanted"):
        report(OwnNumbers(), Generation(), "queue", value)


@pytest.mark.parametrize("value", [3, Decimal("3"), Fraction(3), LARGEST, -LARGEST])
def test_numbers_of_other_types_are_taken(value: Any) -> None:
    """A queue's length is an int."""
    numbers, generation = OwnNumbers(), Generation()
    report(numbers, generation, "queue", value)
    assert take(numbers, generation) == {"queue": Moments(1, float(value))}


def test_the_largest_numbers_have_moments() -> None:
    """Squares that are no float would end the look."""
    numbers, generation = OwnNumbers(), Generation()
    report(numbers, generation, "queue", *[LARGEST, -LARGEST] * 1_000)
    assert math.isfinite(take(numbers, generation)["queue"].variance)


@pytest.mark.parametrize("name", ["", "a" * (NAME_LENGTH_MOST + 1), "two\nlines", "\x1b[31m"])
def test_a_name_that_cannot_be_shown_is_refused(name: str) -> None:
    """It stands in verdicts, reports and the journal."""
    numbers, generation = OwnNumbers(), Generation()
    with pytest.raises(ValueError, match=r"plugin 'gain': could not report .*1 to 64 characters that can be printed"):
        report(numbers, generation, name, 1)
    assert take(numbers, generation) == {}


@pytest.mark.parametrize("name", [None, 7, b"queue", ["queue"]])
def test_a_name_of_another_type_is_refused(name: Any) -> None:
    """Also one that no dict could look up."""
    with pytest.raises(TypeError, match=rf"its name is of type {type(name).__name__}, a str is wanted"):
        report(OwnNumbers(), Generation(), name, 1)


def test_one_name_too_many_is_refused_and_the_others_go_on() -> None:
    """A name made of a user's id would grow without end; looking does not make room for it."""
    numbers, generation = OwnNumbers(), Generation()
    for index in range(NAMES_MOST):
        report(numbers, generation, f"number {index}", 1)
    take(numbers, generation)
    with pytest.raises(ValueError, match=r"could not report 'one more': 32 names .* generation 1 .* number 31 go"):
        report(numbers, generation, "one more", 1)
    report(numbers, generation, "number 31", 2)
    assert take(numbers, generation) == {"number 31": Moments(1, 2.0)}
    report(numbers, Generation(2), "one more", 1)  # a new version may have other names


def test_reports_of_many_threads_are_all_counted_beside_looks() -> None:
    """None lost, none twice."""
    numbers, generation = OwnNumbers(), Generation()
    threads = [threading.Thread(target=report, args=(numbers, generation, "queue", *[1.0] * 5_000)) for _ in range(4)]
    for thread in threads:
        thread.start()
    looks = []
    while any(thread.is_alive() for thread in threads):
        looks.append(take(numbers, generation))
    for thread in threads:
        thread.join()
    looks.append(take(numbers, generation))

    assert sum(look["queue"].count for look in looks if look) == 4 * 5_000


def test_a_report_from_a_handler_that_interrupts_one_does_not_hang() -> None:
    """Python runs handlers of signals between any two instructions of the main thread."""
    numbers, generation = OwnNumbers(), Generation()
    with numbers._lock:
        report(numbers, generation, "queue", 1)
    assert take(numbers, generation)["queue"].count == 1


def test_in_a_forked_child_a_report_does_not_wait_for_a_thread_of_the_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who held the lock at the fork is not there to release it."""
    numbers, generation = OwnNumbers(), Generation()
    is_held, is_over = threading.Event(), threading.Event()

    def hold() -> None:
        with numbers._lock:
            is_held.set()
            is_over.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    assert is_held.wait(60)
    monkeypatch.setattr("hotgraft.host.own_numbers._core.is_forked_child", lambda: True)
    report(numbers, generation, "queue", 1)
    is_over.set()
    holder.join()

    assert take(numbers, generation) == {}
