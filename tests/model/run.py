"""Search the models of the swap protocol with spin: the right ones must be clean, each seeded fault found.

Prints one row per search. Exit: 0 every search ended as expected, 1 one did not, 2 usage, 77 spin is missing.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import dataclasses
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Final

from cases import CASES, CLEAN, CYCLE, DEADLOCK, Case

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE: Final = pathlib.Path(__file__).resolve().parent
COMPILER: Final = "cc"
MEMORY_LIMIT_MB: Final = 4000
STEPS_DEEP: Final = 200_000
DEADLINE_S: Final = 900
NOT_INSTALLED: Final = 77
# Any of these in pan's output means that not the whole state space was searched.
CUT_SHORT: Final = (
    "max search depth too small",
    "Search not completed",
    "out of memory",
    "memory limit",
    "aborting",
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one search found, and how large it was."""

    case: Case
    found: str
    states: int
    seconds: float

    @property
    def is_expected(self) -> bool:
        """Whether the outcome and its reason are the expected ones."""
        return self.found == self.case.expected


class ToolError(Exception):
    """spin, the compiler or pan did not do its work; the text says which and shows its output."""


def missing_tool() -> str | None:
    """Return the plain reason why nothing can be searched here, or None."""
    for tool, where in (("spin", "Debian's package spin"), (COMPILER, "a C compiler")):
        if shutil.which(tool) is None:
            return f"{tool} is not installed ({where}): the models were not searched"
    return None


def run(command: Sequence[str], folder: pathlib.Path) -> str:
    """Run a command in the folder; return all it printed. Raises ToolError unless it exits with 0 in time."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=DEADLINE_S,
        )
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"{' '.join(command)}: not done after {DEADLINE_S} s") from error
    if done.returncode != 0:
        raise ToolError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}")
    return done.stdout


def verdict(output: str) -> str:
    """Return what pan found, or why its answer cannot be believed."""
    errors = re.search(r"errors: (\d+)", output)
    if errors is None:
        return "no verdict: " + output.strip()[-200:]
    if errors[1] == "0":
        return next((f"not exhaustive: {sign}" for sign in CUT_SHORT if sign in output), CLEAN)
    if assertion := re.search(r"assertion violated\s+(.+?) \(at depth", output):
        return f"assertion violated {assertion[1]}"
    return next((reason for reason in (DEADLOCK, CYCLE) if f": {reason} " in output), "unknown error")


def search(case: Case) -> Result:
    """Generate, compile and run one verifier in a folder of its own."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hotgraft-model-") as name:
        folder = pathlib.Path(name)
        for source in HERE.glob("*.pml"):
            shutil.copy(source, folder)
        defines = [f"-D{define}" for define in case.defines]
        try:
            run(["spin", *defines, "-a", f"{case.model}.pml"], folder)
            kind = ["-DNFAIR=4"] if case.is_fair else ["-DSAFETY", "-DNOCLAIM"]
            limits = [f"-DMEMLIM={MEMORY_LIMIT_MB}", "-DCOLLAPSE"]
            run([COMPILER, "-O2", "-w", *kind, *limits, "-o", "pan", "pan.c"], folder)
            output = run(["./pan", *(["-a", "-f"] if case.is_fair else []), f"-m{STEPS_DEEP}"], folder)
        except ToolError as error:
            return Result(case=case, found=str(error), states=0, seconds=time.monotonic() - began)
    states = re.search(r"(\d+) states, stored", output)
    return Result(
        case=case,
        found=verdict(output),
        states=int(states[1]) if states else 0,
        seconds=time.monotonic() - began,
    )


def row(cells: Sequence[str]) -> str:
    """Return one line of the table."""
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, (9, 34, 45, 45, 11, 8), strict=True)).rstrip()


def chosen(only: str | None, *, is_without_faults: bool) -> list[Case]:
    """Return the cases whose name, or whose model's name, is the one asked for."""
    found = [case for case in CASES if only is None or only in (case.name, case.model, case.variant)]
    return [case for case in found if not (is_without_faults and case.is_fault)]


def main() -> int:
    """Run what was asked for and say how it ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", metavar="NAME", help="a model, a variant, or model.variant")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="searches at a time (up to 1 GB each)")
    parser.add_argument("--right", action="store_true", help="no seeded faults: .ci/controls.py has them")
    options = parser.parse_args()
    cases = chosen(options.only, is_without_faults=options.right)
    if not cases:
        parser.error(f"nothing is called {options.only!r}; there are: {', '.join(case.name for case in CASES)}")
    if reason := missing_tool():
        print(reason)
        return NOT_INSTALLED
    print(row(("model", "variant", "expected", "found", "states", "seconds")))
    surprises = 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, options.jobs)) as pool:
        for result in pool.map(search, cases):
            case = result.case
            surprises += not result.is_expected
            cells = (
                case.model,
                case.variant,
                case.expected,
                result.found,
                str(result.states),
                f"{result.seconds:.1f}",
            )
            print(row(cells) + ("" if result.is_expected else "  <-- NOT AS EXPECTED"), flush=True)
    print(f"{len(cases) - surprises} of {len(cases)} searches ended as expected")
    return 1 if surprises else 0


if __name__ == "__main__":
    sys.exit(main())
