"""What a call from Python costs in instructions: the same on a quiet machine and on a busy one, and so the hard gate.

    python -m benchmarks.python.counting [--gate]

One process under callgrind runs every loop for two numbers of turns; the difference is what a call costs, the
interpreter's part included. Ends with one line of JSON: `figures` and `discarded`. With --gate it exits 7 when a ratio
is above its limit.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from . import interpreters
from .calls import COMPARISONS, Comparison
from .subjects import Subjects, nanobind_root
from .timing import order_for, run_worker
from .worker import UNROLLED

if TYPE_CHECKING:
    from collections.abc import Sequence

TURNS: Final = (20, 220)
SAME: Final = 0.005  # of a loop and the same loop again, unless something else ran in one of them
TRIES: Final = 4
EXIT_REGRESSION: Final = 7
_NAME: Final = re.compile(r"^desc: Trigger: Client Request: (?P<name>\S+) (?P<way>\w+) (?P<turns>\d+)$", re.MULTILINE)
_TOTAL: Final = re.compile(r"^(?:totals|summary): (\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Figure:
    """One comparison in instructions per call."""

    name: str
    plain: float
    measured: float
    ratio: float
    aa: float
    limit: float | None
    ok: bool

    @property
    def is_exact(self) -> bool:
        """The same loop cost the same."""
        return abs(self.aa - 1) < SAME


def read_dumps(texts: Sequence[str]) -> dict[tuple[str, str, int], int]:
    """Return instructions by (comparison, way, turns) from callgrind's dumps; what is no loop's dump is left out."""
    found = {}
    for text in texts:
        name, total = _NAME.search(text), _TOTAL.search(text)
        if name is not None and total is not None:
            found[name["name"], name["way"], int(name["turns"])] = int(total[1])
    return found


def per_call(counts: dict[tuple[str, str, int], int], name: str, way: str) -> float:
    """Return instructions per call of one loop."""
    few, many = TURNS
    return (counts[name, way, many] - counts[name, way, few]) / ((many - few) * UNROLLED)


def figure_of(comparison: Comparison, counts: dict[tuple[str, str, int], int], version: str) -> Figure:
    """Return the figure of one comparison."""
    plain, again, measured = (per_call(counts, comparison.name, way) for way in ("plain", "again", "measured"))
    return Figure(
        name=f"python.{version}.{comparison.name}.instructions",
        plain=round(plain, 2),
        measured=round(measured, 2),
        ratio=round(measured / plain, 3),
        aa=round(again / plain, 4),
        limit=comparison.limit,
        ok=comparison.limit is None or measured / plain <= comparison.limit,
    )


def count(subjects: Subjects, comparisons: Sequence[Comparison]) -> list[Figure]:
    """Count every comparison; again, where the same loop did not cost the same: a thread had woken up in it."""
    subjects.need("counting")
    figures: dict[str, Figure] = {}
    left = list(comparisons)
    for _ in range(TRIES):
        figures |= {one.name: figure for one, figure in zip(left, _counted(subjects, left), strict=True)}
        left = [one for one in comparisons if not figures[one.name].is_exact]
        if not left:
            break
    return [figures[one.name] for one in comparisons]


def _counted(subjects: Subjects, comparisons: Sequence[Comparison]) -> list[Figure]:
    """Run the comparisons under callgrind in one process of the subjects' interpreter."""
    order = order_for(subjects, comparisons, count=list(TURNS))
    with tempfile.TemporaryDirectory() as folder:
        command = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={folder}/out"]
        run_worker([*command, subjects.python], order)
        counts = read_dumps([path.read_text() for path in Path(folder).iterdir()])
    return [figure_of(comparison, counts, subjects.version) for comparison in comparisons]


def main() -> int:
    """Print a table and the line."""
    if shutil.which("valgrind") is None:
        print("valgrind is not installed: no instructions can be counted", file=sys.stderr)
        return 1
    comparisons = [one for one in COMPARISONS if one.plain != "nano" or nanobind_root() is not None]
    discarded = [f"{one.name}: nanobind is not installed" for one in COMPARISONS if one not in comparisons]
    figures = [figure for python in interpreters() for figure in count(Subjects(python), comparisons)]
    for one in figures:
        print(
            f"{one.name:42} {one.measured:8.1f} / {one.plain:8.1f} = {one.ratio:5.3f}  limit {one.limit}  A/A {one.aa}"
        )
    print(json.dumps({"figures": [asdict(one) for one in figures], "discarded": discarded}))
    return EXIT_REGRESSION if "--gate" in sys.argv[1:] and not all(one.ok for one in figures) else 0


if __name__ == "__main__":
    sys.exit(main())
