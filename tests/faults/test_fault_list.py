"""faults.txt: every fault promised so far has its test, its faulty plugin and its outcome, and they exist."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from faulty_files import FILES
from faulty_images import FAULTS

HERE = Path(__file__).parent
NATIVE = HERE.parent / "native"
PLUGINS = HERE.parent / "plugins"

# What this stage promises; a fault leaves this list never, and enters it with its test.
PROMISED = (
    *(f"F{number:02}" for number in range(1, 15)),
    *(f"E{number:02}" for number in range(1, 15)),
    *("E14b", "E15", "E16", "E17", "E18"),
    *(f"C{number:02}" for number in range(1, 12)),
    *(f"I{number:02}" for number in range(1, 17)),
    *(f"M{number:02}" for number in range(1, 12)),
    *("B01", "B02", "B03"),
    *("D01", "D02", "D03", "D04", "D05", "D06", "D07", "D08", "D09", "D10", "D11", "D12"),
    *("K01", "K02", "K03", "K04", "K07", "K08"),
    *("R01", "R02", "R03", "R04", "R05", "R06", "R07", "R08", "R09", "R10"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of faults.txt."""

    fault: str
    outcomes: tuple[str, ...]
    plugins: tuple[str, ...]
    tests: tuple[str, ...]

    def __str__(self) -> str:
        return self.fault


def read_rows() -> tuple[Row, ...]:
    """Return the lines that are not comments."""
    rows = []
    for line in (HERE / "faults.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            fault, outcomes, plugins, tests = line.split(" ", 3)
            named = () if plugins == "-" else tuple(plugins.split(","))
            rows.append(Row(fault, tuple(outcomes.split(",")), named, tuple(tests.split(" | "))))
    return tuple(rows)


ROWS = read_rows()


def docstring_of(file: Path, name: str) -> str:
    """Return what a test function says of itself; fails when there is none of that name."""
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return ast.get_docstring(node) or ""
    pytest.fail(f"{file.name} has no test {name}")


def test_every_promised_fault_has_one_row() -> None:
    """A promise without a test is none."""
    assert tuple(row.fault for row in ROWS) == PROMISED


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_what_a_row_names_exists(row: Row) -> None:
    """A test or plugin that was renamed away must not leave its fault untested."""
    assert set(row.outcomes) <= {"R", "B", "D", "S", "="}
    for plugin in row.plugins:
        assert (PLUGINS / plugin).is_file(), plugin
    kinds = [test.split(" ", 1)[0] for test in row.tests]
    assert "pytest" in kinds  # at least one of them has a live host
    for kind, test in zip(kinds, (test.split(" ", 1)[1] for test in row.tests), strict=True):
        if kind == "pytest":
            file, name = test.split("::")
            docstring_of(HERE / file, name)
        else:
            assert kind == "native", kind
            program, title = test.split(" ", 1)
            assert f'TEST_CASE("{title}")' in (NATIVE / f"{program}.cpp").read_text(), test


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_the_first_test_of_a_row_names_its_fault(row: Row) -> None:
    """Who reads the failure finds the promise."""
    file, name = row.tests[0].removeprefix("pytest ").split("::")

    assert re.search(rf"\b{row.fault}\b", docstring_of(HERE / file, name)), row.tests[0]


def test_every_faulty_image_belongs_to_a_row_that_names_its_plugin() -> None:
    """The table of images and the list of faults are two lists of one thing."""
    rows = {row.fault: row for row in ROWS}
    for fault in (*FILES, *FAULTS):
        assert fault.code in rows, str(fault)
        source = f"{fault.name}.c"
        assert not (PLUGINS / source).exists() or source in rows[fault.code].plugins, str(fault)
