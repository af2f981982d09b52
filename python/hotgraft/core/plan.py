"""A swap plan: the ordered steps of a swap, as data, checked before any step runs.

`make_plan` decides from facts alone what a swap will do and what speaks against it; the engine carries it
out. What undoes a step is a property of the step, so that whoever carries out a plan undoes it backwards from
where it failed and needs no other knowledge. The same plan, printed, is the dry run.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from hotgraft.core.contract import Consumer, refusals
from hotgraft.core.contract_judge import compare
from hotgraft.core.dataclass import dataclass
from hotgraft.core.features import lost_features
from hotgraft.core.grants import ungranted
from hotgraft.core.state import Choice, Conversion, Crossing, StateFacts, choose_crossing
from hotgraft.core.versions import Version

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from hotgraft.core.contract_facts import Comparison
    from hotgraft.core.converters import Chain, Converter
    from hotgraft.core.layout_plan import CopyPlan
    from hotgraft.core.surface import Interface, Surface

__all__ = [
    "DOWNGRADE", "PIN_STEPS", "SESSIONS", "UNDO", "Action", "PinRule", "Place", "Plan", "Running", "Side", "Step",
    "make_plan", "must_rest", "needs_gate", "pin_rule", "transfers",
]  # fmt: skip


PinRule = Literal["any", "wait", "move", "leave"]  # what becomes of open pins; "any": nobody looks


class Place(StrEnum):
    """When a step runs: before the gates close, while they are closed, or after publish."""

    PREPARE = "prepare"
    WINDOW = "window"
    AFTER = "after"


class Action(StrEnum):
    """What a step does."""

    SETTLE = "settle"
    STAGE = "stage"
    INSPECT = "inspect"
    CHECK_NEEDS = "check needs"
    COMPARE = "compare contract"
    PROBE = "probe"
    MAP = "map"
    CREATE = "create"
    WAIT_PINS = "wait for pins"
    MOVE_PINS = "move pins"
    LEAVE_PINS = "leave pins"
    CLOSE_GATES = "close gates"
    DRAIN = "drain"
    QUIESCE = "quiesce"
    SURRENDER = "surrender"
    TAKE = "take"
    SAVE = "save"
    CONVERT = "convert"
    ATTACH = "attach"
    RUN_CONVERTERS = "run converters"
    RESTORE = "restore"
    START = "start"
    PUBLISH = "publish"
    HEALTH = "quick health"
    PROBATION = "probation"
    COMMIT = "commit"
    RECLAIM = "reclaim"
    # What only undoes.
    REMOVE_COPY = "remove copy"
    UNLOAD = "unload"
    DESTROY = "destroy"
    ALLOW_PINS = "allow pins"
    REOPEN_GATES = "reopen gates"
    RESUME = "resume"
    GIVE_BACK = "give back"  # the block, to what served before
    LET_GO = "let go"  # of the block, by the candidate
    DROP_CONVERTED = "drop converted"  # the block that was made for the candidate
    STOP = "stop"  # the candidate


# Steps that change nothing have no undo; publish and what follows it is undone by another swap only.
UNDO: Final[Mapping[Action, Action]] = MappingProxyType(
    {
        Action.STAGE: Action.REMOVE_COPY,
        Action.MAP: Action.UNLOAD,
        Action.CREATE: Action.DESTROY,
        Action.WAIT_PINS: Action.ALLOW_PINS,
        Action.MOVE_PINS: Action.ALLOW_PINS,
        Action.LEAVE_PINS: Action.ALLOW_PINS,
        Action.CLOSE_GATES: Action.REOPEN_GATES,
        Action.QUIESCE: Action.RESUME,
        Action.SURRENDER: Action.GIVE_BACK,
        Action.CONVERT: Action.DROP_CONVERTED,
        Action.RUN_CONVERTERS: Action.DROP_CONVERTED,
        Action.TAKE: Action.LET_GO,
        Action.ATTACH: Action.LET_GO,
        # What restore put into the candidate is destroyed with it; the saved values were a copy.
        Action.START: Action.STOP,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a plan, on one instance or (empty) on the plugin as a whole."""

    action: Action
    place: Place
    instance: str = ""

    @property
    def undo(self) -> Action | None:
        """Return what takes this step back; None when there is nothing to take back, or no way."""
        return UNDO.get(self.action)

    def __str__(self) -> str:
        return f"{self.action} {self.instance}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What one version offers: the facts of its descriptor that a swap depends on."""

    surface: Surface

    @property
    def version(self) -> str:
        """Return the plugin's version."""
        return self.surface.version

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        """Return what it offers; one slot each."""
        return self.surface.interfaces

    @property
    def state(self) -> StateFacts:
        """Return what it declares about its state."""
        return self.surface.state or StateFacts()

    @property
    def features(self) -> tuple[str, ...]:
        """Return what callers may rely on beyond functions."""
        return self.surface.features

    @property
    def permissions(self) -> tuple[str, ...]:
        """Return what it asks of its host."""
        return self.surface.permissions


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What serves now."""

    generation: int
    side: Side
    instances: tuple[str, ...]
    consumers: tuple[Consumer, ...] = ()
    relied_on: frozenset[str] = frozenset()  # features that the program itself uses
    granted: frozenset[str] = frozenset()  # permissions, to the plugin and so to its candidates
    moves_pins: bool = False  # open pins follow where state has to come to rest; else a swap waits for them
    converters: tuple[Converter, ...] = ()  # the program's, for its state


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a swap of one plugin will do, and every reason against it."""

    plugin: str
    kept: int
    version: str
    candidate_version: str
    crossing: Crossing | None
    is_gated: bool
    pins: PinRule
    is_per_session: bool
    steps: tuple[Step, ...]
    is_downgrade: bool = False  # to a version of lower precedence
    must_leave: bool = False  # nobody may stay inside of what runs: what that calls is replaced with it
    version_refusals: tuple[str, ...] = ()
    conversion: Conversion | None = None
    chain: Chain | None = None  # of converters
    walk: CopyPlan | None = None  # of a block that is handed over: finds the blocks that it leads to
    comparison: Comparison | None = None  # with what serves; None: nothing is compared on the way back
    contract_refusals: tuple[str, ...] = ()
    state_refusals: tuple[str, ...] = ()
    permission_refusals: tuple[str, ...] = ()

    @property
    def refusals(self) -> tuple[str, ...]:
        """Return every reason why this swap is refused; empty when it may go."""
        return self.version_refusals + self.contract_refusals + self.state_refusals + self.permission_refusals

    @property
    def left_behind(self) -> tuple[str, ...]:
        """Return the fields of the state whose values do not come along: nobody gave them up, but this goes back."""
        return self.conversion.plan.lost if self.conversion is not None else ()

    def at(self, place: Place) -> tuple[Step, ...]:
        """Return the steps of one place, in order."""
        return tuple(step for step in self.steps if step.place is place)

    def __str__(self) -> str:
        return "\n".join((self.words, *self.numbered_steps))

    @property
    def words(self) -> str:
        """Return what it says, without the steps."""
        gate = "calls wait at a closed gate" if self.is_gated else "no gate: calls never wait"
        way = f"state: {self.crossing}" if self.crossing is not None else "state: no way across"
        versions = f"version {self.version} → {self.candidate_version}"
        if self.is_downgrade and not self.version_refusals:
            versions += ", a downgrade that was asked for"
        lines = [f"{self.plugin}: {versions}; generation {self.kept} serves; {way}; {gate}"]
        if self.comparison is not None:
            lines.append(f"  contract: {self.comparison.verdict}")
            lines += [f"    {fact}" for fact in self.comparison.facts]
        if self.chain is not None:
            lines.append(f"  converters: {self.chain}")
            lines += [f"  callers wait for the interpreter: {one}" for one in self.chain.interpreted]
        if self.conversion is not None:
            lines += [f"  state, {what}: {', '.join(fields)}" for what, fields in self.conversion.told() if fields]
        lines += [f"  refused: {reason}" for reason in self.refusals]
        return "\n".join(lines)

    @property
    def numbered_steps(self) -> list[str]:
        """Return a line for each step."""
        undone = (f"  (undo: {one.undo})" if one.undo is not None else "" for one in self.steps)
        steps = enumerate(zip(self.steps, undone, strict=True), start=1)
        return [f"  {number:2} {step.place:<8} {step}{undo}" for number, (step, undo) in steps]


