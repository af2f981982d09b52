"""Every Python row runs from its sources to its samples; how long anything took is not asked."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.python.calls import COMPARISONS
from benchmarks.python.counting import count
from benchmarks.python.graph import fitted_exponent, measure_exponent, measure_whole
from benchmarks.python.subjects import Subjects, nanobind_root
from benchmarks.python.timing import measure, order_for, run_worker
from benchmarks.rows import Effort

ROOT = Path(__file__).resolve().parent.parent
THERE = [one for one in COMPARISONS if one.plain != "nano"]


@pytest.fixture(scope="module")
def subjects() -> Subjects:
    return Subjects(sys.executable)


@pytest.mark.full
def test_every_comparison_gives_three_series(subjects: Subjects) -> None:
    """A row that cannot run would be found only by whoever waits for a figure."""
    done = run_worker([sys.executable], order_for(subjects, THERE, time={"samples": 2, "sample_s": 1e-6}))
    answer = json.loads(done.stdout)

    assert list(answer) == [one.name for one in THERE]
    for series in answer.values():
        assert [len(series[way]) for way in ("plain", "again", "measured")] == [2, 2, 2]
        assert all(value > 0 for way in series.values() for value in way)


@pytest.mark.full
def test_a_measure_answers_samples(subjects: Subjects) -> None:
    """What the harness calls."""
    found = measure(subjects, COMPARISONS[0], Effort(samples=2, sample_s=1e-6), 1)

    assert len(found.plain) == len(found.again) == len(found.measured) == 2


def test_the_rows_of_the_graph_give_three_series() -> None:
    """On a small system; the exponent of what is known is found."""
    for found in (measure_whole(40, 2), measure_exponent((20, 40), 2)):
        assert (len(found.plain), len(found.again), len(found.measured)) == (2, 2, 4)
    assert fitted_exponent((10, 20, 40), [3.0, 6.0, 12.0]) == pytest.approx(1.0)
    assert fitted_exponent((10, 20, 40), [3.0, 12.0, 48.0]) == pytest.approx(2.0)


@pytest.mark.full
def test_a_worker_that_fails_says_why(subjects: Subjects) -> None:
    """An empty series would be judged as one."""
    order = {**order_for(subjects, THERE[:1], time={"samples": 1, "sample_s": 1e-6}), "image": "/nothing/here.so"}

    with pytest.raises(RuntimeError, match=r"(?s)ended with 1:.*here\.so"):
        run_worker([sys.executable], order)


@pytest.mark.full
def test_nanobind_is_built_and_compared(subjects: Subjects) -> None:
    """Its sources take half a minute to compile."""
    if nanobind_root() is None:
        pytest.skip("nanobind is not installed: pip install 'hotgraft[bench]'")
    chosen = [one for one in COMPARISONS if one.plain == "nano"]

    found = measure(subjects, chosen[0], Effort(samples=2, sample_s=1e-6), 0)

    assert len(found.measured) == 2


@pytest.mark.full
def test_instructions_are_counted_exactly(subjects: Subjects) -> None:
    """The same loop twice must cost the same, or the gate is no gate."""
    assert shutil.which("valgrind") is not None, "this test needs valgrind"

    figures = count(subjects, THERE)

    assert [figure.name.split(".", 2)[2] for figure in figures] == [f"{one.name}.instructions" for one in THERE]
    for figure in figures:
        assert abs(figure.aa - 1) < 0.005, figure
        assert figure.measured > 0


@pytest.mark.full
def test_the_suite_runs_under_pytest_benchmark(tmp_path: Path) -> None:
    """It is not among the tests of plain `pytest`, so nothing else would notice that it broke."""
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "pytest", "benchmarks", "-n0", "-q", "-p", "no:cacheprovider", "--no-header"]
    command += ["--benchmark-max-time=0.01", "--benchmark-min-rounds=1", f"--benchmark-json={report}"]
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}  # else: a worker's
    done = subprocess.run(command, cwd=ROOT, env=alone, capture_output=True, text=True, check=False, timeout=280)

    assert done.returncode == 0, done.stdout + done.stderr
    groups = {one["group"] for one in json.loads(report.read_text())["benchmarks"]}
    assert {"swap", "load", "publish", "1000 calls in a coroutine"} <= groups
