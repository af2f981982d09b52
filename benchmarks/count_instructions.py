"""Count what a guarded call adds to a plain one, by callgrind: the same numbers on a quiet machine and on a busy one.

Builds the loops of native/calls.c with each compiler of the machine against the installed package, runs each way for
two numbers of rounds, and takes the difference: what start-up costs falls out. Ends with one line of JSON: `figures`,
each with its `limit` and whether it is `ok`, and what was `discarded`.

    python benchmarks/count_instructions.py [--gate]

With --gate it exits 7 when a count is above its `gate`: the count of today, which must not grow unnoticed.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import hotgraft
from hotgraft.engine.build import build_plugin

NATIVE: Final = Path(__file__).resolve().parent / "native"
PACKAGE: Final = Path(hotgraft.__path__[0])
ROUNDS: Final = (10_000, 110_000)
COMPILERS: Final = ("gcc", "clang")
EXIT_REGRESSION: Final = 7


@dataclass(frozen=True, slots=True)
class Figure:
    """A way to call beside the plain one; limit is what the design promises, gate what each compiler reaches today."""

    name: str
    way: str
    plain: str
    limit: int
    gates: dict[str, int]


FIGURES: Final = (
    Figure("guard and gate, added instructions", "guarded", "plain", 15, {"gcc": 17, "clang": 12}),
    Figure("nested through call.h, added instructions", "nested", "nested-plain", 18, {"gcc": 15, "clang": 12}),
)


class Loops:
    """The measured program, built by one compiler."""

    def __init__(self, folder: Path, compiler: str) -> None:
        self._folder = folder
        self._images = [self._plugin(name, compiler) for name in ("provider", "consumer")]
        self._program = folder / "calls"
        library = PACKAGE / "lib"
        command = [compiler, "-std=gnu11", "-O2", f"-I{PACKAGE / 'include'}", f"-I{NATIVE}", str(NATIVE / "calls.c")]
        command += ["-o", str(self._program), str(library / "libhotgraft.so.1"), f"-Wl,-rpath,{library}"]
        subprocess.run(command, check=True)

    def _plugin(self, name: str, compiler: str) -> str:
        source = shutil.copytree(NATIVE, self._folder / "sources", dirs_exist_ok=True) / name
        return str(build_plugin(source, output=self._folder / f"{name}.so", compiler=compiler))

    def count(self, way: str) -> float:
        """Return instructions per round."""
        first, last = (self._instructions(way, rounds) for rounds in ROUNDS)
        return (last - first) / (ROUNDS[1] - ROUNDS[0])

    def _instructions(self, way: str, rounds: int) -> int:
        with tempfile.TemporaryDirectory() as staged:
            command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", str(self._program)]
            command += [staged, *self._images, way, str(rounds)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
        found = re.search(r"Collected : (\d+)", done.stderr)
        if found is None:
            raise RuntimeError(f"callgrind counted nothing: {done.stderr}")
        return int(found[1])


def measure(compiler: str) -> list[dict[str, object]]:
    """Return the figures of one compiler."""
    with tempfile.TemporaryDirectory() as name:
        loops = Loops(Path(name), compiler)
        rows: list[dict[str, object]] = []
        for figure in FIGURES:
            plain, again = loops.count(figure.plain), loops.count(figure.plain)
            added = round(loops.count(figure.way) - plain)
            rows.append(
                {
                    "name": f"{figure.name}, {compiler}",
                    "value": added,
                    "aa": round(again / plain, 4),
                    "limit": figure.limit,
                    "ok": added <= figure.limit,
                    "gate": figure.gates[compiler],
                }
            )
    return rows


def main() -> int:
    """Print a table and the line; return 0, or 7 when --gate is asked for and a count grew."""
    there = [one for one in COMPILERS if shutil.which(one)]
    figures = [row for compiler in there for row in measure(compiler)]
    for row in figures:
        print(f"{row['name']:55} {row['value']:>4}  limit {row['limit']}  gate {row['gate']}  A/A {row['aa']}")
    discarded = [f"{one}: not installed" for one in COMPILERS if one not in there]
    print(json.dumps({"figures": figures, "discarded": discarded}))
    grew = any(int(str(row["value"])) > int(str(row["gate"])) for row in figures)
    return EXIT_REGRESSION if grew and "--gate" in sys.argv[1:] else 0


if __name__ == "__main__":
    sys.exit(main())
