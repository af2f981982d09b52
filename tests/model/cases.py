"""Which searches are run and what each must find: right ones clean, each seeded fault found for its reason."""

from __future__ import annotations

import dataclasses
from typing import Final

CLEAN: Final = "clean"
DEADLOCK: Final = "invalid end state"
CYCLE: Final = "acceptance cycle"


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """One search: a model, what is compiled into it, and the outcome that makes it pass."""

    model: str
    variant: str
    expected: str
    rule: str
    defines: tuple[str, ...] = ()

    @property
    def is_fair(self) -> bool:
        """Whether an LTL property is searched, under weak fairness."""
        return "LTL" in self.defines

    @property
    def is_fault(self) -> bool:
        """Whether something is taken out that the search must notice."""
        return self.expected != CLEAN

    @property
    def name(self) -> str:
        """The name that `--only` takes."""
        return f"{self.model}.{self.variant}"


def right(model: str, variant: str, rule: str, *defines: str) -> Case:
    """Return a search that must find nothing."""
    return Case(model=model, variant=variant, expected=CLEAN, rule=rule, defines=defines)


def fault(model: str, expected: str, rule: str, *defines: str) -> Case:
    """Return a search with a seeded fault, named by its first definition."""
    return Case(model=model, variant=defines[0], expected=expected, rule=rule, defines=defines)


def never(flag: str) -> str:
    """Return what pan says when the model's flag of that name came up."""
    return f"assertion violated !({flag})"


CASES: Final[tuple[Case, ...]] = (
    right("guard", "safety", "M1 M2 M7 M8 M10"),
    right("guard", "no-deadline", "M6 M8", "NO_DEADLINE"),
    right("guard", "fair", "M7", "LTL", "SMALL"),
    fault("guard", never("touched_while_inside"), "M1", "NO_BARRIER"),
    fault("guard", DEADLOCK, "M7", "SEQUENCE_AFTER_CHECK"),
    right("joint", "safety", "M3 M4 M5 M6 M8 M9 M10"),
    right("joint", "no-deadline", "M3 M5 M6", "NO_DEADLINE"),
    right("joint", "fair", "M3 M7", "LTL", "SMALL"),
    fault("joint", DEADLOCK, "M6", "DRAIN_ONE_BY_ONE", "NO_DEADLINE", "SMALL"),
    Case(
        model="joint",
        variant="DRAIN_ONE_BY_ONE-listed",
        expected=never("call_into_quiesced"),
        rule="M6",
        defines=("DRAIN_ONE_BY_ONE", "WITH_JOINT_LIST", "SMALL"),
    ),
    fault("joint", DEADLOCK, "M3", "STRICT_GATE", "NO_DEADLINE", "SMALL"),
    fault("joint", never("call_into_replaced"), "M3", "HOLDER_BY_SERVING_TABLE", "SMALL"),
    fault("joint", never("call_into_quiesced"), "M4", "PASS_WITHOUT_RECHECK"),
    fault("joint", DEADLOCK, "M5", "LIST_AFTER_FIRST_GATE", "NO_DEADLINE", "SMALL"),
    fault("joint", never("mixed_sides"), "M9", "SLOT_BY_SLOT", "SMALL"),
    fault("joint", never("mixed_sides"), "boundary 1", "OUTER_CALL_OUTSIDE_THE_SET"),
    fault("joint", never("mixed_sides"), "boundary 2", "OPEN_PUBLISH", "SMALL"),
    right("joint", "leave", "M19", "LEAVE", "SMALL"),
    fault("joint", never("new_then_old"), "M19", "PASS_WHILE_PUBLISHING", "LEAVE", "SMALL"),
    right("threads", "safety", "M11 M12 M13"),
    right("threads", "no-deadline", "M11 M12", "NO_DEADLINE"),
    right("threads", "fair", "M7 M11", "LTL", "SMALL"),
    fault("threads", DEADLOCK, "M11", "REGISTERED_THREADS_WAIT", "NO_DEADLINE"),
    fault("threads", never("call_into_quiesced"), "M12", "NO_REFUSAL"),
    fault("threads", never("call_into_quiesced"), "M12", "REFUSAL_SPARES_ALL_HOLDERS"),
    fault("threads", never("consumer_turned_away"), "M13", "QUIESCE_PROVIDERS_FIRST"),
    fault("threads", never("consumer_turned_away"), "M13", "RESUME_CONSUMERS_FIRST"),
    right("reclaim", "safety", "M14"),
    right("reclaim", "fair", "M14", "LTL"),
    right("reclaim", "pin-looks-at-stage", "M14", "PIN_LOOKS_AT_STAGE", "SECOND_LOOK_COUNTS_ONLY_OPEN_PINS"),
    fault("reclaim", never("call_into_reclaimed"), "M14", "RECLAIM_NO_DRAIN"),
    fault("reclaim", never("call_into_reclaimed"), "M14", "RECLAIM_NO_BARRIER"),
    fault("reclaim", never("call_into_reclaimed"), "M14", "NO_FIRST_PIN_LOOK"),
    fault("reclaim", never("reclaimed_while_pinned"), "M14", "NO_SECOND_PIN_LOOK"),
    fault("reclaim", never("call_into_reclaimed"), "M14", "SECOND_LOOK_COUNTS_ONLY_OPEN_PINS"),
    right("rollback", "safety", "M15 M16 M17 M18"),
    fault("rollback", never("call_into_reclaimed"), "M15", "REUSE_TABLE"),
    fault("rollback", never("left_held_twice"), "M17", "ROLLBACK_WITHOUT_CAS"),
    fault("rollback", never("touched_while_inside"), "M18", "DRAIN_NEWEST_TABLE_ONLY"),
)