def make_plan(
    plugin: str,
    running: Running,
    candidate: Side,
    *,
    is_probed: bool = True,
    is_on_probation: bool = False,
    allow_downgrade: bool = False,
    goes_back: bool = False,
    allows_unknown: bool = False,
    is_one_of_many: bool = False,
    released: Collection[str] = (),
    must_leave: bool = False,
) -> Plan:
    """Return the plan that replaces what runs by `candidate`, with every reason against it.

    `is_probed`: the candidate is tried in a process of its own before it is mapped in this one. `is_on_probation`: once
    it serves it is compared with what it replaced, which is held until then. `allow_downgrade`: somebody asked for a
    lower version; else one is refused. Builds of one version are neither lower nor higher (SemVer §10). `goes_back`: it
    served before. `allows_unknown`: what of the contract nobody can decide is no reason against it. `is_one_of_many`:
    it is published together with others. `released`: see `contract.refusals`. `must_leave`: what runs calls what is
    replaced with it, so nobody may stay inside, pinned or not.
    """
    version, before = Version.parse(candidate.version), Version.parse(running.side.version)
    is_downgrade = version < before
    goes_back = goes_back or (is_downgrade and allow_downgrade)
    # Of a downgrade that nobody asked for: what would stand against it if somebody did.
    choice = choose_crossing(
        running.side.state, candidate.state, goes_back=goes_back or is_downgrade, converters=running.converters
    )
    comparison = compare(running.side.surface, candidate.surface, running.consumers)
    is_gated = is_one_of_many or needs_gate(running, candidate, choice.crossing)
    pins = pin_rule(running, choice.crossing) if is_gated else "any"
    pins = "wait" if must_leave and pins == "leave" else pins
    return Plan(
        plugin=plugin,
        kept=running.generation,
        version=running.side.version,
        candidate_version=candidate.version,
        crossing=choice.crossing,
        conversion=choice.conversion,
        chain=choice.chain,
        walk=choice.walk,
        is_gated=is_gated,
        pins=pins,
        is_per_session=running.side.state.is_per_session,
        steps=_prepare(running, is_probed=is_probed)
        + _window(running, choice, pins, is_gated=is_gated)
        + _after(is_on_probation=is_on_probation),
        is_downgrade=is_downgrade,
        must_leave=must_leave,
        version_refusals=_version_refusals(running, candidate) if is_downgrade and not allow_downgrade else (),
        comparison=comparison,
        contract_refusals=refusals(
            running.side.surface,
            candidate.surface,
            running.consumers,
            comparison=comparison,
            goes_back=goes_back and not version > before,  # back from a downgrade is up: it adds again
            allows_unknown=allows_unknown,
            released=released,
        )
        + lost_features(candidate.features, running.consumers, running.relied_on),
        state_refusals=choice.refusals,
        permission_refusals=tuple(ungranted(candidate.permissions, running.granted).values()),
    )


