"""What is a figure, what is noise, and what fails a build: with made-up samples."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.judge import Figure, Results, aa_of, figures_of, is_steady, measure_row
from benchmarks.native import percentile
from benchmarks.native.places import file_system_of
from benchmarks.rows import Row, Samples, UnsteadyRunError
from benchmarks.run import choose


def steady(measured: float = 1.2) -> Samples:
    """Return a run in which plain took 1 both times."""
    return Samples([1.0] * 5, [1.0] * 5, [measured] * 5)


def noisy(aa: float = 1.2) -> Samples:
    """Return a run in which plain took 1 and then `aa`."""
    return Samples([1.0] * 5, [aa] * 5, [1.2] * 5)


def row(*runs: Samples, limit: float | None = 1.35) -> Row:
    """Return a row of one build that gives these runs, one after another."""
    waiting = list(runs)
    return Row("made.up", "made up", limit, (lambda: waiting.pop(0),))


def test_a_figure_is_the_ratio_of_medians() -> None:
    """One slow sample says something about the machine, not about the call."""
    run = Samples([1.0, 1.0, 90.0], [1.0, 1.0, 1.0], [1.2, 1.2, 70.0])
    (figure,) = figures_of(row(), [run])
    assert figure.value == pytest.approx(1.2)
    assert figure.aa == pytest.approx(1.0)


def test_a_row_of_several_builds_gives_their_median() -> None:
    """A loop that lies badly in memory is one of three."""
    (figure,) = figures_of(row(), [steady(1.1), steady(1.2), steady(3.0)])
    assert figure.value == pytest.approx(1.2)


def test_the_aa_pair_of_a_row_is_the_worst_of_its_builds() -> None:
    """A person who reads 1.000 must be able to rely on it."""
    (figure,) = figures_of(row(), [steady(), noisy(0.98), noisy(1.01)])
    assert figure.aa == pytest.approx(0.98)


@pytest.mark.parametrize(
    ("aa", "counts"), [(0.9699, False), (0.97, True), (1.0, True), (1.03, True), (1.0301, False), (float("inf"), False)]
)
def test_a_run_counts_from_097_to_103(aa: float, counts: bool) -> None:
    """The design's rule, with both ends."""
    assert is_steady(aa) is counts


def test_a_plain_side_that_took_no_time_never_counts() -> None:
    """A clock that is too coarse must not end in a division by zero."""
    assert not is_steady(aa_of(Samples([0.0], [0.0], [1.0])))


def test_a_discarded_run_is_listed_and_tried_again() -> None:
    """Nobody should wonder what happened to the time."""
    results = Results()
    (figure,) = measure_row(row(noisy(1.2), noisy(0.5), steady()), results)
    assert figure.ok
    assert results.discarded == ["made.up: A/A 1.200", "made.up: A/A 0.500"]
    assert results.exit_code() == 0


def test_a_run_that_says_itself_that_it_does_not_count_is_discarded() -> None:
    """Swaps that came too slowly measured something else."""
    runs = iter([None, steady()])

    def measure() -> Samples:
        run = next(runs)
        if run is None:
            raise UnsteadyRunError("only 700 swaps per second")
        return run

    results = Results()
    (figure,) = measure_row(Row("made.up", "made up", 1.35, (measure,)), results)
    assert figure.ok
    assert results.discarded == ["made.up: only 700 swaps per second"]


def test_a_row_that_is_never_steady_has_no_figure_and_is_no_regression() -> None:
    """A busy machine proves nothing, neither way."""
    results = Results()
    (figure,) = measure_row(row(*[noisy()] * 3), results, attempts=3)
    assert figure.value is None
    assert not figure.ok
    assert len(results.discarded) == 3
    assert results.exit_code() == 1


def test_a_row_without_a_limit_keeps_what_it_gets() -> None:
    """What is only reported is not judged."""
    results = Results()
    (figure,) = measure_row(row(noisy(), limit=None), results)
    assert figure.ok
    assert figure.aa == pytest.approx(1.2)
    assert results.discarded == []


