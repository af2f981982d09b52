"""Every step that a plan can have, crossed with every way it can fail: what must come of it, or why it cannot happen.

A cell is one step, one way and one plan, and is carried out (plan_faults.py). Where a way cannot happen at a step, the
table says why instead, and that is no cell. The steps come from `make_plan` itself, so a step without a row is found.
A new step takes a row here, and a line in plan_faults.py where a way needs one of its own.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from hotgraft import Outcome
from hotgraft.core.descriptor import read_descriptor
from hotgraft.core.plan import UNDO, Action, Plan, Running, Side, make_plan
from hotgraft.core.probing import STAGES
from hotgraft.core.side import side_of
from hotgraft.core.state import Crossing
from sample_plugins import CONVERTS, HANDS_OVER, RENEWS, SAVES, SHARES, STATELESS, Sample

if TYPE_CHECKING:
    from collections.abc import Mapping

# --- the plans ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenery:
    """What a plan is made for: a plugin, its instances, and whether candidates are tried first."""

    name: str
    sample: Sample
    instances: tuple[str, ...] = ("main",)
    is_probed: bool = False

    def plan(self) -> Plan:
        """Return the plan of a reload to the next build of the same plugin."""
        return _plan(self)

    def steps(self) -> tuple[str, ...]:
        """Return the steps of that plan, each once, and the journal's."""
        return (*dict.fromkeys(str(step.action) for step in self.plan().steps), *JOURNAL_STEPS)

    def times(self, step: str) -> int:
        """Return how often a step is done in one reload."""
        return max(sum(one.action == step for one in self.plan().steps), 1)


@functools.cache  # asked for several times in every cell
def _plan(scenery: Scenery) -> Plan:
    side, candidate = (_side(replace(scenery.sample, build=build)) for build in (1, 2))
    running = Running(generation=1, side=side, instances=scenery.instances, moves_pins=scenery.sample.moves_pins)
    return make_plan("counter", running, candidate, is_probed=scenery.is_probed)


def _side(sample: Sample) -> Side:
    return side_of(read_descriptor(json.dumps(sample.descriptor).encode()))


HEALTHY: Final = ("-DCOUNTER_HEALTH",)  # it offers a health check, so that none of its looks is left out
NONE, HANDED, SAVED, CONVERTED, RENEWED, SHARED = (
    replace(one, flags=HEALTHY) for one in (STATELESS, HANDS_OVER, SAVES, CONVERTS, RENEWS, SHARES)
)
PLANS: Final = (
    Scenery(name="no state", sample=NONE),
    Scenery(name="hand over", sample=HANDED),
    Scenery(name="save and restore", sample=SAVED),
    Scenery(name="convert", sample=CONVERTED),
    Scenery(name="converters", sample=RENEWED),
    Scenery(name="two instances", sample=HANDED, instances=("main", "second")),
    Scenery(name="hand over, pins move", sample=replace(HANDED, moves_pins=True)),
    Scenery(name="shared, two instances", sample=SHARED, instances=("main", "second")),
    Scenery(name="hand over, probed", sample=HANDED, is_probed=True),
    Scenery(name="convert, probed", sample=CONVERTED, is_probed=True),
    Scenery(name="save and restore, probed", sample=SAVED, is_probed=True),
    Scenery(name="converters, probed", sample=RENEWED, is_probed=True),
)

# What the journal does in an attempt: both are steps of a report.
JOURNAL_STEPS: Final = ("intent", "outcome")
# Steps that come after the attempt: a reload only has them planned.
LATER: Final = frozenset({Action.PROBATION})
# Parts of a report that no plan names: what the probe begins with, and the last of prepare.
UNPLANNED: Final = frozenset({"copy state", "make tables"})

# --- the ways ---

REFUSED, FAILED = frozenset({Outcome.REFUSED}), frozenset({Outcome.FAILED})
OFF, DONE = frozenset({Outcome.CALLED_OFF}), frozenset({Outcome.PUBLISHED})
BACK = frozenset({Outcome.ROLLED_BACK})
# Where memory is refused: by the core, by the interpreter's own hand (MemoryError, without a report), or not at all.
PREPARE_MEMORY, WINDOW_MEMORY = REFUSED | FAILED | DONE, OFF | FAILED | DONE

