"""Draws docs/dev.svg from a real session that begins with `hotgraft new`: python tests/dev_picture.py

What was shown is drawn as it was, colours included; what the person did stands before it, marked.
"""

from __future__ import annotations

import html
import re
import sys
import tempfile
from pathlib import Path
from typing import Final

from dev_terminal import COLUMNS, play

CELL, LINE, MARGIN, BAR = 8.0, 18.0, 18.0, 34.0  # pixels
SIZE: Final = 13.3  # of the font, whose cells are 0.602 wide
FOREGROUND, BACKGROUND, DONE = "#d6dbe5", "#161b22", "#e3b341"
COLOURS: Final = {31: "#ff7b72", 32: "#56d364", 33: "#e3b341", 34: "#79c0ff", 35: "#d2a8ff", 36: "#76e3ea"}
ESCAPE: Final = re.compile(r"\x1b\[([0-9;]*)([A-Za-z])")


def picture(transcript: list[tuple[str, str]]) -> str:
    """Return the transcript as SVG."""
    blanks = {number + 1 for number, (kind, _) in enumerate(transcript) if kind == "did"}  # there is one before it
    kept = [entry for number, entry in enumerate(transcript) if number not in blanks or entry[1]]
    lines = [line for kind, text in kept for line in _wrapped(kind, text)][1:]
    width, height = 2 * MARGIN + COLUMNS * CELL, BAR + MARGIN + len(lines) * LINE
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="{SIZE:g}">',
        "<title>hotgraft dev: four saves in a terminal, and what it answers</title>",
        f'<rect width="100%" height="100%" rx="10" fill="{BACKGROUND}"/>',
        *(
            f'<circle cx="{20 + 20 * index}" cy="18" r="6" fill="{colour}"/>'
            for index, colour in enumerate(("#ff5f56", "#ffbd2e", "#27c93f"))
        ),
        *(part for number, spans in enumerate(lines) for part in _drawn(spans, BAR + (number + 1) * LINE - 5)),
    ]
    return "\n".join([*parts, "</svg>", ""])


Span = tuple[int, str, str]  # column, text, attributes


def _wrapped(kind: str, text: str) -> list[list[Span]]:
    """Return a line of the transcript as lines of spans, none longer than the terminal is wide."""
    if kind == "did":
        mark = "" if text.startswith("$") else "⌨ press " if len(text) == 1 else "✎ "
        return [[], [(0, mark + text, f'fill="{DONE}" font-weight="bold"')]]
    lines: list[list[Span]] = [[]]
    column, codes, position = 0, set[int](), 0
    for match in [*ESCAPE.finditer(text), None]:
        piece = text[position : match.start() if match else len(text)]
        while piece:
            taken, piece = piece[: COLUMNS - column], piece[COLUMNS - column :]
            lines[-1].append((column, taken, _attributes(codes)))
            column += len(taken)
            if piece:
                lines.append([])
                column = 0
        if match:
            position = match.end()
            codes = _codes(codes, match[1]) if match[2] == "m" else codes
    return lines


def _codes(before: set[int], text: str) -> set[int]:
    codes = set(before)
    for code in (int(one or 0) for one in text.split(";")):
        codes = set() if code == 0 else codes | {code}
    return codes


def _attributes(codes: set[int]) -> str:
    colour = next((COLOURS[code] for code in sorted(codes) if code in COLOURS), FOREGROUND)
    parts = [f'fill="{colour}"']
    parts += ['font-weight="bold"'] if 1 in codes else []
    parts += ['opacity="0.6"'] if 2 in codes else []
    return " ".join(parts)


def _drawn(spans: list[Span], y: float) -> list[str]:
    """Draw each span at its own column, so that a font of another width moves nothing."""
    parts = []
    for column, text, attributes in spans:
        lead = len(text) - len(text.lstrip(" "))
        shown = text.strip(" ")
        if shown:
            x, length = MARGIN + (column + lead) * CELL, len(shown) * CELL
            parts.append(
                f'<text x="{x:g}" y="{y:g}" textLength="{length:g}" xml:space="preserve" {attributes}>'
                f"{html.escape(shown)}</text>"
            )
    return parts


def main() -> None:
    """Play a session and write the picture."""
    place = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent / "docs" / "dev.svg"
    with tempfile.TemporaryDirectory() as folder:
        terminal = play(Path(folder))
    place.parent.mkdir(exist_ok=True)
    place.write_text(picture(terminal.transcript))
    print(f"{place}: answered {', '.join(f'{one:.0f}' for one in terminal.answers_ms)} ms after each save")


if __name__ == "__main__":
    main()
