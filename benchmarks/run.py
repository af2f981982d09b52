"""Which rows there are, and measuring them one after another: what `hotgraft bench` calls."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from . import instructions
from .judge import Figure, Results, measure_row
from .native.build import Workshop
from .rows import Effort, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FULL: Final = Effort(samples=300, sample_s=0.001)
QUICK: Final = Effort(samples=60, sample_s=0.0003)
FOLDERS: Final = ("native", "python")


def all_rows(effort: Effort) -> list[Row]:
    """Return every row there is, in the order of the report; nothing is measured yet."""
    found: list[Row] = []
    for name in FOLDERS:
        if (Path(__file__).parent / name / "__init__.py").is_file():
            found += importlib.import_module(f".{name}", __package__).rows(effort)
    workshop = Workshop()
    return [
        *found,
        *instructions.rows(workshop),
        *instructions.convert_rows(workshop),
        *instructions.saved_rows(workshop),
    ]


def choose(rows: Sequence[Row], names: Sequence[str]) -> list[Row]:
    """Return the rows that `names` ask for: a whole name, or its first parts (`call` for every `call.…`); all for none.

    Raises:
        LookupError: a name asks for nothing; it lists what there is.
    """
    for name in names:
        if not any(_is_asked_for(row, [name]) for row in rows):
            raise LookupError(f"there is no row {name!r}; there are: {', '.join(row.name for row in rows)}")
    return [row for row in rows if not names or _is_asked_for(row, names)]


def _is_asked_for(row: Row, names: Sequence[str]) -> bool:
    return any(f"{row.name}.".startswith(f"{name}.") for name in names)


def measure(
    rows: Sequence[Row], *, begin: Callable[[Row], None], end: Callable[[Row, Sequence[Figure]], None]
) -> Results:
    """Measure the rows; `begin` is told before each, `end` after it what came of it."""
    results = Results()
    for row in rows:
        begin(row)
        end(row, measure_row(row, results))
    return results
