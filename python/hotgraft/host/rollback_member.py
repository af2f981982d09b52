"""One plugin's way back in a rollback: its plan, what is made for it before the window, and what is noted after it.

It has three ways, each tried where the one before did not go: with the state gained since, at rest; beside the calls
that are inside, where no state is taken from them; and with what the held generation had when it was replaced.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from hotgraft import _core
from hotgraft.core.call_types import call_description
from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import HotgraftError
from hotgraft.core.lifecycle import Stage
from hotgraft.core.plan import must_rest
from hotgraft.core.rollback import keeps_own_state, loses_state, needs_fresh, plan_rollback
from hotgraft.engine.config import filled_configs
from hotgraft.engine.load import make_tables
from hotgraft.engine.swap import Part
from hotgraft.engine.transfer import keep_copies, make_convert, way_of_instances
from hotgraft.host.instances import expect_retype, retype_handles
from hotgraft.host.lending import lent_tables
from hotgraft.host.moving import moved_pins
from hotgraft.host.moving_sessions import moved_sessions
from hotgraft.host.outputs import base_of_handles
from hotgraft.host.plugin import make_call_type
from hotgraft.host.report import Outcome, SwapReport
from hotgraft.host.slots import dropped_slots
from hotgraft.host.stats import calls_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import ExitStack

    from hotgraft.core.options import Options
    from hotgraft.core.plan import Plan
    from hotgraft.engine.swap import Window
    from hotgraft.engine.timing import StepTime, Stopwatch
    from hotgraft.host.loaded import Held, Loaded
    from hotgraft.host.plugin import Plugin

__all__ = ["WayBack"]


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What is noted once the held generation serves."""

    indexes: Mapping[str, int]
    pin_tables: Mapping[str, tuple[_core.Table, ...]]
    call_type: type[Plugin]


