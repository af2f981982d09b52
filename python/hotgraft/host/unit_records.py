"""What a rollback puts on record, and has told, of the plugins that go back with the one that is to.

Each has an attempt of its own: its image is not at fault, and its record says whose doing it was.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import field, replace
from typing import TYPE_CHECKING

from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import RollbackBlocked

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from hotgraft.core.errors import HotgraftError
    from hotgraft.engine.journal_asked import Asked
    from hotgraft.engine.timing import Stopwatch
    from hotgraft.host.journal import AttemptRecord, Recorder
    from hotgraft.host.loaded import Held, Loaded
    from hotgraft.host.report import SwapReport

__all__ = ["UnitRecords"]


@dataclass(slots=True, kw_only=True)
class UnitRecords:
    """Of one rollback; used by whoever has the turns of all its plugins.

    Args:
        recorder: of the host.
        asked: who wants it, of the plugin that is to go back.
        but: the plugins whose attempts the caller puts on record, and tells of; first the one that is to go back.
    """

    recorder: Recorder
    asked: Asked
    but: Collection[str]
    _open: dict[str, tuple[AttemptRecord, Held]] = field(default_factory=dict)

    def intend(self, back: Sequence[tuple[Loaded, Held, Stopwatch]]) -> None:
        """They are to go back now."""
        first = next(iter(self.but))
        why = f"goes back with {first}, its own image is not at fault"
        who = replace(self.asked, reason=f"{why}: {self.asked.reason}" if self.asked.reason else why)
        for loaded, held, watch in back:
            if loaded.name not in self.but:
                record = self.recorder.attempt(loaded, who, held.source, held.configs, watch)
                record.intend_rollback(held.generation, held.candidate.side.version)
                self._open[loaded.name] = record, held

    def end(self, reports: Mapping[str, SwapReport]) -> None:
        """They are back."""
        for name, (record, held) in self._open.items():
            report = record.carry_out(lambda done=reports[name]: done)  # type: ignore[misc] # a default binds it
            held.record.give_up()
            with suppress(MemoryError):  # it has happened, whoever is told of it
                self.recorder.tell_later("swap.rolled_back", name, report=report)

    def fail(self, error: BaseException, of_one: Callable[[str], HotgraftError] | None) -> None:
        """They are not; `of_one`: makes of the error what it is for one of them."""
        for name, (record, _) in self._open.items():
            own = of_one(name) if of_one is not None else error

            def fail(own: BaseException = own) -> NoReturn:
                raise own

            with suppress(type(own), MemoryError):
                record.carry_out(fail)
            report = getattr(own, "report", None)
            if report is not None and report.out_of_service:  # of the rest nothing changed
                self.recorder.tell_later("swap.rollback_blocked", name, report=report, error=own)
