"""Sessions on their way: opened, carried with a swap, and carried alone when a pin on one ends."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Final

from hotgraft import _core
from hotgraft.core.breaker import BreakerState
from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import ContractError, DrainTimeout, HostClosed, HotgraftError, PluginUnavailable, StateError
from hotgraft.core.lifecycle import Stage
from hotgraft.core.plan import Plan
from hotgraft.core.state import Crossing, choose_crossing
from hotgraft.core.versions import Version
from hotgraft.engine.swap import Part, carry_out
from hotgraft.engine.transfer import make_convert
from hotgraft.host.change import once_more
from hotgraft.host.draining import swap_deadline_s
from hotgraft.host.link import retype
from hotgraft.host.session import Session, SessionLink
from hotgraft.host.session_resume import find_state

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hotgraft.core.state import Conversion
    from hotgraft.engine.stage import Candidate
    from hotgraft.host.host import Host
    from hotgraft.host.loaded import Instance, Loaded, Pinnable
    from hotgraft.host.plugin import Plugin

__all__ = ["carry_one", "moved_sessions", "open_session"]

LOOK_AGAIN_S: Final = 0.0002


def open_session(host: Host, loaded: Loaded, instance: Instance, who: str, resume: str | None = None) -> Session:
    """Make a session of an instance, on what serves.

    Raises:
        SnapshotError: the state that waits under its name cannot come to what serves; it waits on.
        ContractError: the plugin has none. PluginUnavailable: its breaker is open. Busy: as `OpenSessions`.
        PluginError, PluginAbandoned: its own functions.
    """
    breaker = host.breaker.breaker(loaded.name)
    if breaker.state is not BreakerState.CLOSED:
        raise PluginUnavailable("open a session", on=loaded.name, found=breaker.why)
    with loaded.sessions.turn("open a session"):
        held = instance.pinnable
        if held is None or loaded.sessions.is_closed:
            raise HostClosed("open a session", on=loaded.name, found="the host is closed")
        if not loaded.serving.side.state.is_per_session:
            kind = loaded.serving.side.state.kind
            raise ContractError(
                "open a session",
                on=loaded.name,
                found=f"its state is of kind {kind}",
                advice='a plugin that offers hotgraft.session/1 says kind = "session" under [state]',
                running=f"generation {held.generation.number} serves",
            )
        begins = find_state(host, loaded, instance.name, who, resume)
        who = who or loaded.sessions.next_name()
        slots = {key: _core.Slot.named(f"session:{key}") for key in held.tables}
        made = _make(loaded.serving, instance.index, [who], [slots], host.options.control_deadline_s)
        try:
            begins.give(made[0].index)
        except BaseException:
            _drop(held.generation, made, host.options.control_deadline_s)
            raise
        for table in made[0].tables:
            table.slot.publish(table)
        link = SessionLink(host, loaded, instance, slots, held, index=made[0].index, tables=made[0].tables)
        handle: Plugin = _core.make_call_object(held.call_type, list(slots.values()), link)
        session = Session(handle, link, who, carry_one)
        begins.note(session)
        loaded.sessions.add(session)
        return session


@dataclass(frozen=True, slots=True)
class _Made:
    """A session that was made in a generation, with a table for each of its slots."""

    index: int
    tables: list[_core.Table]


def _make(
    candidate: Candidate,
    instance: int,
    names: Sequence[str],
    slots: Sequence[Mapping[str, _core.Slot]],
    deadline_s: float,
) -> list[_Made]:
    """Make sessions of one instance, in one go for each function of the plugin's."""
    attempt = _core.Attempt.of(candidate.generation)
    indexes = attempt.create_sessions(instance, names, deadline_s)
    made = [_Made(index, []) for index in indexes]
    for interface in candidate.side.interfaces:
        tables = attempt.make_session_tables(
            [(index, own[interface.key]) for index, own in zip(indexes, slots, strict=True)],
            interface=interface.key,
            version=interface.packed_version,
            declared_bytes=interface.bytes,
            deadline_s=deadline_s,
        )
        for one, table in zip(made, tables, strict=True):
            one.tables.append(table)
    return made