Ends = frozenset[Outcome] | str  # how the attempt may end; or why this cannot happen


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One step: for each way how the attempt ends, or why it cannot happen there.

    What has a default is what happens around a step rather than in it: most steps must not notice.
    """

    error: Ends  # the step fails, by itself or because what it meets is wrong
    crash: Ends  # the candidate's own function dies in the probe
    hang: Ends  # it does not come back
    memory: Ends = DONE  # each of its first requests for memory is refused in turn
    disk: Ends = DONE  # staging folder and journal are full
    fds: Ends = DONE  # there is no fd left
    changed: Ends = DONE  # the source is written over
    clock: Ends = DONE  # the wall clock goes a year forward, then back two
    reload: Ends = DONE  # another reload is asked for
    instance: Ends = DONE  # another instance is asked for
    close: Ends = DONE  # the host is closed


WAYS: Final = tuple(one.name for one in fields(Row))

FOREIGN: Final = "it runs nothing of the candidate's: what it does wrong in the probe is met by another row"
FILES: Final = (
    "it waits for a file system, as any read does: nothing in the process can take that back, and calls do not notice"
)
READS: Final = "it reads memory that it has, and waits for nobody"
SERVES: Final = "only what serves runs it, in this process: a crash of what serves is no fault of a swap"
TRANSFERRED: Final = "one barrier of the kernel's, which waits for no thread of ours"
COUNTS: Final = "it looks at a count, and waits for nobody"
STARTS: Final = "in a probe it is told of a block of its own as it is started: that row has the crash"
LOST: Final = "what serves has no state then, and is out of service instead of serving on: test_give_back.py"
ATOMIC: Final = "stores and nothing else: there is nothing to wait for"

ROWS: Final[Mapping[str, Row]] = MappingProxyType(
    {
        Action.SETTLE: Row(
            error=REFUSED, crash=FOREIGN, hang=REFUSED, memory=PREPARE_MEMORY, fds=REFUSED, changed=REFUSED
        ),
        Action.STAGE: Row(
            error=REFUSED, crash=FOREIGN, hang=FILES, memory=PREPARE_MEMORY, disk=REFUSED, fds=REFUSED, changed=REFUSED
        ),
        Action.INSPECT: Row(error=REFUSED, crash=FOREIGN, hang=READS, memory=PREPARE_MEMORY),
        Action.CHECK_NEEDS: Row(error=REFUSED, crash=FOREIGN, hang=FILES, memory=PREPARE_MEMORY),
        Action.COMPARE: Row(error=REFUSED, crash=FOREIGN, hang=READS, memory=PREPARE_MEMORY),
        Action.PROBE: Row(error=REFUSED, crash=REFUSED, hang=REFUSED, memory=PREPARE_MEMORY, fds=REFUSED),
        Action.MAP: Row(
            error=FAILED,
            crash=REFUSED,
            hang="it holds the loader's lock for good: that is what the probe is for, and its row has the hang",
            memory=PREPARE_MEMORY,
            fds=FAILED,
        ),
        Action.CREATE: Row(error=FAILED, crash=REFUSED, hang=FAILED, memory=PREPARE_MEMORY),
        Action.WAIT_PINS: Row(error=OFF, crash="it waits, and runs no code of anybody", hang=OFF, memory=WINDOW_MEMORY),
        Action.MOVE_PINS: Row(error=OFF, crash="it runs no code of anybody", hang=COUNTS, memory=WINDOW_MEMORY),
        Action.LEAVE_PINS: Row(error=OFF, crash="it runs no code of anybody", hang=COUNTS, memory=WINDOW_MEMORY),
        Action.CLOSE_GATES: Row(error=OFF, crash="it runs no code of anybody", hang=TRANSFERRED, memory=WINDOW_MEMORY),
        Action.DRAIN: Row(
            error=OFF,
            crash="drain runs no code of anybody: it cannot crash in a probe",
            hang=OFF,
            memory=WINDOW_MEMORY,
        ),
        Action.QUIESCE: Row(error=OFF, crash=REFUSED, hang=OFF, memory=WINDOW_MEMORY),
        Action.SURRENDER: Row(error=OFF, crash=SERVES, hang=LOST, memory=WINDOW_MEMORY),
        Action.CONVERT: Row(
            error=OFF,
            crash="it runs no code of anybody",
            hang="it passes over memory that it has",
            memory=WINDOW_MEMORY,
        ),
        Action.RUN_CONVERTERS: Row(error=OFF, crash=REFUSED, hang=OFF, memory=WINDOW_MEMORY),
        Action.TAKE: Row(error=OFF, crash=REFUSED, hang=OFF, memory=WINDOW_MEMORY),
        Action.ATTACH: Row(error=OFF, crash=STARTS, hang=OFF, memory=WINDOW_MEMORY),
        Action.SAVE: Row(error=OFF, crash=SERVES, hang=OFF, memory=WINDOW_MEMORY),
        Action.RESTORE: Row(error=OFF, crash=REFUSED, hang=OFF, memory=WINDOW_MEMORY),
        Action.START: Row(error=OFF, crash=REFUSED, hang=OFF, memory=WINDOW_MEMORY),
        Action.PUBLISH: Row(error=OFF, crash="it runs no code of anybody", hang=ATOMIC, memory=WINDOW_MEMORY),
        Action.HEALTH: Row(
            error=BACK,
            crash=REFUSED,
            hang="it is given up at a deadline of its own: test_health_hangs.py, which waits for that",
            memory=DONE | BACK,
        ),
        Action.PROBATION: Row(
            error="it begins when the attempt is over: test_probation_live.py and test_rollback.py make it fail",
            crash="it looks at numbers of what serves, and runs nothing of the candidate's in a probe",
            hang="it ends at its deadline, whatever is seen until then: test_probation_live.py",
        ),
        Action.COMMIT: Row(
            error="one compare-and-swap for which nobody competes", crash="it runs no code of anybody", hang=ATOMIC
        ),
        Action.RECLAIM: Row(error=DONE, crash=REFUSED, hang=DONE),
        "intent": Row(error=REFUSED, crash=FOREIGN, hang=REFUSED, memory=PREPARE_MEMORY, disk=REFUSED, fds=REFUSED),
        "outcome": Row(error=DONE, crash=FOREIGN, hang=DONE),
    }
)

# The candidate's own function that stands for a step in the probe.
IN_PROBE: Final[Mapping[str, str]] = MappingProxyType(
    {
        Action.PROBE: "entry",
        Action.MAP: "map",
        Action.CREATE: "create",
        Action.QUIESCE: "quiesce",
        Action.RUN_CONVERTERS: "convert",
        Action.TAKE: "take",
        Action.RESTORE: "restore",
        Action.START: "start",
        Action.HEALTH: "health",
        Action.RECLAIM: "destroy",
    }
)

# --- the stages of a probe ---

STAGE_WAYS: Final = ("crash", "abort", "exit", "hang")
NOT_ITS_FAULT: Final = "nothing of the candidate has run: what goes wrong here leaves it not probed (test_probe.py)"
# By stage: all ways refuse the candidate, or why none can happen.
STAGE_ROWS: Final[Mapping[str, Ends]] = MappingProxyType(
    {"limits": NOT_ITS_FAULT, "residents": NOT_ITS_FAULT, "providers": NOT_ITS_FAULT}
    | dict.fromkeys(
        ("map", "entry", "create", "interface", "take", "restore", "start", "health", "quiesce", "destroy", "close"),
        REFUSED,
    )
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One step made to fail in one way, on one plan."""

    plan: str
    step: str
    way: str

    @property
    def ends(self) -> frozenset[Outcome]:
        """How the attempt may end."""
        if self.step.startswith(STAGE):
            return REFUSED
        found: Ends = getattr(ROWS[self.step], self.way)
        assert not isinstance(found, str)  # a reason is no cell
        return found

    def __str__(self) -> str:
        return f"{self.plan}: {self.step}: {self.way}"


STAGE: Final = "probe: "


def cells_of(scenery: Scenery) -> tuple[Cell, ...]:
    """Return the cells of one plan; KeyError names a step that has no row."""
    cells = [
        Cell(scenery.name, step, way)
        for step in scenery.steps()
        for way in WAYS
        if not isinstance(getattr(ROWS[step], way), str) and (way != "crash" or scenery.is_probed)
    ]
    if scenery.is_probed:
        cells += [Cell(scenery.name, STAGE + stage, way) for stage in stages_of(scenery) for way in STAGE_WAYS]
    return tuple(cells)


def stages_of(scenery: Scenery) -> tuple[str, ...]:
    """Return the stages in which something of this plan's candidate runs."""
    crossing = scenery.plan().crossing
    left_out = {
        "take": crossing not in (Crossing.HAND_OVER, Crossing.CONVERT),
        "restore": crossing not in (Crossing.RESTORE, Crossing.CONVERTERS),
    }
    return tuple(one for one in STAGES if not isinstance(STAGE_ROWS[one], str) and not left_out.get(one))


FORWARD: Final = tuple(one for one in Action if one not in UNDO.values())
CELLS: Final = tuple(cell for scenery in PLANS for cell in cells_of(scenery))
