"""What a host puts on record: for each attempt who asked, its steps, how it ended, and the image it leaves behind.

Without a journal nothing happens here. With one, an attempt whose intent cannot be written is refused. One whose
outcome cannot be written has happened: the report says so in `journal`, the event ``journal.failed`` tells of it once,
and no other attempt begins until the journal has taken it (``journal.works``).
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import weakref
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import HotgraftError, ImageError
from hotgraft.engine.journal_asked import printable
from hotgraft.engine.timing import StepTime
from hotgraft.host.report import Outcome
from hotgraft.host.turns import Wider

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hotgraft import _core
    from hotgraft.core.audit import AuditRecord
    from hotgraft.engine.journal import Journal, Written
    from hotgraft.engine.journal_asked import Asked
    from hotgraft.engine.timing import Stopwatch
    from hotgraft.host.events import HostEvents
    from hotgraft.host.loaded import Loaded
    from hotgraft.host.report import SwapReport

__all__ = ["AttemptRecord", "Recorder", "open_recorder"]

LOG = logging.getLogger("hotgraft.journal")
INTENT, COMMIT = "intent", "commit"
NO_MEMORY = MemoryError, ValueError  # OpenSSL answers with the latter where a digest finds none


class Recorder:
    """The journal of one host, or its absence.

    Thread safety: any thread.
    """

    def __init__(self, journal: Journal | None, events: HostEvents) -> None:
        self.journal = journal
        self._events = events
        self._lock = threading.Lock()
        self._is_failing = False
        self._untold: list[tuple[str, str, dict[str, Any]]] = []

    def attempt(
        self, loaded: Loaded, asked: Asked, image: str, configs: Mapping[str, str], watch: Stopwatch
    ) -> AttemptRecord:
        """Return the record of an attempt that begins: what serves now is what it may replace."""
        serving = loaded.current.generation if loaded.current is not None else None
        return AttemptRecord(
            recorder=self,
            loaded=loaded,
            asked=asked,
            image=image,
            configs=configs,
            watch=watch,
            name=self.journal.new_attempt() if self.journal is not None else "",
            before=(serving.number, serving.sha256) if serving is not None else (0, ""),
        )

    def note(self, record: AuditRecord) -> None:
        """Put one thing that has happened on record."""
        if self.journal is not None:
            self.judge(record.plugin, self.journal.write([record], keeps=True))
            self.tell_events()

    def judge(self, plugin: str, written: Written) -> None:
        """Note when the journal begins to fail, and when it works again; `tell_events` tells of it."""
        error = written.error
        with self._lock:
            if self._is_failing is (error is not None):
                return
            self._is_failing = error is not None
            if error is not None:
                self._untold.append(("journal.failed", plugin, {"error": error, "records": error.records}))
            else:
                self._untold.append(("journal.works", plugin, {}))
        if error is not None:
            LOG.error("%s", error)

    def tell_events(self) -> None:
        """Tell who listens. Not within a plugin's turn: a handler may ask for a change, and would wait for itself."""
        with self._lock:
            untold, self._untold = self._untold, []
        for event, plugin, facts in untold:
            self._events.tell(event, plugin, **facts)

    def tell_later(self, event: str, plugin: str, **facts: Any) -> None:
        """Have `tell_events` tell this too: what happens within a plugin's turn is told after it."""
        with self._lock:
            self._untold.append((event, plugin, facts))

    def told_of_end(self, ended: Sequence[tuple[AttemptRecord, SwapReport, None]]) -> tuple[SwapReport, ...]:
        """Put on record how attempts that are one ended well; return their reports, which say so."""
        clock_ns = ended[0][0].watch.clock_ns
        began = clock_ns()
        why = self.end(ended)
        took = StepTime("outcome", (clock_ns() - began) / 1_000, why, began_ns=began)
        return tuple(replace(report, journal=why, steps=(*report.steps, took)) for _, report, _ in ended)

    def end(self, ended: Sequence[tuple[AttemptRecord, SwapReport | None, BaseException | None]]) -> str:
        """Write, for attempts that are one, the steps since their intents and their outcomes: all of it, or none.

        Return why it is not on disk.
        """
        journal = self.journal
        if journal is None:
            return ""
        failures: list[str] = []
        published: list[AttemptRecord] = []
        for record, report, _ in ended:
            if report is not None:
                record.after = (report.candidate, report.sha256)
                if report.outcome is Outcome.PUBLISHED:
                    published.append(record)
                    failures.append(record.sync_image())
        try:
            configs = {_sha256(text): text for record in published for text in record.configs.values()}
            rows = [row for record, report, error in ended for row in record.ending(report, error)]
            written = journal.write(rows, configs, keeps=True)
        except NO_MEMORY:  # for the records themselves
            failures.append("no memory for its records")
        else:
            self.judge(ended[0][0].loaded.name, written)
            failures += written.error.found if written.error is not None else ()
        finally:
            for record, _, _ in ended:
                record.end_kept(is_published=any(record is one for one in published))
        return "; ".join(dict.fromkeys(filter(None, failures)))

    def commit(self, records: Sequence[AttemptRecord]) -> None:
        """Their probation is over and what they published stays: it is the last good from now on, of all at once."""
        open_ones = [one for one in records if one.is_on_probation]
        if self.journal is not None and open_ones:
            configs = {_sha256(text): text for one in open_ones for text in one.configs.values()}
            written = self.journal.write([one.commit_record() for one in open_ones], configs, keeps=True)
            self.judge(open_ones[0].loaded.name, written)
        for one in records:
            one.settle(is_committed=True)

    def close(self) -> None:
        """Write what was kept, and that the host was closed; a failure is logged with the records that are lost."""
        error = self.journal.close() if self.journal is not None else None
        if error is not None:
            LOG.error("closed without its last %d records: %s", error.records, error)


