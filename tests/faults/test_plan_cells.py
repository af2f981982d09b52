"""Every step of the plan and every way it can fail: the right one serves, nothing is lost, leaked or unrecorded."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hotgraft import Host
from hotgraft.core.plan import Action
from hotgraft.core.probing import STAGES
from plan_cells import (
    CELLS,
    FORWARD,
    JOURNAL_STEPS,
    LATER,
    PLANS,
    ROWS,
    STAGE,
    STAGE_ROWS,
    UNPLANNED,
    WAYS,
    Cell,
    cells_of,
)
from prepared_child import PreparedChild, preloaded
from test_mounts import in_mount_namespace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sample_plugins import Workshop

PRELOADED = {"memory": "inject", "clock": "jump_clock"}
DISK = "size=4m"  # of the file system that `disk` fills
# What leaves a thread behind for good takes a process of its own.
ALONE = "hang"


def kind_of(cell: Cell) -> str:
    """Return what the child is asked for to carry the cell out."""
    return "stage" if cell.step.startswith(STAGE) else cell.way


GROUPS = tuple(dict.fromkeys((cell.plan, kind_of(cell)) for cell in CELLS if kind_of(cell) != ALONE))
LONE = tuple(cell for cell in CELLS if kind_of(cell) == ALONE)
# In the quick tier: a step of the core, one of the plugin, one of the journal, and what is left of the old one.
QUICK = ("drain", "take", "intent", "reclaim")


Children = Callable[[str, Path], PreparedChild]


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    """A Python for each kind that needs one to be started in its own way, and one for all others."""
    made: dict[str, PreparedChild] = {}

    def child(kind: str, folder: Path) -> PreparedChild:
        name = kind if kind in (*PRELOADED, "disk") else "others"
        if name not in made:
            within = mounting(folder) if name == "disk" else []
            preload = preloaded(PRELOADED[name]) if name in PRELOADED else None
            made[name] = PreparedChild("crash_plan_cells.py", preload=preload, within=within)
        return made[name]

    yield child
    for one in made.values():
        one.close()


def mounting(folder: Path) -> list[str]:
    """Return what starts a process that may mount; skip where nobody may."""
    in_mount_namespace(folder, ["true"], options=DISK)
    return ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]


def run_cells(build: Workshop, children: Children, folder: Path, plan: str, kind: str, *steps: str) -> None:
    """Carry out cells in a child and hold the list of what it did against the list of what there is."""
    child = children(kind, folder)
    mount = ["mount", "-t", "tmpfs", "-o", f"{DISK},mode=0700", "tmpfs", folder] if kind == "disk" else []
    done = child.run(build.folder, folder, plan, kind, *steps, deadline_s=600, before=mount)
    ran = [line.split("\t")[0] for line in done.stdout.splitlines() if "\t" in line]
    assert done.returncode == 0, done.stdout + done.stderr
    asked = [cell for cell in CELLS if (cell.plan, kind_of(cell)) == (plan, kind) and (not steps or cell.step in steps)]
    assert ran == [str(cell) for cell in asked]
    assert ran


# --- the table ---


def test_every_step_that_a_plan_can_have_has_a_row_and_no_other_has() -> None:
    """A new step without faults cannot be: its name is in what this fails with."""
    known = {*map(str, FORWARD), *JOURNAL_STEPS}
    assert set(ROWS) == known, f"without a row: {known - set(ROWS)}; of no step: {set(ROWS) - known}"
    assert set(STAGE_ROWS) == set(STAGES)


def test_the_plans_have_every_step() -> None:
    """A row that no plan reaches would be a promise that nobody tries."""
    reached = {step for scenery in PLANS for step in scenery.steps()}
    assert reached == set(ROWS) - LATER
    for scenery in PLANS:
        assert {cell.step for cell in cells_of(scenery) if not cell.step.startswith(STAGE)} == set(scenery.steps())


def test_what_cannot_happen_has_its_reason_and_every_way_happens_somewhere() -> None:
    """A reason is a sentence; and a way that is nowhere brought about is none."""
    for step, row in ROWS.items():
        for way in WAYS:
            found = getattr(row, way)
            assert not isinstance(found, str) or len(found.split()) >= 5, f"{step}: {way}: {found}"
    assert {cell.way for cell in CELLS} >= set(WAYS)


def test_there_are_at_least_150_cells() -> None:
    """Each is one step made to fail in one way on one plan; reasons do not count, nor what only a soak tries."""
    unprobed = {scenery.name for scenery in PLANS if not scenery.is_probed}
    assert len(set(CELLS)) == len(CELLS)
    assert sum(cell.plan in unprobed for cell in CELLS) >= 150


@pytest.mark.parametrize("is_probed", [False, True], ids=["unprobed", "probed"])
def test_the_steps_of_a_report_are_those_of_the_plan_and_the_journal(
    build: Workshop, tmp_path: Path, is_probed: bool
) -> None:
    """What is done and not planned has no row either: a report must not hold a step that this table does not know."""
    scenery = next(one for one in PLANS if one.is_probed is is_probed and one.sample.hands_over)
    with Host(journal=tmp_path / "journal", probe="start" if is_probed else "off") as host:
        host.load(build(scenery.sample))
        report = host.reload("counter", build(replace(scenery.sample, build=2)))
    named = {time.step.removesuffix(" main") for time in report.steps}
    assert named - UNPLANNED <= set(scenery.steps())
    assert set(scenery.steps()) - named <= {"reclaim"}  # which comes after the report


# --- carrying it out ---


def test_a_step_that_fails_changes_nothing_but_the_journal(build: Workshop, tmp_path: Path, children: Children) -> None:
    """Of the table, what is quickest to try; the rest is in the full tier."""
    run_cells(build, children, tmp_path, "hand over", "error", *QUICK)


def tier_of(plan: str, *, is_of_the_probe: bool) -> pytest.MarkDecorator:
    """Leave to the soak what a plan with a probe has in common with the same plan without one."""
    is_probed = next(one.is_probed for one in PLANS if one.name == plan)
    return pytest.mark.soak if is_probed and not is_of_the_probe else pytest.mark.full


@pytest.mark.parametrize(
    ("plan", "kind"),
    [
        pytest.param(
            *group,
            marks=tier_of(group[0], is_of_the_probe=group[1] in ("crash", "stage")),
            id=f"{group[0]}: {group[1]}",
        )
        for group in GROUPS
    ],
)
def test_after_any_fault_at_any_step_the_right_generation_serves(
    build: Workshop, tmp_path: Path, children: Children, plan: str, kind: str
) -> None:
    """Promise 2, in every cell: who serves, its state's hash, what the process holds, the journal, the next reload."""
    run_cells(build, children, tmp_path, plan, kind)


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param(cell, marks=tier_of(cell.plan, is_of_the_probe=cell.step == Action.PROBE), id=str(cell))
        for cell in LONE
    ],
)
def test_after_a_step_that_hangs_the_right_generation_serves(
    build: Workshop, tmp_path: Path, children: Children, cell: Cell
) -> None:
    """The thread that does not come back stays, with what it can reach; nobody else waits for it."""
    run_cells(build, children, tmp_path, cell.plan, kind_of(cell), cell.step)
