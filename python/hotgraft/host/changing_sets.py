"""Make a swap of one plugin or many out of what was asked for, in its turns, and put all of it on record as one."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from hotgraft.core.dataclass import dataclass
from hotgraft.engine.snapshot_resume import Resume
from hotgraft.host.attempt import Attempt
from hotgraft.host.attempt_set import AttemptSet
from hotgraft.host.closing import check_listed, check_may_load
from hotgraft.host.loaded import MAIN, Loaded
from hotgraft.host.planning import Planner
from hotgraft.host.turns import Wider
from hotgraft.host.wish import Wish

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from hotgraft.engine.timing import Stopwatch
    from hotgraft.host.around import Around
    from hotgraft.host.journal import Recorder
    from hotgraft.host.report import SwapReport
    from hotgraft.host.report_set import AnyReport, SetReport
    from hotgraft.host.turns import Turns
    from hotgraft.host.wish import SetWish

__all__ = ["SetChanges"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetChanges:
    """Of one host; used by whoever has the turns of all plugins concerned."""

    around: Around
    recorder: Recorder
    watch: Callable[[], Stopwatch]
    turns: Turns[AnyReport]

    def turn_names(self, wish: SetWish) -> Collection[str]:
        """Return whose turns it needs, as things are."""
        names = set(wish.wishes)
        return names.union(*(one.turn_names for one in self.around.others() if one.name in names))

    def swap_one(self, loaded: Loaded, wish: Wish, turns: frozenset[str]) -> SwapReport:
        """Swap one plugin, and whom it cannot be had without; `turns`: whose turns the caller has.

        Raises:
            Wider: it needs more turns.
        """
        check_listed(loaded, self.around)
        members = [self._member(loaded, wish)]
        made = self._attempt(members, wish, turns, is_longest=wish.is_longest, asked_for=loaded.name)
        return self._recorded(made).of(loaded.name)

    def swap_all(self, wish: SetWish, deadline_s: float, turns: frozenset[str]) -> SetReport:
        """Swap several as one; the same."""
        listed = {one.name: one for one in self.around.others()}
        members: list[Attempt] = []
        for name, one in wish.wishes.items():
            own = replace(one, deadline_s=deadline_s)
            members.append(self._member(listed[name], own) if name in listed else self._first(name, own))
        any_wish = replace(next(iter(wish.wishes.values())), deadline_s=deadline_s)
        made = self._attempt(members, any_wish, turns, is_longest=wish.deadline_s is None)
        report = self._recorded(made)
        for first in made.members:
            if first.is_load:
                self.around.snapshots.note_resumed(first.resume, wish.asked, first.loaded)
                first.resume = Resume()  # the other has the bytes of whole files
        return report

    def _attempt(
        self, members: list[Attempt], wish: Wish, turns: frozenset[str], *, is_longest: bool, asked_for: str = ""
    ) -> AttemptSet:
        around = self.around
        return AttemptSet(
            members=members,
            turns=turns,
            around=around,
            planner=Planner(options=around.options, grants=around.grants, quarantine=around.quarantine),
            join=partial(self._join, wish),
            is_longest=is_longest,
            allow_downgrade=wish.allow_downgrade,
            asked_for=asked_for,
        )

    def _member(self, loaded: Loaded, wish: Wish, *, is_anew: bool = False) -> Attempt:
        configs = {**loaded.configs, **(wish.configs or {})}
        if wish.config_json is not None:
            configs.update((one, wish.config_json) for one in ([wish.instance] if wish.instance else configs))
        around, watch = self.around.without_settling() if wish.is_settled else self.around, self.watch()
        image, keeps_source = wish.source or loaded.serving.generation.path, wish.keeps_source or wish.source is None
        return Attempt(
            loaded,
            image,
            configs,
            around,
            watch,
            self.recorder.attempt(loaded, wish.asked, wish.source or loaded.source, configs, watch),
            keeps_source=keeps_source,
            allow_downgrade=wish.allow_downgrade,
            goes_back=wish.goes_back,
            sha256=wish.sha256,
            swap_deadline_s=wish.deadline_s,
            is_anew=is_anew,
        )

    def _join(self, wish: Wish, name: str, image: str | None) -> Attempt:
        """Return the attempt of one that must come along; `image`: its candidate, None: its own is bound anew."""
        loaded = next(one for one in self.around.others() if one.name == name)
        own = Wish(
            asked=wish.asked,
            deadline_s=wish.deadline_s,
            source=image,
            is_settled=image is None,
            allow_downgrade=wish.allow_downgrade,
        )
        return self._member(loaded, own, is_anew=image is None)

    def _first(self, name: str, wish: Wish) -> Attempt:
        """Return the attempt of one that is loaded with the rest."""
        check_may_load(name, self.around)
        assert wish.source is not None  # asked before: what is not loaded has no path of its own
        around, watch = self.around.without_settling() if wish.is_settled else self.around, self.watch()
        source = wish.comes_from or wish.source
        loaded = Loaded(name, self.turns, source=source, converters=around.converters)
        loaded.priority = wish.priority
        configs = dict(wish.configs or {MAIN: wish.config_json or "{}"})
        record = self.recorder.attempt(loaded, wish.asked, source, configs, watch)
        resume = around.snapshots.resume(
            name, tuple(configs), None, wish.asked, around.converters, goes_back=wish.goes_back
        )
        return Attempt(
            loaded,
            wish.source,
            configs,
            around,
            watch,
            record,
            keeps_source=bool(wish.comes_from),
            goes_back=wish.goes_back,
            resume=resume,
            by_own_name=wish.by_own_name,
            swap_deadline_s=wish.deadline_s,
        )

    def _recorded(self, made: AttemptSet) -> SetReport:
        """Carry it out and put on record how it ended: of all members in one write."""
        if self.recorder.journal is None:
            return made.swap()
        try:
            report = made.swap()
        except Wider:  # nothing was begun
            raise
        except BaseException as error:
            with suppress(MemoryError):
                told = made.told.members if made.told is not None else {}
                self.recorder.end([(one.record, told.get(one.name), error) for one in made.members])
            raise
        with suppress(MemoryError):  # it has happened, whatever is left for telling of it
            ended = self.recorder.told_of_end([(one.record, report.members[one.name], None) for one in made.members])
            steps = (*report.steps, ended[0].steps[-1])
            return replace(report, members={one.plugin: one for one in ended}, steps=steps)
        return report