def _version_refusals(running: Running, candidate: Side) -> tuple[str, ...]:
    was, lower = running.side.version, candidate.version
    return (f"version {lower} is lower than {was}, which serves: ask for the downgrade if it is meant",)


def must_rest(crossing: Crossing | None) -> bool:
    """Tell whether state must hold still while it crosses, which it does where nobody is inside."""
    return crossing not in (Crossing.FRESH, Crossing.SHARE)


def needs_gate(running: Running, candidate: Side, crossing: Crossing | None) -> bool:
    """Tell whether calls must wait: only one slot, and no state that must rest, can be replaced by a single store."""
    keys = {one.key for side in (running.side, candidate) for one in side.interfaces}
    return must_rest(crossing) or len(running.instances) * len(keys) != 1


def pin_rule(running: Running, crossing: Crossing | None) -> PinRule:
    """Return what becomes of the pins that are open when a gate closes."""
    if not must_rest(crossing) or running.side.state.is_per_session:
        return "leave"
    return "move" if running.moves_pins else "wait"


PIN_STEPS: Final[Mapping[PinRule, Action]] = MappingProxyType(
    {"wait": Action.WAIT_PINS, "move": Action.MOVE_PINS, "leave": Action.LEAVE_PINS}
)


SESSIONS: Final = "(sessions)"  # in the place of an instance
DOWNGRADE: Final = (  # what to do where that alone is against it
    "reload with allow_downgrade=True (hotgraft reload --allow-downgrade), "
    "or raise the version in plugin.toml and rebuild"
)


