"""What a swap of one plugin or many would do: who is replaced by what, in which order and why, and all against it.

The same value for the dry run and for the swap itself. `set_planning` makes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hotgraft.core.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hotgraft.core.expected_pause import ExpectedPause
    from hotgraft.core.plan import Plan
    from hotgraft.core.reload_set import Member, Refusal

__all__ = ["PlannedMember", "SetPlan", "plan_as_dict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedMember:
    """One plugin of the set.

    Args:
        member: why it is in it, and to whom its needs will lead.
        plan: what is done with it, judged against the other members as they will be; None: nothing of it runs, so it
            is loaded.
        image: the path that is loaded.
        own_refusals: what stands against its image beside the plan, such as a quarantine.
    """

    member: Member
    plan: Plan | None
    image: str
    own_refusals: tuple[str, ...] = ()

    @property
    def plugin(self) -> str:
        """Return its name."""
        return self.member.plugin

    @property
    def refusals(self) -> tuple[str, ...]:
        """Return what stands against replacing this one."""
        return (*self.own_refusals, *(self.plan.refusals if self.plan is not None else ()))

    @property
    def words(self) -> str:
        """Return what is done with it, and what stands against that."""
        head = self.plan.words if self.plan is not None else f"{self.plugin}: loaded for the first time"
        return "\n".join((head, *(f"  refused: {one}" for one in self.own_refusals)))

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            **self.member.as_dict(),
            "image": self.image,
            "refusals": list(self.refusals),
            "plan": plan_as_dict(self.plan) if self.plan is not None else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPlan:
    """What one swap will do. ``plan["codec"]`` is the plan of one member.

    Args:
        members: providers first: the order in which they are started; they are quiesced in the other one.
        set_refusals: what stands against the set as a whole: needs that nobody meets, cycles.
        pause: how long calls are expected to wait.
    """

    members: tuple[PlannedMember, ...]
    set_refusals: tuple[Refusal, ...]
    pause: ExpectedPause

    @property
    def names(self) -> tuple[str, ...]:
        """Return the members' names in their order."""
        return tuple(one.plugin for one in self.members)

    @property
    def is_refused(self) -> bool:
        """Tell whether anything stands against it."""
        return bool(self.set_refusals) or any(one.refusals for one in self.members)

    @property
    def refusals(self) -> tuple[str, ...]:
        """Return every reason why it is refused; those of one member among several begin with its name."""
        is_one = len(self.members) == 1
        own = (reason if is_one else f"{one.plugin}: {reason}" for one in self.members for reason in one.refusals)
        return (*own, *map(str, self.set_refusals))

    def __getitem__(self, plugin: str) -> Plan:
        """Return the plan of one member.

        Raises:
            KeyError: it is no member, or nothing of it runs.
        """
        for one in self.members:
            if one.plugin == plugin and one.plan is not None:
                return one.plan
        raise KeyError(plugin)

    def __contains__(self, plugin: object) -> bool:
        return plugin in self.names

    def __iter__(self) -> Iterator[PlannedMember]:
        return iter(self.members)

    def __len__(self) -> int:
        return len(self.members)

    def __str__(self) -> str:
        of_set = [f"  refused: {one}" for one in self.set_refusals]
        if len(self.members) == 1 and (plan := self.members[0].plan) is not None:
            head, steps = self.members[0].words, plan.numbered_steps
        else:  # the steps of all are those of one window
            head, steps = self._overview(), [one.words for one in self.members]
        return "\n".join((head, *of_set, f"  pause: {self.pause}", *steps))

    @property
    def title(self) -> str:
        """Return how many it replaces, and whether it is refused."""
        many = "s" if len(self.members) != 1 else ""
        return f"a swap of {len(self.members)} plugin{many}" + (", refused" if self.is_refused else "")

    def _overview(self) -> str:
        return "\n".join(
            (self.title, *(f"{number:3} {one.member}" for number, one in enumerate(self.members, start=1)))
        )

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "members": [one.as_dict() for one in self.members],
            "order": list(self.names),
            "refusals": list(self.refusals),
            "set_refusals": [one.as_dict() for one in self.set_refusals],
            "pause": self.pause.as_dict(),
        }


def plan_as_dict(plan: Plan) -> dict[str, Any]:
    """Return the plan of one plugin as JSON has it."""
    return {
        "plugin": plan.plugin,
        "generation": plan.kept,
        "version": plan.version,
        "candidate_version": plan.candidate_version,
        "crossing": None if plan.crossing is None else str(plan.crossing),
        "is_gated": plan.is_gated,
        "is_downgrade": plan.is_downgrade,
        "verdict": None if plan.comparison is None else str(plan.comparison.verdict),
        "steps": [{"place": str(one.place), "step": str(one)} for one in plan.steps],
        "refusals": list(plan.refusals),
    }
