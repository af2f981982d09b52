"""Going back, before commit and after it, and the commit that lies between: in turn, and on record.

Before commit the generation that is held serves again, and so do those of the plugins that were replaced together with
it. After it going back is a new swap, of the image before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import RollbackBlocked
from hotgraft.engine.journal_asked import asked
from hotgraft.host.closing import check_listed
from hotgraft.host.commit import commit_unit
from hotgraft.host.draining import back_deadline_s
from hotgraft.host.quarantine import note_quarantine, quarantined
from hotgraft.host.report import report_of
from hotgraft.host.rollback import Rollback
from hotgraft.host.unit import on_probation_with
from hotgraft.host.unit_records import UnitRecords
from hotgraft.host.wish import Wish

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hotgraft.core.verdict import Verdict
    from hotgraft.engine.journal_asked import Asked
    from hotgraft.engine.timing import Stopwatch
    from hotgraft.host.around import Around
    from hotgraft.host.journal import Recorder
    from hotgraft.host.loaded import Loaded
    from hotgraft.host.probation import Passed
    from hotgraft.host.report import SwapReport

__all__ = ["Backwards"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backwards:
    """Of one host; used by whoever has the turns of a plugin and of all that are on probation with it."""

    around: Around
    recorder: Recorder
    watch: Callable[[], Stopwatch]
    swap_to: Callable[[Loaded, Wish], SwapReport]

    def go_back(self, loaded: Loaded, who: Asked, deadline_s: float) -> SwapReport:
        """Go back because somebody says so."""
        check_listed(loaded, self.around)
        if loaded.held is not None:
            return self._recall(loaded, who, deadline_s)
        before = self._image_before(loaded)
        return self.swap_to(loaded, before.wish(who, deadline_s))

    def take_back(
        self, loaded: Loaded, number: int, verdict: Verdict, *, note: Callable[[dict[str, Any]], None]
    ) -> SwapReport:
        """Go back because of what probation found, and do not try that image again; `note` what is to be told of it.

        What goes back with it is not at fault: those images may be tried again.
        """
        if loaded.held is None or loaded.serving.generation.number != number:
            return report_of(loaded)
        image = quarantined(loaded, verdict.reason)
        who = asked("probation", verdict.reason)
        report = self._recall(loaded, who, back_deadline_s(loaded, self.around.options, None))
        too_often = self.around.quarantine.add(loaded.name, image)
        note_quarantine(self.recorder, loaded.name, image, who)
        along = tuple(name for name in report.set.members if name != loaded.name) if report.set is not None else ()
        note({"sha256": image.sha256, "why": image.why, "is_closed": too_often, "not_at_fault": along})
        return report

    def commit(self, loaded: Loaded, number: int | None, passed: Mapping[str, Passed]) -> list[tuple[str, int]]:
        """What serves stays, of all that are on probation together; return their names and generations.

        None: they are committed already, or something else serves by now, of one of them.
        """
        unit = on_probation_with(loaded)
        serving = {one.name: one.serving.generation.number for one in unit}
        is_other = number not in (None, loaded.serving.generation.number)
        if not unit or is_other or (passed and {name: one.number for name, one in passed.items()} != serving):
            return []
        commit_unit(unit, folder=self.around.place.folder)
        return list(serving.items())

    def _recall(self, loaded: Loaded, who: Asked, deadline_s: float) -> SwapReport:
        rollback = Rollback(
            loaded=loaded,
            why=who.reason,
            deadline_s=deadline_s,
            around=self.around,
            watches={loaded.name: self.watch()},
            records=UnitRecords(recorder=self.recorder, asked=who, of=loaded.name),
        )
        return rollback.carry_out().of(loaded.name)

    def _image_before(self, loaded: Loaded) -> _Before:
        """Return the newest committed image that is not the one that serves."""
        serving = loaded.serving.generation
        if loaded.previous is not None:
            return _Before(loaded.previous.path, loaded.previous.configs)
        journal = self.recorder.journal
        if journal is not None:
            from hotgraft.host.last_good import good_images  # with SQLite: paid by who has a journal

            for one in good_images(self.recorder, loaded.name, asked("rollback")):
                if one.sha256 != serving.sha256:
                    return _Before(one.path, one.configs)
        raise RollbackBlocked(
            "roll back",
            on=loaded.name,
            found="it serves what it was loaded with, or the image before it is not kept",
            advice="reload the image that you want",
            running=f"generation {serving.number} still serves",
        )


@dataclass(frozen=True, slots=True)
class _Before:
    path: str
    configs: Mapping[str, str]

    def wish(self, who: Asked, deadline_s: float) -> Wish:
        return Wish(
            asked=who,
            deadline_s=deadline_s,
            source=self.path,
            configs=self.configs,
            is_settled=True,
            keeps_source=True,
            allow_downgrade=True,  # going back is what was asked for
            goes_back=True,
        )
