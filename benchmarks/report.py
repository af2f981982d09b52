"""The table a person reads: one line per figure, written when it is known."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, TextIO

from .rows import RATIO, Row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .judge import Figure, Results

WIDTHS: Final = (62, 14, 9, 7)
UNITS: Final = {RATIO: "\N{MULTIPLICATION SIGN}", "us": "µs", "instructions": "instr."}


class Report:
    """Writes the table to `out`; on a terminal it also says what is being measured."""

    def __init__(self, out: TextIO, *, is_live: bool) -> None:
        self._out = out
        self._is_live = is_live

    def head(self) -> None:
        """Write the table's head."""
        self._write(_line("measured / compared with", "figure", "limit", "A/A"))

    def begin(self, row: Row) -> None:
        """Say what is being measured."""
        if self._is_live:
            self._out.write(f"\r\033[Kmeasuring {row.text} …")
            self._out.flush()

    def end(self, row: Row, figures: Sequence[Figure]) -> None:
        """Write the lines of a row that was measured."""
        if self._is_live:
            self._out.write("\r\033[K")
        for figure in figures:
            suffix = figure.name.removeprefix(row.name).lstrip(".")
            text = f"{row.text}, {suffix}" if suffix else row.text
            self._write(_line(text, _amount(figure), _limit(figure), _aa(figure)) + f"  {_verdict(figure)}")
        if not figures:
            self._write(_line(row.text, "-", "", "") + "  not here")

    def foot(self, results: Results) -> None:
        """Say what was discarded and what came out."""
        for reason, count in Counter(results.discarded).items():
            self._write(f"discarded: {reason}" + (f" ({count} times)" if count > 1 else ""))
        above = [one.name for one in results.figures if one.value is not None and not one.ok]
        unsteady = [one.name for one in results.figures if one.value is None]
        if above:
            self._write(f"above its limit: {', '.join(above)}")
        if unsteady:
            self._write(f"not measured, the machine was too busy: {', '.join(unsteady)}")
        if not above and not unsteady:
            self._write("every figure keeps its limit")

    def _write(self, line: str) -> None:
        self._out.write(line + "\n")
        self._out.flush()


def _line(text: str, figure: str, limit: str, aa: str) -> str:
    first, second, third, fourth = WIDTHS
    return f"{text:{first}}{figure:>{second}}{limit:>{third}}{aa:>{fourth}}"


def _amount(figure: Figure) -> str:
    if figure.value is None:
        return "?"
    unit = UNITS.get(figure.unit, figure.unit)
    return f"{figure.value:.0f} {unit}" if figure.unit == "instructions" else f"{figure.value:.2f} {unit}"


def _limit(figure: Figure) -> str:
    if figure.limit is None:
        return ""
    return f"{figure.limit:.0f}" if figure.unit == "instructions" else f"{figure.limit:.2f}"


def _aa(figure: Figure) -> str:
    return "" if figure.aa is None else f"{figure.aa:.3f}"


def _verdict(figure: Figure) -> str:
    if figure.value is None:
        return "too busy"
    if figure.limit is None:
        return ""
    return "ok" if figure.ok else "ABOVE"
