"""What speaks against a candidate before any of its code runs: what was found of its image, and what its plan says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hotgraft.core.errors import ContractError, Quarantined, StateError
from hotgraft.core.options import OFF
from hotgraft.core.plan import DOWNGRADE, make_plan
from hotgraft.host.probe import is_probing

if TYPE_CHECKING:
    from hotgraft.core.plan import Plan
    from hotgraft.engine.stage import Candidate
    from hotgraft.host.attempt import Attempt
    from hotgraft.host.loaded import Loaded

__all__ = ["BACK_AS_ONE", "check_is_plugin", "check_planned", "check_quarantine", "plan_alone"]

# The classes of what refuses it speak of rebuilding; this image served.
BACK_AS_ONE: Final = (
    "put the old images of it and of whoever was replaced with it where they were loaded from, and reload them as one: "
    "host.reload_set(..., allow_downgrade=True), or hotgraft reload NAME NAME --allow-downgrade"
)


def check_quarantine(attempt: Attempt) -> None:
    """Refuse what was rolled back before.

    Raises:
        Quarantined: with what was found then.
    """
    sha256 = attempt.staged.generation.sha256
    refusals = attempt.around.quarantine.refusals(attempt.name, sha256, attempt.configs)
    if refusals:
        raise Quarantined(f"swap to generation {attempt.number}", on=attempt.name, found=refusals)


def check_is_plugin(loaded: Loaded, candidate: Candidate, number: int) -> None:
    """Refuse the image of another plugin.

    Raises:
        ContractError: it is one.
    """
    if candidate.descriptor.name != loaded.serving.descriptor.name:
        raise ContractError(
            f"swap to generation {number}",
            on=loaded.name,
            found=f"the image is plugin {candidate.descriptor.name!r}",
            advice=f"give the image of plugin {loaded.serving.descriptor.name!r}",
        )


def plan_alone(attempt: Attempt) -> Plan:
    """Return the plan of a candidate that comes alone: judged by what runs."""
    loaded, options = attempt.loaded, attempt.around.options
    consumers = tuple(need for other in attempt.around.others() for need in other.wants(loaded.name))
    return make_plan(
        loaded.name,
        loaded.running(consumers, attempt.around.grants.of(loaded.name)),
        attempt.staged.side,
        is_probed=is_probing(options),
        is_on_probation=options.probation != OFF,
        allow_downgrade=attempt.allow_downgrade,
        goes_back=attempt.goes_back,
        allows_unknown=options.unknown_contract == "allow",
    )


def check_planned(plan: Plan, number: int) -> None:
    """Refuse what its plan speaks against; with permissions alone that wait for it, a grant is enough.

    Raises:
        ContractError, StateError: with every reason.
    """
    refusals = plan.version_refusals + plan.contract_refusals + plan.state_refusals
    if refusals:
        kind = StateError if refusals == plan.state_refusals else ContractError
        advice = DOWNGRADE if plan.refusals == plan.version_refusals else ""
        raise kind(f"swap to generation {number}", on=plan.plugin, found=plan.refusals, advice=advice)