def _prepare(running: Running, *, is_probed: bool) -> tuple[Step, ...]:
    whole = (Action.SETTLE, Action.STAGE, Action.INSPECT, Action.CHECK_NEEDS, Action.COMPARE)
    probe = (Action.PROBE, Action.MAP) if is_probed else (Action.MAP,)
    steps = [Step(action=action, place=Place.PREPARE) for action in (*whole, *probe)]
    steps += [Step(action=Action.CREATE, place=Place.PREPARE, instance=one) for one in running.instances]
    return tuple(steps)


def _window(running: Running, choice: Choice, pins: PinRule, *, is_gated: bool) -> tuple[Step, ...]:
    def each(action: Action) -> list[Step]:
        return [Step(action=action, place=Place.WINDOW, instance=one) for one in running.instances]

    def once(action: Action) -> list[Step]:
        return [Step(action=action, place=Place.WINDOW)]

    is_per_session = running.side.state.is_per_session
    steps: list[Step] = []
    if is_gated:
        # A pinned call passes the gate: while one may come, the old instance must not quiesce.
        steps += once(PIN_STEPS[pins]) + once(Action.CLOSE_GATES) + once(Action.DRAIN) + each(Action.QUIESCE)
    for one in transfers(choice):
        steps += [Step(action=one, place=Place.WINDOW, instance=SESSIONS)] if is_per_session else each(one)
    return tuple(steps + each(Action.START) + once(Action.PUBLISH))


def transfers(choice: Choice) -> tuple[Action, ...]:
    """Return the steps that carry one state over."""
    crossing, chain = choice.crossing, choice.chain
    if crossing is Crossing.HAND_OVER:
        return Action.SURRENDER, Action.TAKE
    if crossing is Crossing.CONVERT:
        return Action.SURRENDER, Action.CONVERT, Action.TAKE
    if crossing is Crossing.RESTORE:
        return Action.SAVE, Action.RESTORE
    if crossing is Crossing.SHARE:
        return (Action.ATTACH,)
    if crossing is Crossing.CONVERT_SHARED:
        return Action.CONVERT, Action.ATTACH
    if crossing is Crossing.CONVERTERS and chain is not None:
        out = Action.SURRENDER if chain.from_layout is not None else Action.SAVE
        return out, Action.RUN_CONVERTERS, Action.TAKE if chain.to_layout is not None else Action.RESTORE
    return ()


def _after(*, is_on_probation: bool) -> tuple[Step, ...]:
    probation = (Action.PROBATION,) if is_on_probation else ()
    return tuple(
        Step(action=action, place=Place.AFTER) for action in (Action.HEALTH, *probation, Action.COMMIT, Action.RECLAIM)
    )