def test_a_row_that_this_machine_cannot_measure_says_why() -> None:
    """Without valgrind nobody counts instructions, and that is no failure."""

    def lacks() -> Samples:
        raise LookupError("valgrind is not installed")

    results = Results()
    assert measure_row(Row("made.up", "made up", 1.0, (lacks,)), results) == []
    assert results.discarded == ["made.up: valgrind is not installed"]
    assert results.exit_code() == 0


def test_a_figure_above_its_limit_is_a_regression_whatever_else_there_is() -> None:
    """Exit 7 is what a release is gated on."""
    results = Results()
    measure_row(row(steady(1.4)), results)
    measure_row(row(noisy(), limit=1.0), results, attempts=1)
    assert results.exit_code() == 7


def test_a_figure_at_its_limit_is_no_regression() -> None:
    """The limit itself is allowed."""
    assert Figure("a", "a", "ratio", 1.35, 1.0, 1.35).ok
    assert not Figure("a", "a", "ratio", 1.3501, 1.0, 1.35).ok


def test_a_limit_may_come_from_the_samples() -> None:
    """Handing over 100 MB may take what handing over nothing takes, three times over."""
    made = Row("made.up", "made up", lambda run: 2.0 + 3.0 * run.plain[0], (steady,), unit="us")
    (figure,) = figures_of(made, [steady(4.9)])
    assert (figure.value, figure.limit, figure.ok) == (4.9, 5.0, True)


def test_one_measurement_may_give_several_figures() -> None:
    """A pause has a median and a worst case."""
    made = Row("pause", "pause", None, (steady,), unit="us", statistics={"p50": lambda series: series[0], "max": max})
    run = Samples([1.0], [1.0], [3.0, 9.0])
    assert [(one.name, one.value) for one in figures_of(made, [run])] == [("pause.p50", 3.0), ("pause.max", 9.0)]


def test_the_line_is_one_line_with_ratio_or_value() -> None:
    """Whoever reads it knows by the key what the number is."""
    results = Results(
        [Figure("a", "A", "ratio", 1.23456, 1.0, 1.35), Figure("b", "B", "us", 2.0, 1.0, None)], ["a: A/A 1.100"]
    )
    line = results.line()
    assert "\n" not in line
    assert json.loads(line) == {
        "figures": [
            {"name": "a", "ratio": 1.2346, "aa": 1.0, "limit": 1.35, "ok": True},
            {"name": "b", "value": 2.0, "aa": 1.0, "unit": "us", "limit": None, "ok": True},
        ],
        "discarded": ["a: A/A 1.100"],
    }


@pytest.mark.parametrize(("share", "expected"), [(0.50, 50), (0.99, 99), (1.0, 100)])
def test_a_percentile_is_a_sample(share: float, expected: int) -> None:
    """Hyndman and Fan's definition 1: nothing is made up between two samples."""
    assert percentile(share, list(range(100, 0, -1))) == expected


def test_rows_are_chosen_by_name_or_by_first_part() -> None:
    """`call` means every call row, and not `caller`."""
    rows = [Row(name, name, None, (steady,)) for name in ("call.a", "call.b", "caller", "pause")]
    assert [one.name for one in choose(rows, ["call", "pause"])] == ["call.a", "call.b", "pause"]
    assert choose(rows, []) == rows
    with pytest.raises(LookupError, match=r"no row 'cal'; there are: call\.a, call\.b, caller, pause"):
        choose(rows, ["cal"])


def test_the_longest_mount_point_says_which_file_system_a_folder_lies_on() -> None:
    """A reload in memory must not pass for one on a disk."""
    mounts = "/dev/vda / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/vdb /tmp/big\\040one xfs rw 0 0\n"
    assert file_system_of(Path("/tmp/a"), mounts) == "tmpfs"
    assert file_system_of(Path("/tmpfoo"), mounts) == "ext4"
    assert file_system_of(Path("/tmp/big one/x"), mounts) == "xfs"
