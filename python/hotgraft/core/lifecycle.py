"""The life of one generation, as data: which stage follows which event.

One function reads the table, the docs' picture is drawn from it, and the native core carries the same one; a
test holds the two together. A generation that was turned down before any of its code ran is *rejected* and
done with; one whose code did run has *failed* and still has to leave memory.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from hotgraft.core.errors import LifecycleError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ENDS", "TRANSITIONS", "Event", "Stage", "advance", "diagram"]


class Stage(StrEnum):
    """Where a generation is in its life."""

    SEEN = "seen"
    STAGED = "staged"
    INSPECTED = "inspected"
    ACCEPTED = "accepted"
    PROBED = "probed"
    MAPPED = "mapped"
    CREATED = "created"
    RESTORED = "restored"
    READY = "ready"
    TRIAL = "trial"
    ACTIVE = "active"
    DRAINING = "draining"
    QUIESCED = "quiesced"
    HELD = "held"
    RETIRED = "retired"
    UNLOADED = "unloaded"
    STUCK = "stuck"
    REJECTED = "rejected"
    FAILED = "failed"


class Event(StrEnum):
    """What happened to a generation."""

    STAGE = "stage"
    INSPECT = "inspect"
    ACCEPT = "accept"
    PROBE = "probe"
    MAP = "map"
    CREATE = "create"
    RESTORE = "restore"
    START = "start"
    TRY = "try"
    PUBLISH = "publish"
    DRAIN = "drain"
    REOPEN = "reopen"
    QUIESCE = "quiesce"
    RESUME = "resume"
    REPLACE = "replace"
    RECALL = "recall"
    RETIRE = "retire"
    REJECT = "reject"
    FAIL = "fail"
    UNLOAD = "unload"
    STICK = "stick"


_ENDED: Final = MappingProxyType({Event.FAIL: Stage.FAILED, Event.STICK: Stage.STUCK})

TRANSITIONS: Final[Mapping[Stage, Mapping[Event, Stage]]] = MappingProxyType(
    {
        Stage.SEEN: {Event.STAGE: Stage.STAGED, Event.REJECT: Stage.REJECTED},
        Stage.STAGED: {Event.INSPECT: Stage.INSPECTED, Event.REJECT: Stage.REJECTED},
        Stage.INSPECTED: {Event.ACCEPT: Stage.ACCEPTED, Event.REJECT: Stage.REJECTED},
        # The probe's place is free: without one an accepted image is mapped at once.
        Stage.ACCEPTED: {
            Event.PROBE: Stage.PROBED,
            Event.MAP: Stage.MAPPED,
            Event.REJECT: Stage.REJECTED,
            Event.STICK: Stage.STUCK,
        },
        Stage.PROBED: {Event.MAP: Stage.MAPPED, Event.REJECT: Stage.REJECTED, Event.STICK: Stage.STUCK},
        # From here on code of it has run: a call of it that never returns makes it stuck at once.
        Stage.MAPPED: {Event.CREATE: Stage.CREATED, **_ENDED},
        Stage.CREATED: {Event.RESTORE: Stage.RESTORED, Event.START: Stage.READY, **_ENDED},
        Stage.RESTORED: {Event.START: Stage.READY, **_ENDED},
        Stage.READY: {Event.TRY: Stage.TRIAL, Event.PUBLISH: Stage.ACTIVE, **_ENDED},
        Stage.TRIAL: {Event.PUBLISH: Stage.ACTIVE, **_ENDED},
        # Replaced without draining: published without a gate. Failed: rolled back.
        Stage.ACTIVE: {Event.DRAIN: Stage.DRAINING, Event.REPLACE: Stage.HELD, **_ENDED},
        Stage.DRAINING: {
            Event.REOPEN: Stage.ACTIVE,
            Event.QUIESCE: Stage.QUIESCED,
            Event.STICK: Stage.STUCK,
        },
        # Retired from here: the plugin ends and nothing takes its place.
        Stage.QUIESCED: {
            Event.RESUME: Stage.ACTIVE,
            Event.REPLACE: Stage.HELD,
            Event.RETIRE: Stage.RETIRED,
            **_ENDED,
        },
        Stage.HELD: {Event.RECALL: Stage.ACTIVE, Event.RETIRE: Stage.RETIRED, Event.STICK: Stage.STUCK},
        Stage.RETIRED: {Event.UNLOAD: Stage.UNLOADED, Event.STICK: Stage.STUCK},
        # What kept it may let go later: a thread's destructor has run, a lease has ended.
        Stage.STUCK: {Event.UNLOAD: Stage.UNLOADED},
        Stage.FAILED: {Event.UNLOAD: Stage.UNLOADED, Event.STICK: Stage.STUCK},
        Stage.UNLOADED: {},
        Stage.REJECTED: {},
    }
)

ENDS: Final = frozenset(stage for stage, events in TRANSITIONS.items() if not events)


def advance(stage: Stage, event: Event) -> Stage:
    """Return the stage after `event`, or raise `LifecycleError` and change nothing."""
    try:
        return TRANSITIONS[stage][event]
    except KeyError:
        known = ", ".join(TRANSITIONS[stage]) or "nothing"
        raise LifecycleError(
            f"take event {event}", on="a generation", found=f"in stage {stage} only {known} can follow"
        ) from None


def diagram() -> str:
    """Return the table as lines of ``stage --event--> stage``, the source of the docs' picture."""
    return "\n".join(
        f"{stage} --{event}--> {after}" for stage, events in TRANSITIONS.items() for event, after in events.items()
    )
