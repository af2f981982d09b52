"""Count what a guarded call adds to a plain one, and what converting, saving or restoring a state takes, by callgrind:
the same numbers on a quiet machine and on a busy one.

Builds the loops of native/ with each compiler of the machine at -O2 and -O3 against the installed package, and lets
callgrind count three runs of all loops that differ in the number of rounds only: in the differences, what start-up
costs falls out, and two differences make an A/A pair.
"""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache, partial
from typing import Final

from hotgraft.core.errors import HotgraftError

from .judge import EXIT_DONE, EXIT_REGRESSION, Figure, Results, measure_row
from .native.build import UNMETERED, Variant, Workshop
from .native.conversions import EDITS, Edit
from .rows import Row, Samples

ROUNDS: Final = (6_400, 32_000, 57_600)
# Of a conversion: a block of so many states, converted so often.
STATES: Final = 4_000  # in a block: what a block takes by itself, some 500 instructions, does not show
BLOCKS: Final = (10, 40, 70)
# Of a saved map: so many entries, saved or restored so often; what it takes today, the map's own work included.
SAVED_ENTRIES: Final = 2_000
SAVED_ROUNDS: Final = (2, 6, 10)
SAVED_GATES: Final = {
    ("save", "map", "std::map"): 410,
    ("save", "hash", "std::unordered_map"): 460,
    ("restore", "map", "std::map"): 630,
    ("restore", "hash", "std::unordered_map"): 810,
}
COMPILERS: Final = {"gcc": "g++", "clang": "clang++"}
LEVELS: Final = ("-O2", "-O3")


@dataclass(frozen=True, slots=True)
class Way:
    """A way to call beside the plain one: the loops' names in loops.h, how they are compiled, what the design promises.

    `gates` is what each compiler reaches today, which must not grow unnoticed. Never above the limit.
    """

    name: str
    text: str
    plain: str
    measured: str
    limit: int
    gates: dict[str, int]
    flags: tuple[str, ...] = ()


# Guard and gate alone is guard protocol 1, which a plugin may ask call.h for; with meters is what call.h gives. One
# instruction of protocol 1 is there for its time: call.h, hotgraft_raise_depth().
WAYS: Final = (
    Way("guarded", "guard and gate", "run_plain", "run_guarded", 15, {"gcc": 14, "clang": 13}, UNMETERED),
    Way("guarded-cpp", "the same, Batch", "run_plain", "run_guarded_cpp", 15, {"gcc": 14, "clang": 13}, UNMETERED),
    Way("nested", "nested through call.h", "run_nested_plain", "run_nested", 18, {"gcc": 14, "clang": 13}, UNMETERED),
    Way("metered", "with meters", "run_plain", "run_guarded", 18, {"gcc": 16, "clang": 18}),
    Way("metered-cpp", "with meters, Batch", "run_plain", "run_guarded_cpp", 18, {"gcc": 18, "clang": 18}),
    Way("metered-nested", "nested, with meters", "run_nested_plain", "run_nested", 21, {"gcc": 16, "clang": 18}),
)


def rows(workshop: Workshop) -> list[Row]:
    """Return one row per way to call, compiler of this machine and optimization level."""
    return [
        Row(
            f"instructions.{way.name}.{compiler}{level}",
            f"{way.text}: added instructions, {compiler} {level}",
            way.limit,
            (partial(_added, workshop, way, compiler, level),),
            unit="instructions",
        )
        for way in WAYS
        for compiler in COMPILERS
        for level in LEVELS
    ]


def convert_rows(workshop: Workshop) -> list[Row]:
    """Return one row per edit of a layout; the code that is counted is that of the installed package."""
    return [
        Row(
            f"instructions.convert.{edit.name}",
            f"instructions to convert a state: {edit.text}",
            edit.limit,
            (partial(_converted, workshop, edit),),
            unit="instructions",
        )
        for edit in EDITS
    ]


def saved_rows(workshop: Workshop) -> list[Row]:
    """Return a row each for saving and restoring a map; what the map itself takes is counted in."""
    return [
        Row(
            f"instructions.saved.{way}-{container}",
            f"instructions to {way} an entry of a {name}",
            gate * 1.2,
            (partial(_saved, workshop, way, container),),
            unit="instructions",
        )
        for (way, container, name), gate in SAVED_GATES.items()
    ]


