"""Let the held generation serve again: with the state gained since, or else, where a host allows it, without.

It runs in the plugin's turn, after publish and before commit. Every way it can end has a word: *rolled back*, the same
and lossy, *rollback blocked*. Until it publishes, what is to be rolled back serves on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hotgraft import _core
from hotgraft.core.call_types import call_description
from hotgraft.core.errors import HotgraftError, RollbackBlocked
from hotgraft.core.lifecycle import Stage
from hotgraft.core.plan import must_rest
from hotgraft.core.rollback import keeps_own_state, loses_state, needs_fresh, plan_rollback
from hotgraft.engine.config import filled_configs
from hotgraft.engine.load import make_tables
from hotgraft.engine.swap import Part, carry_out
from hotgraft.engine.transfer import keep_copies, make_convert, way_of_instances
from hotgraft.host.change import once_more
from hotgraft.host.lending import lent_tables
from hotgraft.host.moving import moved_pins
from hotgraft.host.moving_sessions import moved_sessions
from hotgraft.host.outputs import base_of_handles
from hotgraft.host.plugin import make_call_type
from hotgraft.host.report import Outcome, SwapReport, running_words
from hotgraft.host.stats import calls_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hotgraft.core.options import Options
    from hotgraft.core.plan import Plan
    from hotgraft.engine.swap import Window
    from hotgraft.engine.timing import Stopwatch
    from hotgraft.host.loaded import Held, Loaded

__all__ = ["Rollback"]


@dataclass(slots=True, kw_only=True)
class Rollback:
    """One attempt to let the held generation serve again. Used once, by whoever has the plugin's turn.

    Args:
        loaded: the plugin; something is held.
        why: what is to be rolled back for.
        deadline_s: for the gated window.
        options: of the host.
        watch: for the steps.
        after_publish: told once the held generation serves.
    """

    loaded: Loaded
    why: str
    deadline_s: float
    options: Options
    watch: Stopwatch
    after_publish: Callable[[Loaded], None]
    plan: Plan | None = None
    window: Window | None = None
    is_lossy: bool = False
    found: list[str] = field(default_factory=list)

    def carry_out(self) -> SwapReport:
        """Do it and return its report.

        Raises:
            RollbackBlocked: it could not be done. What was to be rolled back serves on; the error carries the report.
        """
        held = self.loaded.held
        assert held is not None  # asked before
        leaving = self.loaded.serving.generation
        lost = 0 if held.before is None else calls_of(held.generation) - held.before.calls  # until it was replaced
        if not self._publish(held, keeps=False) and not self._publish_without(held):
            raise self._blocked()
        once_more(lambda: self.after_publish(self.loaded))
        with self.watch("retire"):
            once_more(lambda: _core.retire(leaving))
        return self._report(Outcome.ROLLED_BACK, lost_calls=lost + calls_of(leaving) if self.is_lossy else 0)

    def _publish(self, held: Held, *, keeps: bool) -> bool:
        """Try one way; what speaks against it, or went wrong, is noted."""
        loaded = self.loaded
        plan = plan_rollback(loaded.name, loaded.running(()), held.candidate.side, keeps=keeps)
        self.plan = plan
        if plan.crossing is None:
            self.found += plan.state_refusals
            return False
        try:
            indexes = dict(held.indexes)
            attempt = _core.Attempt.of(held.generation)
            if needs_fresh(plan):
                indexes = self._create_fresh(attempt, held)
            call_type = make_call_type(
                call_description(held.candidate.descriptor, loaded.name, catches_crashes=self.options.catch_crashes),
                previous=loaded.call_type,
                base=base_of_handles(self.options),
            )
            tables, pin_tables = (self._tables(attempt, held, indexes) for _ in range(2))
            lent = lent_tables(
                attempt, loaded.lent, indexes, held.candidate.side, deadline_s=self.options.control_deadline_s
            )
            member = self._member(held, plan, indexes, [table for own in tables.values() for table in own] + lent)
            names = list(indexes)
            control_s = self.options.control_deadline_s
            with (
                moved_sessions(loaded, plan, member, held.candidate, indexes, names, deadline_s=control_s),
                moved_pins(
                    loaded, plan, member, held.candidate, pin_tables, call_type=call_type, deadline_s=self.deadline_s
                ),
            ):
                converting = loaded.converters.give(member, plan, loaded.serving.generation, held.generation)
                self.window = None
                try:
                    part = Part(
                        plugin=loaded.name,
                        member=member,
                        names=names,
                        converting=converting,
                        resumes=not needs_fresh(plan),
                    )
                    self.window = carry_out([part], tried=self._tried, deadline_s=self.deadline_s)
                except MemoryError:
                    if held.generation.stage != Stage.ACTIVE:  # else it serves, and only the report found no memory
                        raise
                if self.window is None or self.window.failure is None:
                    once_more(lambda: loaded.recall(held, indexes, pin_tables, call_type))
        except HotgraftError as error:
            self.found += error.found
            return False
        self.watch.steps.extend(self.window.steps if self.window is not None else ())
        if self.window is not None and self.window.failure is not None:
            self.found += self.window.failure.found
            return False
        return True

    def _publish_without(self, held: Held) -> bool:
        """Publish what the held generation had when it was replaced, beside calls that do not come back."""
        running = self.loaded.serving.side
        if not loses_state(running, held.candidate.side):
            return False  # it was tried so already
        if running.state.is_per_session:
            self.found.append("sessions go on with what runs, and what the held generation had of them is over")
            return False
        if self.options.rollback == "refuse":
            self.found.append('the state gained since would be lost, and this host refuses that (rollback="refuse")')
            return False
        if not keeps_own_state(held.crossing) and not self._give_back(held):
            return False
        self.is_lossy = True
        return self._publish(held, keeps=True)

    def _give_back(self, held: Held) -> bool:
        """Make what it had before the swap its own again, where the block itself is the other generation's."""
        if held.before is None or not held.before.has_blocks(held.indexes):
            self.found.append("what it had when it was replaced was handed over, and is in use")
            return False
        try:
            held.before.give_back(held.generation, held.indexes)
        except HotgraftError as error:
            self.found += error.found
            return False
        return True

    def _create_fresh(self, attempt: _core.Attempt, held: Held) -> dict[str, int]:
        indexes = {}
        filled = filled_configs(self.loaded.name, held.candidate.descriptor.config_schema, held.configs)
        for name in held.indexes:
            with self.watch(f"create {name}"):
                indexes[name] = attempt.create(name, filled[name], self.options.control_deadline_s)
        return indexes

    def _tables(
        self, attempt: _core.Attempt, held: Held, indexes: Mapping[str, int]
    ) -> dict[str, tuple[_core.Table, ...]]:
        """Return new tables by instance: a table's address stands for one interval of service."""
        return {
            name: tuple(
                make_tables(
                    attempt,
                    held.candidate.side,
                    index,
                    self.loaded.instances[name].slots,
                    deadline_s=self.options.control_deadline_s,
                )
            )
            for name, index in indexes.items()
        }

    def _member(
        self,
        held: Held,
        plan: Plan,
        indexes: Mapping[str, int],
        tables: list[_core.Table],
    ) -> _core.Member:
        assert plan.crossing is not None  # asked before
        instances = self.loaded.instances
        known = {one.key for one in held.candidate.side.interfaces}
        fresh = [one.key for one in self.loaded.serving.side.interfaces if one.key not in known]
        lent = [one.slot for one in self.loaded.lent if one.interface not in known]
        member = _core.Member.make(
            old_generation=self.loaded.serving.generation,
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
            leaves_undrained=not must_rest(plan.crossing),
            emptied=[instances[name].slots[key] for name in indexes for key in fresh] + lent,
        )
        return member

    @property
    def _tried(self) -> str:
        assert self.loaded.held is not None  # until it is recalled
        return f"roll back to generation {self.loaded.held.generation.number}"

    def _blocked(self) -> RollbackBlocked:
        report = self._report(Outcome.BLOCKED)
        error = RollbackBlocked(
            self._tried,
            on=self.loaded.name,
            why=self.why,
            found=dict.fromkeys(self.found),
            running=running_words(report, "still serves"),
        )
        error.report = report  # type: ignore[attr-defined] # as attempt.py
        return error

    def _report(self, outcome: Outcome, *, lost_calls: int = 0) -> SwapReport:
        serving, window = self.loaded.serving, self.window
        return SwapReport(
            plugin=self.loaded.name,
            outcome=outcome,
            generation=serving.generation.number,
            version=serving.side.version,
            candidate=serving.generation.number,
            image=self.loaded.source,
            sha256=serving.generation.sha256,
            plan=self.plan,
            steps=tuple(self.watch.steps),
            pause_us=window.pause_us if window is not None else 0.0,
            pause_steps=window.pause_steps if window is not None else (),
            refusals=tuple(dict.fromkeys(self.found)) if outcome is Outcome.BLOCKED else (),
            why_lossy=tuple(dict.fromkeys(self.found)) if self.is_lossy and outcome is Outcome.ROLLED_BACK else (),
            after_undo=window.after_undo if window is not None else (),
            out_of_service=serving.generation.out_of_service,
            is_lossy=self.is_lossy and outcome is Outcome.ROLLED_BACK,
            lost_calls=lost_calls,
        )