@dataclass(slots=True)
class _Mover:
    """One session on its way: what it will be."""

    session: Session
    slots: Mapping[str, _core.Slot]
    made: _Made

    @property
    def left(self) -> _Made:
        """What it is until it lands."""
        return _Made(self.session.link.index, self.session.link.tables)

    def is_published(self, candidate: Candidate) -> bool:
        """Tell whether calls through it come to `candidate`."""
        return any(slot.generation == candidate.generation.number for slot in self.slots.values())

    def land(self, held: Pinnable) -> None:
        """It is on `held` now. Twice is once."""
        link = self.session.link
        link.follow(self.slots, held)
        link.index, link.tables = self.made.index, self.made.tables
        retype(self.session.plugin, held.call_type, tuple(self.slots.values()))


def _drop(generation: _core.Generation, sessions: Sequence[_Made], deadline_s: float) -> None:
    """Destroy sessions that nobody can come into; else they would stay for as long as their generation does."""
    if sessions:
        indexes = [one.index for one in sessions]
        with suppress(HotgraftError, MemoryError):  # they go with their generation, then
            tables = [table for one in sessions for table in one.tables]
            _core.Attempt.of(generation).drop_sessions(indexes, tables, deadline_s)


def _prepare(
    loaded: Loaded,
    sessions: Sequence[Session],
    candidate: Candidate,
    indexes: Mapping[str, int],
    deadline_s: float,
) -> list[_Mover]:
    """Make what they will be, instance by instance; `indexes`: of the instances in the candidate, by name."""
    movers: list[_Mover] = []
    keys = [one.key for one in candidate.side.interfaces]
    for name, index in indexes.items():
        own = [one for one in sessions if one.link.instance.name == name]
        slots = [{key: one.link.slots.get(key) or _core.Slot.named(f"session:{key}") for key in keys} for one in own]
        for slot in (slot for one in slots for slot in one.values()):
            slot.queue_limit = loaded.drain.queue_limit
        made = _make(candidate, index, [one.who for one in own], slots, deadline_s) if own else []
        movers += [_Mover(*one) for one in zip(own, slots, made, strict=True)]
    return movers


def _add_to(member: _core.Member, movers: Sequence[_Mover], crossing: Crossing, conversion: Conversion | None) -> None:
    member.moves_sessions(
        [(one.session.link.index, one.made.index) for one in movers],
        way=str(crossing),
        expected_bytes=conversion.plan.old_bytes if conversion is not None else 0,
        tables=[table for one in movers for table in one.made.tables],
        emptied=[slot for one in movers for key, slot in one.session.link.slots.items() if key not in one.slots],
    )


def _expect_retype(movers: Sequence[_Mover]) -> object:
    """Let calls that find an interface gone wait until they have landed, or it is dropped or over."""
    return _core.expect_retype([one.session.plugin for one in movers])


def _named(sessions: Sequence[_Mover]) -> list[str]:
    return [f"session {one.session.who}" for one in sessions]


@contextmanager
def moved_sessions(
    loaded: Loaded,
    plan: Plan,
    member: _core.Member,
    candidate: Candidate,
    indexes: Mapping[str, int],
    names: list[str],
    *,
    deadline_s: float,
    rest_s: float,
) -> Iterator[None]:
    """Carry the idle sessions with the swap that is carried out and noted within, if the plugin has sessions.

    Pinned ones stay. `indexes`: of the instances in the candidate, by name. `names`: of what the member's steps are
    about; those of the sessions are added. `deadline_s`: for each of the plugin's functions; `rest_s`: for pins that
    are waited for.

    Raises:
        PluginError, PluginAbandoned: the candidate makes no sessions; nothing was published. DrainTimeout: one is
        pinned, and none may stay.
    """
    if not plan.is_per_session:
        yield
        return
    assert plan.crossing is not None  # a plan without a way across was refused
    old = loaded.serving.generation
    with _turn_at_rest(loaded, old, rest_s) if plan.pins == "wait" else loaded.sessions.turn("carry sessions over"):
        idle = [one for one in loaded.sessions.list() if one.link.held.generation is old and not one.is_pinned]
        movers = _prepare(loaded, idle, candidate, indexes, deadline_s)
        left = [mover.left for mover in movers]
        _add_to(member, movers, plan.crossing, plan.conversion)
        names += _named(movers)
        expected = _expect_retype(movers)
        try:
            yield
        finally:
            is_there = candidate.generation.stage == Stage.ACTIVE
            try:
                for mover in movers if is_there else ():
                    once_more(lambda one=mover: one.land(_serving(loaded, one.session)))  # type: ignore[misc] # a default binds it
            finally:
                _core.end_retype(expected)
            if is_there:
                _drop(old, left, deadline_s)
            elif candidate.generation.stage == Stage.HELD:  # of a rollback: nobody drops it
                _drop(candidate.generation, [mover.made for mover in movers], deadline_s)


