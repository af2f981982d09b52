"""`hotgraft bench` end to end: programs are compiled against the installed package, run, and their lines are read.

No time is asserted: that is what the command itself is for.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from hotgraft.cli.bench import command, load_benchmarks

from benchmarks.native import rows
from benchmarks.rows import Effort, Row
from benchmarks.run import all_rows

TINY = Effort(samples=2, sample_s=1e-6)


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a script would."""
    whole = [sys.executable, "-m", "hotgraft.cli.main", "bench", *arguments]
    return subprocess.run(whole, capture_output=True, text=True, timeout=120, check=False)


FURTHER = ("call.batch", "call.threads", "hand-over", "convert.narrowed.1MB", "saved.save.hash", "reload.disk")


@pytest.fixture(scope="module")
def tiny_rows() -> dict[str, Row]:
    """All native rows by name; they share what they compile."""
    return {row.name: row for row in rows(TINY)}


@pytest.mark.full
@pytest.mark.parametrize(
    "name",
    ["call.nested", *(pytest.param(one, marks=pytest.mark.full) for one in ("publish", *FURTHER))],
)
def test_a_row_really_runs(tiny_rows: dict[str, Row], name: str) -> None:
    """Every program compiles, answers, and prints what the rows read; hand-over dies if a page of state is touched."""
    run = tiny_rows[name].measures[0]()
    assert len(run.plain) == len(run.again) == TINY.samples
    assert len(run.measured) == 2 * TINY.samples
    assert min([*run.plain, *run.again, *run.measured]) > 0.0


def test_row_names_are_unique() -> None:
    """A name asks for one thing."""
    names = [row.name for row in all_rows(TINY)]
    assert len(set(names)) == len(names)


@pytest.mark.full
def test_json_goes_to_stdout_alone_and_the_table_to_stderr() -> None:
    """A script takes the last line; a person still sees what goes on."""
    done = bench("pause", "--quick", "--json")
    assert done.returncode in (0, 7), done.stderr  # within its limits, or not: that is for an idle machine to say
    found = json.loads(done.stdout)
    assert [one["name"] for one in found["figures"]] == ["pause.p50", "pause.p99", "pause.max"]
    assert all(one["value"] > 0 and one["ok"] in (True, False) for one in found["figures"])
    assert "never rests, p99" in done.stderr


def test_an_unknown_row_is_a_usage_error_that_lists_the_rows() -> None:
    """A typo must not measure nothing and pass."""
    done = CliRunner().invoke(command, ["cal"])
    assert done.exit_code == 2
    assert "no row 'cal'" in done.output
    assert "call.guarded" in done.output


def test_the_list_measures_nothing() -> None:
    """Asking what there is takes no minutes."""
    done = CliRunner().invoke(command, ["--list", "reload"])
    assert done.exit_code == 0
    assert [line.split()[0] for line in done.output.splitlines()] == ["reload.tmpfs", "reload.disk", "reload.whole"]


def test_the_benchmarks_are_found_beside_the_package() -> None:
    """In a checkout its own files are measured, not those of the last installation."""
    folder = Path(load_benchmarks().__path__[0])
    assert (folder / "rows.py").is_file()
