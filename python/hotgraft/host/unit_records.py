"""What a rollback puts on record of the plugins that go back together: an attempt of each, ended in one write.

Where only one of them is at fault, the records of the others say so: they went with it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import field, replace
from typing import TYPE_CHECKING

from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import RollbackBlocked

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from hotgraft.engine.journal_asked import Asked
    from hotgraft.engine.timing import Stopwatch
    from hotgraft.host.journal import AttemptRecord, Recorder
    from hotgraft.host.loaded import Held, Loaded
    from hotgraft.host.report_set import SetReport

__all__ = ["UnitRecords"]


@dataclass(slots=True, kw_only=True)
class UnitRecords:
    """Of one rollback; used by whoever has the turns of all its plugins.

    Args:
        recorder: of the host.
        asked: who wants it.
        of: the plugin that is to go back.
        but: those whose attempts the caller puts on record, and tells of.
    """

    recorder: Recorder
    asked: Asked
    of: str
    but: Collection[str] = ()
    _open: list[tuple[AttemptRecord, Held]] = field(default_factory=list)

    def intend(self, back: Sequence[tuple[Loaded, Held, Stopwatch]]) -> None:
        """They are to go back now."""
        along = f"goes back with {self.of}, its own image is not at fault"
        others = replace(self.asked, reason=f"{along}: {self.asked.reason}" if self.asked.reason else along)
        for loaded, held, watch in back:
            if loaded.name not in self.but:
                who = self.asked if loaded.name == self.of else others
                record = self.recorder.attempt(loaded, who, held.source, held.configs, watch)
                record.together = tuple(one.name for one, _, _ in reversed(back)) if len(back) > 1 else ()
                record.intend_rollback(held.generation, held.candidate.side.version)
                self._open.append((record, held))

    def end(self, report: SetReport) -> SetReport:
        """They are back; return the report with what became of its record."""
        ended = [(record, report.members[record.loaded.name], None) for record, _ in self._open]
        if ended and self.recorder.journal is not None:
            with suppress(MemoryError):  # it has happened, whatever is left for telling of it
                told = {one.plugin: one for one in self.recorder.told_of_end(ended)}
                report = replace(report, members={**report.members, **told})
        for record, held in self._open:
            held.record.give_up()
            self._tell("swap.rolled_back", record, report)
        return report

    def fail(self, error: BaseException, report: SetReport) -> None:
        """They are not."""
        told = report.members if isinstance(error, RollbackBlocked) else {}
        with suppress(MemoryError):
            if self._open:
                self.recorder.end([(record, told.get(record.loaded.name), error) for record, _ in self._open])
        for record, _ in self._open:
            if record.loaded.name in told:
                self._tell("swap.rollback_blocked", record, report, error=error)

    def _tell(self, event: str, record: AttemptRecord, report: SetReport, **facts: BaseException) -> None:
        """Have it told after the turn, where the caller does not know of it."""
        if self.but:
            name = record.loaded.name
            with suppress(MemoryError):  # it has happened, whoever is told of it
                self.recorder.tell_later(event, name, report=report.members[name], set=report, **facts)