@contextmanager
def _turn_at_rest(loaded: Loaded, old: _core.Generation, rest_s: float) -> Iterator[None]:
    """Have the sessions' turn while none on `old` is pinned. Whoever ends a pin needs that turn, so it is not kept.

    Raises:
        DrainTimeout: some are pinned still.
    """
    until_s = time.monotonic() + rest_s
    while True:
        with loaded.sessions.turn("carry sessions over"):
            if not any(one.is_pinned and one.link.held.generation is old for one in loaded.sessions.list()):
                yield
                return
        if time.monotonic() >= until_s:
            raise DrainTimeout(
                "carry its sessions over",
                on=loaded.name,
                found=f"still pinned at the deadline: {old.pin_holders()}",
                running=f"generation {old.number} still serves",
            )
        time.sleep(LOOK_AGAIN_S)


def _serving(loaded: Loaded, session: Session) -> Pinnable:
    """Return what serves of a session's instance; noted before this, or made out of what is known."""
    held = loaded.instances[session.link.instance.name].pinnable
    assert held is not None  # something serves
    return held


def carry_one(session: Session) -> None:
    """Carry a session that stayed behind to what serves, in the sessions' turn: a swap of it alone.

    Raises:
        StateError, PluginError, PluginAbandoned, DrainTimeout, SwapTimeout: it stays where it is, with its state.
    """
    link = session.link
    loaded, old, serving = link.loaded, link.held, link.loaded.serving
    goes_back = Version.parse(serving.side.version) < Version.parse(old.version)
    choice = choose_crossing(
        old.state, serving.side.state, goes_back=goes_back, converters=loaded.converters.of(loaded.name)
    )
    tried = f"carry session {session.who} from generation {old.generation.number} to {serving.generation.number}"
    running = f"the session stays on generation {old.generation.number}"
    if choice.crossing is None:
        raise StateError(tried, on=loaded.name, found=choice.refusals, running=running)
    indexes = {link.instance.name: loaded.instances[link.instance.name].index}
    movers = _prepare(loaded, [session], serving, indexes, link.host.options.control_deadline_s)
    member = _core.Member.make(
        old_generation=old.generation,
        next_generation=serving.generation,
        instances=[],
        tables=[],
        way=str(Crossing.FRESH),
        pins="leave",  # its own hold; others may be pinned there as well
    )
    plan = Plan(
        plugin=loaded.name,
        kept=serving.generation.number,
        version=old.version,
        candidate_version=serving.side.version,
        crossing=choice.crossing,
        conversion=choice.conversion,
        chain=choice.chain,
        walk=choice.walk,
        is_gated=True,
        pins="leave",
        is_per_session=True,
        steps=(),
    )
    make_convert(member, plan, [])
    converting = loaded.converters.give(member, plan, old.generation, serving.generation)
    _add_to(member, movers, choice.crossing, choice.conversion)
    [mover], control_s = movers, link.host.options.control_deadline_s
    left, failure = mover.left, None
    with ExitStack() as stack:
        stack.callback(_core.end_retype, _expect_retype(movers))
        try:
            part = Part(plugin=loaded.name, member=member, names=_named(movers), converting=converting)
            deadline_s = swap_deadline_s(loaded, link.host.options, None)
            failure = carry_out([part], tried=tried, deadline_s=deadline_s).failure
        except MemoryError:
            if not mover.is_published(serving):  # else it is there, and only the report found no memory
                raise
        if failure is not None:
            _drop(serving.generation, [mover.made], control_s)
            failure.running = running
            raise failure
        once_more(lambda: mover.land(_serving(loaded, session)))
    _drop(old.generation, [left], control_s)