@dataclass(slots=True, kw_only=True)
class WayBack:
    """Of one plugin, by whoever has its turn.

    Args:
        loaded: the plugin.
        held: what is to serve again.
        leaving: what serves.
        unit: the plugins that go back as one, itself too.
        calls: those of them that `leaving` calls; then no pin may stay on it.
        needs_more: what `leaving` needs of the unit's other plugins and what they go back to lacks; then nobody may
            stay inside of it.
        is_bad: the rollback is for it; else it only goes with another one.
        options: of the host.
        watch: for its steps.
    """

    loaded: Loaded
    held: Held
    leaving: _core.Generation
    unit: tuple[str, ...]
    calls: tuple[str, ...]
    needs_more: tuple[str, ...]
    is_bad: bool
    options: Options
    watch: Stopwatch
    lost_before: int = 0  # calls, since its state was copied
    plan: Plan | None = None
    is_lossy: bool = False  # it goes with what it had
    is_left: bool = False  # where nothing is taken: with calls inside ...
    is_unquiesced: bool = False  # ... or without coming to rest
    found: list[str] = field(default_factory=list)
    made: _Prepared | None = None
    window: Window | None = None  # its part of the last one
    _loses: bool = False  # the way that it has left

    @classmethod
    def of(
        cls,
        loaded: Loaded,
        *,
        unit: tuple[str, ...],
        calls: tuple[str, ...],
        needs_more: tuple[str, ...],
        is_bad: bool,
        options: Options,
        watch: Stopwatch,
    ) -> WayBack:
        """Return the way back of a plugin of which something is held."""
        held = loaded.held
        assert held is not None  # asked before
        is_alone = len(unit) == 1  # then a drain is for the state alone
        return cls(
            loaded=loaded,
            held=held,
            leaving=loaded.serving.generation,
            unit=unit,
            calls=calls,
            needs_more=needs_more,
            is_bad=is_bad,
            options=options,
            watch=watch,
            lost_before=held.calls_since
            + (0 if held.before is None else calls_of(held.generation) - held.before.calls),
            is_left=is_alone,
            is_unquiesced=is_alone,
        )

    @property
    def name(self) -> str:
        """Return the plugin's name."""
        return self.loaded.name

    @property
    def takes_nothing(self) -> bool:
        """Whether no state is taken from what leaves, as it is planned."""
        return self.plan is not None and not must_rest(self.plan.crossing)

    @property
    def has_pins(self) -> bool:
        """Whether pins are open for which it waits."""
        return self.plan is not None and self.plan.pins in ("wait", "move") and self.leaving.pins != 0

    def choose(self) -> bool:
        """Plan it; False: there is no such way, and `found` says why."""
        self.plan = plan_rollback(
            self.name,
            self.loaded.running(()),
            self.held.candidate.side,
            keeps=self.is_lossy,
            leaves=self.is_left,
            keeps_pins=not self.calls,
        )
        if self.plan.crossing is None:
            self.found += self.plan.state_refusals
        return self.plan.crossing is not None

    def prepare(self, carried: ExitStack, deadline_s: float) -> Part:
        """Make all that the window needs; what is to outlast the window is entered into `carried`.

        Raises:
            PluginError, PluginAbandoned, DrainTimeout, Busy: nothing was changed. MemoryError.
        """
        held, loaded, plan, control_s = self.held, self.loaded, self.plan, self.options.control_deadline_s
        assert plan is not None  # chosen
        indexes = dict(held.indexes)
        attempt = _core.Attempt.of(held.generation)
        if needs_fresh(plan):
            indexes = self._create_fresh(attempt)
        call_type = make_call_type(
            call_description(held.candidate.descriptor, loaded.name, catches_crashes=self.options.catch_crashes),
            previous=loaded.call_type,
            base=base_of_handles(self.options),
        )
        tables, pin_tables = (self._tables(attempt, indexes) for _ in range(2))
        # Slots of others in which it answers; one that goes back as well has its own again.
        loans = [one for one in loaded.lent if one.borrower not in self.unit]
        lent = lent_tables(attempt, loans, indexes, held.candidate.side, deadline_s=control_s)
        member = self._member(indexes, [table for own in tables.values() for table in own] + lent)
        names = list(indexes)
        carried.callback(_core.end_retype, expect_retype(loaded))
        carried.enter_context(
            moved_sessions(
                loaded, plan, member, held.candidate, indexes, names, deadline_s=control_s, rest_s=deadline_s
            )
        )
        carried.enter_context(
            moved_pins(loaded, plan, member, held.candidate, pin_tables, call_type=call_type, deadline_s=deadline_s)
        )
        self.made = _Prepared(indexes, pin_tables, call_type)
        return Part(
            plugin=loaded.name,
            member=member,
            names=names,
            converting=loaded.converters.give(member, plan, self.leaving, held.generation),
            resumes=not needs_fresh(plan),
        )

    def note(self) -> None:
        """The held generation serves again. Twice is once."""
        assert self.made is not None  # prepared
        if self.is_bad:
            self.loaded.take_back(self.leaving, self.held.generation)
        self.loaded.recall(self.held, self.made.indexes, self.made.pin_tables, self.made.call_type)
        retype_handles(self.loaded)  # before sessions are dropped: callers wait for it

    def has_another(self, *, is_entered: bool) -> bool:
        """Tell whether it can go back another way than it was tried; else `found` says why not.

        `is_entered`: there are calls inside, or pins, that do not leave.
        """
        if self.held.generation.stage != Stage.HELD:
            return False  # it is on its way out of memory: the reaper was there first
        if is_entered and self.needs_more:
            self.found += [f"who is inside may not be left there: it {one}" for one in self.needs_more]
            return False
        if self.has_pins and self.calls:
            called = ", ".join(self.calls)
            self.found.append(
                f"no pin may stay on it: a call through it would meet it as it is, and {called} gone back"
            )
            return False
        was = self.is_left, self.is_unquiesced
        self.is_left = self.is_left or is_entered
        self.is_unquiesced = not self.needs_more
        if self.takes_nothing and was != (self.is_left, self.is_unquiesced):
            return True
        self._loses = self._may_lose()
        return self._loses

    def take_another(self) -> bool:
        """Choose the way that it has left; False: it cannot be had, and `found` says why."""
        if not self._loses:
            return True
        self._loses = False
        if not keeps_own_state(self.held.crossing) and not self._give_back():
            return False
        self.is_lossy = True
        return True

    def _may_lose(self) -> bool:
        """Whether what the held generation had when it was replaced may serve again."""
        held, running = self.held, self.loaded.serving.side
        if self.is_lossy or not loses_state(running, held.candidate.side):
            return False  # it was tried so already
        if running.state.is_per_session:
            self.found.append("sessions go on with what runs, and what the held generation had of them is over")
        elif self.options.rollback == "refuse":
            self.found.append('the state gained since would be lost, and this host refuses that (rollback="refuse")')
        elif not keeps_own_state(held.crossing) and (held.before is None or not held.before.has_blocks(held.indexes)):
            self.found.append("what it had when it was replaced was handed over, and is in use")
        else:
            return True
        return False

    def _give_back(self) -> bool:
        """Make what it had before the swap its own again, where the block itself is the other generation's."""
        assert self.held.before is not None  # asked by _may_lose
        try:
            self.held.before.give_back(self.held.generation, self.held.indexes)
        except HotgraftError as error:
            self.found += error.found
            return False
        return True

    def _create_fresh(self, attempt: _core.Attempt) -> dict[str, int]:
        held, indexes = self.held, dict[str, int]()
        filled = filled_configs(self.name, held.candidate.descriptor.config_schema, held.configs)
        for name in held.indexes:
            with self.watch(f"create {name}"):
                indexes[name] = attempt.create(name, filled[name], self.options.control_deadline_s)
        return indexes

    def _tables(self, attempt: _core.Attempt, indexes: Mapping[str, int]) -> dict[str, tuple[_core.Table, ...]]:
        """Return new tables by instance: a table's address stands for one interval of service."""
        side, control_s = self.held.candidate.side, self.options.control_deadline_s
        return {
            name: tuple(make_tables(attempt, side, index, self.loaded.instances[name].slots, deadline_s=control_s))
            for name, index in indexes.items()
        }

    def _member(self, indexes: Mapping[str, int], tables: list[_core.Table]) -> _core.Member:
        held, plan, instances = self.held, self.plan, self.loaded.instances
        assert plan is not None and plan.crossing is not None  # asked before
        side, kept = held.candidate.side, [one.slot for one in tables]
        emptied = dropped_slots(self.loaded, kept, side, together=self.unit)
        member = _core.Member.make(
            old_generation=self.leaving,
            next_generation=held.generation,
            instances=[(instances[name].index, index) for name, index in indexes.items()],
            tables=tables,
            way=way_of_instances(plan),
            pins=plan.pins,
        )
        make_convert(member, plan, indexes)
        if held.candidate.descriptor.state.copies:
            keep_copies(member, plan)
        member.recalls(
            resumes=not needs_fresh(plan),
            leaves_undrained=self.takes_nothing and self.is_left,
            leaves_unquiesced=self.takes_nothing and self.is_unquiesced,
            emptied=emptied,
        )
        return member

    @property
    def steps(self) -> tuple[StepTime, ...]:
        """Return what was done of it."""
        return tuple(self.watch.steps)

    def report(self, outcome: Outcome) -> SwapReport:
        """Return what became of it."""
        serving, window, is_back = self.loaded.serving, self.window, outcome is Outcome.ROLLED_BACK
        is_lossy = self.is_lossy and is_back
        reasons = tuple(dict.fromkeys(self.found))
        return SwapReport(
            plugin=self.name,
            outcome=outcome,
            generation=serving.generation.number,
            version=serving.side.version,
            candidate=serving.generation.number,
            image=self.loaded.source,
            sha256=serving.generation.sha256,
            plan=self.plan,
            steps=self.steps,
            pause_us=window.pause_us if window is not None else 0.0,
            pause_steps=window.pause_steps if window is not None else (),
            refusals=reasons if outcome is Outcome.BLOCKED else (),
            why_lossy=reasons if is_lossy else (),
            after_undo=window.after_undo if window is not None else (),
            out_of_service=serving.generation.out_of_service,
            is_lossy=is_lossy,
            lost_calls=self.lost_before + calls_of(self.leaving) if is_lossy else 0,
        )
