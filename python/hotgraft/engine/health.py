"""Asking one instance of what serves for its health, through the extension hotgraft.health/1."""

from __future__ import annotations

from enum import IntEnum, StrEnum

from hotgraft import _core
from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import ResourceError

__all__ = ["Answer", "Depth", "Health", "ask_instance"]


class Depth(IntEnum):
    """How closely to look: ``HOTGRAFT_HEALTH_QUICK``, ``HOTGRAFT_HEALTH_FULL``."""

    QUICK = 1  # what is at hand: under a millisecond
    FULL = 2  # a sample of the real work: may take seconds


class Health(StrEnum):
    """What came of one check."""

    FIT = "fit"
    UNFIT = "unfit"  # it says so itself
    HUNG = "hung"  # not back at the deadline, or the check before it has not come back yet
    NOT_ASKED = "not asked"  # for a reason that is not the plugin's: a swap goes on, no memory for a thread


@dataclass(frozen=True, slots=True)
class Answer:
    """What one check said."""

    name: str  # of the check
    health: Health
    sentence: str = ""  # why; empty where it is fit


def ask_instance(generation: _core.Generation, index: int, name: str, *, depth: Depth, deadline_s: float) -> Answer:
    """Ask one instance; its check runs on a thread of its own, which is left behind if it does not come back in time.

    Args:
        generation: the one that serves.
        index: of the instance within it.
        name: of the check, for the answer.
        depth: how closely to look.
        deadline_s: for this check; waited without the interpreter lock.

    Raises:
        ForkedHostError: in a forked child.
    """
    if why := generation.out_of_service:  # also where it has no check of its own
        return Answer(name, Health.UNFIT, f"{generation.label} is out of service: {why}")
    try:
        health, sentence = _core.check_health(generation, index, depth=depth, deadline_s=deadline_s)
    except ResourceError as error:
        return Answer(name, Health.NOT_ASKED, "; ".join(error.found))
    except ValueError:
        return Answer(name, Health.NOT_ASKED, "it was replaced a moment ago")
    return Answer(name, Health(health), sentence)