def gate_of(row: Row) -> int:
    """Return the count that `row` may not exceed: what its compiler reaches today."""
    _, name, compiler = row.name.split(".")
    if name == "saved":
        return next(gate for (way, container, _), gate in SAVED_GATES.items() if compiler == f"{way}-{container}")
    if name == "convert":
        return next(edit.gate for edit in EDITS if edit.name == compiler)
    return next(way.gates[compiler.split("-")[0]] for way in WAYS if way.name == name)


def _added(workshop: Workshop, way: Way, compiler: str, level: str) -> Samples:
    _need_tools(compiler, COMPILERS[compiler])
    variant = Variant(compiler, COMPILERS[compiler], (level, *way.flags))
    counts = [_counts(workshop, variant, rounds) for rounds in ROUNDS]
    first, second, third = (one[way.measured] - one[way.plain] for one in counts)
    plain, again = (
        (later[way.plain] - earlier[way.plain]) / (ROUNDS[1] - ROUNDS[0])
        for earlier, later in itertools.pairwise(counts)
    )
    added = ((second - first) / (ROUNDS[1] - ROUNDS[0]), (third - second) / (ROUNDS[2] - ROUNDS[1]))
    return Samples([plain], [again], [float(round(one)) for one in added])


def _converted(workshop: Workshop, edit: Edit) -> Samples:
    _need_tools()
    program = [workshop.program("convert", Variant.of_machine()), "count"]
    counts = [_counted(workshop, [*program, *edit.arguments(STATES, blocks)])["run_convert"] for blocks in BLOCKS]
    plain, again = (
        (later - earlier) / ((rounds[1] - rounds[0]) * STATES)
        for (earlier, later), rounds in zip(itertools.pairwise(counts), itertools.pairwise(BLOCKS), strict=True)
    )
    return Samples([plain], [again], [float(round(plain))])


def _saved(workshop: Workshop, way: str, container: str) -> Samples:
    _need_tools()
    program = [workshop.program("saved", Variant.of_machine()), "count", way, container, str(SAVED_ENTRIES)]
    counts = [_counted(workshop, [*program, str(rounds)])["run_saved"] for rounds in SAVED_ROUNDS]
    plain, again = (
        (later - earlier) / ((rounds[1] - rounds[0]) * SAVED_ENTRIES)
        for (earlier, later), rounds in zip(itertools.pairwise(counts), itertools.pairwise(SAVED_ROUNDS), strict=True)
    )
    return Samples([plain], [again], [float(round(plain))])


@cache
def _counts(workshop: Workshop, variant: Variant, rounds: int) -> dict[str, int]:
    """Return the instructions each loop took, what it called included, by the loop's name."""
    images = [workshop.image(name, variant) for name in ("provider", "consumer")]
    program = [workshop.program("calls", variant), str(workshop.folder()), *images]
    return _counted(workshop, [*program, "count", str(rounds)])


def _counted(workshop: Workshop, command: list[str]) -> dict[str, int]:
    """Run a program under callgrind; return what each function called run_… took, what it called included."""
    out = workshop.folder() / "callgrind.out"
    _output(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", *command])
    text = _output(["callgrind_annotate", "--inclusive=yes", "--threshold=100", "--show-percs=no", str(out)])
    found = re.findall(r"^\s*([\d,]+)\s+.*?\b(run_\w+)\b", text, re.MULTILINE)
    return {name: int(count.replace(",", "")) for count, name in reversed(found)}


def _need_tools(*compilers: str) -> None:
    for tool in ("valgrind", "callgrind_annotate", *compilers):
        if shutil.which(tool) is None:
            raise LookupError(f"{tool} is not installed")


def _output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise HotgraftError("count instructions", on=" ".join(command), found=tuple(done.stderr.splitlines()[-5:]))
    return done.stdout


def main(arguments: list[str]) -> int:
    """Print a table and the line of JSON; return 0, or 7 when --gate is asked for and a count grew."""
    results = Results()
    grew = False
    workshop = Workshop()
    for row in (*rows(workshop), *convert_rows(workshop), *saved_rows(workshop)):
        for figure in measure_row(row, results):
            print(_text(figure, gate_of(row)))
            grew = grew or figure.value is None or figure.value > gate_of(row)
    for reason in results.discarded:
        print(f"not counted: {reason}")
    print(results.line())
    return EXIT_REGRESSION if grew and "--gate" in arguments else EXIT_DONE


def _text(figure: Figure, gate: int) -> str:
    return f"{figure.text:60} {figure.value:>4.0f}  limit {figure.limit:.0f}  gate {gate}  A/A {figure.aa:.4f}"