def open_recorder(folder: str, events: HostEvents) -> Recorder:
    """Open the journal in `folder`, empty: none, and remove what killed hosts left of their staged copies.

    Raises:
        JournalError: see engine.journal.
    """
    if not folder:
        return Recorder(None, events)
    from hotgraft.engine.journal import Journal  # with SQLite: paid by who has one
    from hotgraft.engine.leftovers import remove_left_folders

    journal = Journal(Path(folder).absolute())
    for one in remove_left_folders():
        LOG.info("removed %s, left by process %d", one.path, one.pid)
    recorder = Recorder(journal, events)
    weakref.finalize(recorder, journal.abandon)  # of a host that nobody closes
    return recorder


@dataclass(slots=True, kw_only=True)
class AttemptRecord:
    """The records of one attempt. Used by whoever has the plugin's turn."""

    recorder: Recorder
    loaded: Loaded
    asked: Asked
    image: str
    configs: Mapping[str, str]  # by instance
    watch: Stopwatch
    name: str
    before: tuple[int, str]  # generation and hash
    after: tuple[int, str] = (0, "")
    version: str = ""
    written: int = 0  # of the watch's steps
    is_on_probation: bool = False  # published and not committed: `commit` or `give_up` comes later
    together: tuple[str, ...] = ()  # whose attempts are one with it, its own plugin's included; empty: it is alone
    at_fault: str = ""  # of those, the one at which it failed; empty: whom the error names

    def intend(self, candidate: _core.Generation, version: str) -> None:
        """Keep the image and put the intent on record, durably, before any code of the candidate runs.

        Raises:
            JournalError: that is not possible, so the attempt is refused.
        """
        journal = self.recorder.journal
        self.after, self.version = (candidate.number, candidate.sha256), version
        if journal is None:
            return
        with self.watch(INTENT):
            journal.at("keep")
            journal.store.keep(self.name, candidate.path, candidate.sha256)
            steps = self._steps()
            written = journal.write([*steps, self._record(INTENT, "intended", facts=self._facts())], keeps=False)
            self.written += len(steps) * written.is_committed
        self.recorder.judge(self.loaded.name, written)
        if written.error is not None:
            raise written.error

    def intend_rollback(self, held: _core.Generation, version: str) -> None:
        """Put on record that the held generation is to serve again: at once, or when the journal can be written again.

        A rollback is not refused for want of a record: it goes back to what was committed, and that is on record.
        """
        journal = self.recorder.journal
        self.after, self.version = (held.number, held.sha256), version
        if journal is not None:
            record = self._record(INTENT, "intended", facts=self._facts())
            self.recorder.judge(self.loaded.name, journal.write([record], keeps=True))

    def commit_record(self) -> AuditRecord:
        """Return the record that what it published stays."""
        return self._record(COMMIT, "committed", facts=self._facts())

    def give_up(self) -> None:
        """What it published does not stay; why is on record with what followed."""
        self.settle(is_committed=False)

    def settle(self, *, is_committed: bool) -> None:
        """Its probation is over."""
        journal, was_open = self.recorder.journal, self.is_on_probation
        self.is_on_probation = False
        if journal is not None and was_open:
            journal.store.end(self.name, self.loaded.name, is_committed=is_committed)

    def carry_out(self, work: Callable[[], SwapReport]) -> SwapReport:
        """Do the attempt and put on record how it ended."""
        if self.recorder.journal is None:
            return work()
        try:
            report = work()
        except Wider:  # nothing was begun
            raise
        except BaseException as error:
            with suppress(MemoryError):
                self.recorder.end([(self, getattr(error, "report", None), error)])
            raise
        with suppress(MemoryError):  # it has happened, whatever is left for telling of it
            (report,) = self.recorder.told_of_end([(self, report, None)])
        return report

    def sync_image(self) -> str:
        """Make the kept image durable; return why it is not: it is found by its hash if it is damaged one day."""
        assert self.recorder.journal is not None
        try:
            self.recorder.journal.store.sync(self.name)
        except OSError as error:
            LOG.warning("%s: the kept image may not outlast a loss of power: %s", self.loaded.name, error)
            return f"the kept image is not durable: {error.strerror or error}"
        return ""

    def end_kept(self, *, is_published: bool) -> None:
        """What was kept of its image for a host that ends meanwhile is needed no more, or is that of the last good."""
        journal = self.recorder.journal
        if journal is not None and not (is_published and self.is_on_probation):
            journal.store.end(self.name, self.loaded.name, is_committed=is_published)

    def ending(self, report: SwapReport | None, error: BaseException | None) -> list[AuditRecord]:
        """Return the records of the steps since the intent and of the outcome."""
        outcome = report.outcome if report is not None else Outcome.FAILED
        facts: dict[str, Any] = self._set_facts()
        if report is not None:
            facts |= {"pause_ns": round(report.pause_us * 1_000), "after_undo": list(report.after_undo)}
            facts |= {"lost_calls": report.lost_calls} if report.is_lossy else {}
            if outcome is Outcome.ROLLED_BACK and report.generation != report.candidate:
                facts["serves"] = report.generation  # of those replaced on probation, none but the last good
            facts |= {"downgrade_from": report.plan.version} if report.plan and report.plan.is_downgrade else {}
        records = [*self._steps(), self._record("outcome", outcome, error=self._words(error), facts=facts)]
        if outcome is Outcome.PUBLISHED and not self.is_on_probation:
            time = next((one for one in self.watch.steps if one.step == COMMIT), None)
            records.append(self._record(COMMIT, "committed", facts=self._facts(), time=time))
        return records

    def _facts(self) -> dict[str, Any]:
        configs = {name: _sha256(text) for name, text in self.configs.items()}
        return {"image": self.image, "version": self.version, "configs": configs, **self._set_facts()}

    def _words(self, error: BaseException | None) -> str:
        """Return the error of its attempt; of another member's, where they are one, with the name."""
        whose = self.at_fault or getattr(error, "on", "")
        is_anothers = bool(self.together) and whose in self.together and whose != self.loaded.name
        return f"{whose}: {_words(error)}" if is_anothers else _words(error)

    def _set_facts(self) -> dict[str, Any]:
        return {"set": list(self.together)} if self.together else {}

    def _steps(self) -> list[AuditRecord]:
        return [
            self._record(one.step, "failed" if one.failure else "done", error=one.failure, time=one)
            for one in self.watch.steps[self.written :]
            if one.step not in (INTENT, COMMIT)  # they have records of their own
        ]

    def _record(
        self,
        step: str,
        outcome: str,
        *,
        error: str = "",
        facts: Mapping[str, Any] | None = None,
        time: StepTime | None = None,
    ) -> AuditRecord:
        journal = self.recorder.journal
        assert journal is not None
        now = journal.monotonic_ns()
        began = time.began_ns if time is not None else now
        blank = self.asked.record(wall_ns=journal.wall_ns() - (now - began), monotonic_ns=began)
        return replace(
            blank,
            attempt=self.name,
            plugin=self.loaded.name,
            before_generation=self.before[0],
            before_sha256=self.before[1],
            after_generation=self.after[0],
            after_sha256=self.after[1],
            step=step,
            outcome=str(outcome),
            took_ns=round(time.us * 1_000) if time is not None else 0,
            error=printable(error),
            facts=json.dumps(facts or {}, sort_keys=True),
        )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _words(error: BaseException | None) -> str:
    if error is None:
        return ""
    if isinstance(error, HotgraftError):
        file = f"{error.on}: " if isinstance(error, ImageError) and error.on else ""  # which, of all that was named
        return f"{type(error).__name__}: {file}{'; '.join(error.found) or error.tried}"
    return f"{type(error).__name__}: {error}"
