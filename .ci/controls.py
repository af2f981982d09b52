"""Run every control and fail unless each one listed in tests/controls.txt did what a control must: see the failure.

A line of the list is `pytest NODE-ID` or `native EXECUTABLE CONTROL`, then `# the mitigation taken out`. A control
in the tree that is not listed fails the run as well, so that none can be lost by a rename.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent


def listed() -> tuple[set[str], list[tuple[str, str]]]:
    """Return the pytest node ids and the (executable, control) pairs of the list."""
    nodes: set[str] = set()
    natives: list[tuple[str, str]] = []
    for line in (ROOT / "tests" / "controls.txt").read_text().splitlines():
        kind, *rest = line.split("#")[0].split()
        if kind == "pytest":
            nodes.add(" ".join(rest))
        else:
            natives.append((rest[0], rest[1]))
    return nodes, natives


def run_pytest() -> dict[str, str]:
    """Run all tests marked control; return node id → passed | failed | skipped."""
    with tempfile.NamedTemporaryFile(suffix=".xml") as report:
        command = [sys.executable, "-m", "pytest", "-m", "control", "-o", "junit_family=xunit1", "-q"]
        environment = os.environ | {"HOTGRAFT_TIER": "full"}
        subprocess.run([*command, f"--junitxml={report.name}"], cwd=ROOT, env=environment, check=False)
        cases = ElementTree.parse(report.name).getroot().iter("testcase")
        return {f"{case.get('file')}::{case.get('name')}": _outcome(case) for case in cases}


def _outcome(case: ElementTree.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


def main() -> int:
    """Return 0 only when the list and the tree agree and every control saw its failure."""
    nodes, natives = listed()
    outcomes = run_pytest()
    complaints = [f"listed, not run: {node}" for node in sorted(nodes - outcomes.keys())]
    complaints += [f"run, not listed in tests/controls.txt: {node}" for node in sorted(outcomes.keys() - nodes)]
    complaints += [f"{outcome}: {node}" for node, outcome in sorted(outcomes.items()) if outcome != "passed"]
    for executable, control in natives:
        path = pathlib.Path(sys.argv[1]) / "tests" / "native" / executable
        done = subprocess.run([path, "--control", control], capture_output=True, text=True, check=False)
        print(f"{executable} --control {control}: exit {done.returncode}: {done.stdout.strip().splitlines()[-1:]}")
        if done.returncode != 0:
            complaints.append(f"did not see its failure: {executable} --control {control}\n{done.stdout}{done.stderr}")
    print("\n".join(complaints) or f"all {len(nodes) + len(natives)} controls saw their failure")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
