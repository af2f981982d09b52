"""The pure parts of the Python benchmarks: what is compared, and how callgrind's dumps become figures."""

from __future__ import annotations

import ast
import sys
from typing import Any

import pytest

from benchmarks import python as bench
from benchmarks.python import counting
from benchmarks.python.calls import ANY_LIMIT, CALLS, COMPARISONS, Comparison
from benchmarks.python.counting import TRIES, TURNS, Figure, count, figure_of, read_dumps
from benchmarks.python.subjects import Subjects
from benchmarks.python.worker import UNROLLED, make_loop, take_time
from benchmarks.rows import Effort

EFFORT = Effort(samples=1, sample_s=1e-4)


def test_every_call_is_compared_with_the_module_written_by_hand() -> None:
    """A call without a row would have no limit."""
    compared = {one.call for one in COMPARISONS if one.plain == "module"}

    assert compared == set(CALLS)
    assert len({one.name for one in COMPARISONS}) == len(COMPARISONS)


def test_the_limits_are_those_of_the_design() -> None:
    """A limit that drifts is no limit."""
    limits = {one.name: one.limit for one in COMPARISONS}
    named: dict[str, float | None] = {"call": 1.10, "cached": 1.15, "buffer": 1.10, "cffi": 0.20, "nanobind": 0.75}
    named |= {"result.owned": None, "result.leased": None}  # told, not judged

    assert limits == {**named, **{name: ANY_LIMIT for name in limits if name.startswith("any.")}}
    assert ANY_LIMIT == 1.40


@pytest.mark.parametrize("comparison", COMPARISONS, ids=lambda one: one.name)
def test_both_statements_differ_in_their_subject_only(comparison: Comparison) -> None:
    """Else the ratio would tell of something other than the way in."""
    plain, measured = comparison.statements()

    assert ast.parse(plain)
    if comparison.is_cached:
        assert plain == measured == "f(2, 3)"
    else:
        assert measured == "plugin" + plain.removeprefix(comparison.plain)
    assert "plugin" in comparison.text


def test_rows_are_named_after_their_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures of two interpreters must not be taken for each other."""
    monkeypatch.setenv("HOTGRAFT_BENCH_PYTHONS", "")
    rows = bench.rows(EFFORT)
    made, others = rows[: len(COMPARISONS)], rows[len(COMPARISONS) :]

    version = "".join(map(str, sys.version_info[:2]))
    assert [row.name for row in made] == [f"python.{version}.{one.name}" for one in COMPARISONS]
    assert all(len(row.measures) == bench.PROCESSES for row in made)
    assert [row.name for row in others] == ["probe", "graph.whole", "graph.exponent"]


def test_further_interpreters_come_after_this_one_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list may name this one too."""
    monkeypatch.setenv("HOTGRAFT_BENCH_PYTHONS", f"/one/python:{sys.executable}::/one/python")

    assert bench.interpreters() == [sys.executable, "/one/python"]


def dump(name: str, way: str, turns: int, total: int) -> str:
    return f"version: 1\ndesc: Trigger: Client Request: {name} {way} {turns}\nevents: Ir\nsummary: {total}\n"


def test_instructions_of_a_call_are_the_difference_of_two_lengths() -> None:
    """What a loop costs once falls out."""
    few, many = TURNS
    costs = {"plain": 50, "again": 50, "measured": 60}
    texts = [
        dump("call", way, turns, 999 + turns * UNROLLED * cost) for way, cost in costs.items() for turns in (few, many)
    ]
    texts.append("version: 1\ndesc: Trigger: Program termination\nsummary: 5\n")

    figure = figure_of(COMPARISONS[0], read_dumps(texts), "311")

    assert (figure.name, figure.plain, figure.measured) == ("python.311.call.instructions", 50, 60)
    assert (figure.ratio, figure.aa, figure.limit, figure.ok) == (1.2, 1.0, 1.10, False)


def test_a_dump_that_is_missing_is_an_error() -> None:
    """No figure is better than one from half of the counts."""
    with pytest.raises(KeyError):
        figure_of(COMPARISONS[0], read_dumps([dump("call", "plain", TURNS[0], 1)]), "311")


@pytest.mark.parametrize(("disturbed", "tries"), [(0, 1), (1, 2), (9, TRIES)])
def test_what_a_thread_has_disturbed_is_counted_again(
    monkeypatch: pytest.MonkeyPatch, disturbed: int, tries: int
) -> None:
    """One that wakes up in a loop is counted with it; what stays different is told as it is."""
    asked: list[list[str]] = []

    def counted(_: Subjects, comparisons: list[Comparison]) -> list[Figure]:
        asked.append([one.name for one in comparisons])
        aa = 0.99 if len(asked) <= disturbed else 1.0
        return [Figure(one.name, 50, 50, 1.0, aa if one is COMPARISONS[1] else 1.0, None, True) for one in comparisons]

    monkeypatch.setattr(counting, "_counted", counted)
    monkeypatch.setattr(Subjects, "need", lambda *_: None)
    figures = count(Subjects(sys.executable), COMPARISONS[:2])

    assert asked == [[one.name for one in COMPARISONS[:2]]] + [[COMPARISONS[1].name]] * (tries - 1)
    assert [one.name for one in figures] == [one.name for one in COMPARISONS[:2]]
    assert all(one.is_exact for one in figures) == (disturbed < TRIES)


def test_a_loop_runs_its_statement_as_often_as_it_says() -> None:
    """Nanoseconds are divided by that number."""
    calls: list[int] = []
    loop = make_loop("f(1)", {"f": calls.append})
    calls.clear()

    assert loop(3) > 0
    assert len(calls) == 3 * UNROLLED


def test_ways_are_sampled_in_turn_and_every_second_time_backwards() -> None:
    """What drifts while it is measured must not fall on one way."""
    order: list[str] = []

    def loop_of(way: str) -> Any:
        def loop(turns: int) -> int:
            order.append(way)
            return turns * 100

        return loop

    series = take_time({way: loop_of(way) for way in ("plain", "measured", "again")}, 2, 1e-6)

    assert order[-6:] == ["plain", "measured", "again", "again", "measured", "plain"]
    assert series == {way: [100 / UNROLLED] * 2 for way in ("plain", "measured", "again")}
