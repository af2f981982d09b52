"""Snapshots of what a host serves: taken when asked, on a schedule, before swaps and at close; and resumed from."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import Busy, HotgraftError
from hotgraft.core.snapshot_error import SnapshotError
from hotgraft.core.state import Crossing
from hotgraft.engine.journal_asked import printable
from hotgraft.engine.snapshot_folder import SnapshotFolder
from hotgraft.engine.snapshot_resume import Resume
from hotgraft.host.before_swap import BeforeSwap
from hotgraft.host.probe import copy_live_state
from hotgraft.host.report import Outcome, report_of, running_words
from hotgraft.host.snapshot_copy import copy_plugin
from hotgraft.host.stats import calls_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hotgraft.core.options import Options
    from hotgraft.core.plan import Plan
    from hotgraft.engine.journal_asked import Asked
    from hotgraft.engine.probe_state import CopiedState
    from hotgraft.engine.snapshot_folder import Found
    from hotgraft.engine.snapshot_take import TakenState
    from hotgraft.engine.timing import Stopwatch
    from hotgraft.host.converters import Converters
    from hotgraft.host.events import HostEvents
    from hotgraft.host.journal import Recorder
    from hotgraft.host.loaded import Loaded
    from hotgraft.host.report import SwapReport

__all__ = ["Snapshots", "TakenSnapshot", "why_left_out"]

LOG: Final = logging.getLogger("hotgraft.snapshots")
NONE, REQUIRED = "none", "required"
BEFORE_SWAP, AT_CLOSE = "before swap", "close"
LOOK_AGAIN_S: Final = 0.01
REST_S: Final = 0.5  # for calls to leave, where nobody asked: others wait for as long


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenSnapshot:
    """One snapshot of one plugin: where it is, and what it cost.

    `pause_us` is how long callers waited, microseconds; writing it, which took `write_ms`, held up nobody. `sessions`
    are those that were open and have a name, then those that wait to be opened; `unnamed` of those that were open were
    given no name, and are not in it. `is_at_rest` is false where others could write to a concurrent state meanwhile:
    then each aligned 8 bytes of it are as they were at one moment, and no two need be of the same.
    """

    plugin: str
    path: Path
    number: int
    instances: tuple[str, ...]
    bytes: int  # of state
    pause_us: float
    write_ms: float
    sessions: tuple[str, ...] = ()
    unnamed: int = 0
    is_at_rest: bool = True

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        lists = {"instances": list(self.instances), "sessions": list(self.sessions)}
        return {**asdict(self), "path": str(self.path), **lists}

    def __str__(self) -> str:
        told = f"{self.bytes:,} bytes in {self.path}; callers waited at most {self.pause_us:,.0f} µs"
        told += "" if self.is_at_rest else "; copied beside others that were using it"
        has = "session has no name and is" if self.unnamed == 1 else "sessions have no name and are"
        return told + (f"; {self.unnamed} {has} left out" if self.unnamed else "")


def why_left_out(loaded: Loaded) -> str:
    """Return why there are no snapshots of a plugin; empty: there are."""
    state = loaded.serving.side.state
    if not state.has_state:
        return "it declares no state"
    return ""


class Snapshots:
    """Of one host; without a folder none is kept, and nothing is resumed from.

    Thread safety: any thread. What is told to listeners is told outside of any plugin's turn.
    """

    def __init__(self, options: Options, recorder: Recorder, events: HostEvents) -> None:
        self._options = options
        self._recorder = recorder
        self._events = events
        self.folder = (
            SnapshotFolder(
                Path(options.snapshots).absolute(),
                kept=options.snapshots_kept,
                max_age_s=options.snapshots_max_age_s,
                wall_ns=time.time_ns,
            )
            if options.snapshots
            else None
        )

    def close(self) -> None:
        """Let another host have the folder; twice is once."""
        if self.folder is not None:
            self.folder.close()

    # --- taking ---

    def take(self, loaded: Loaded, reason: str, deadline_s: float, rest_s: float | None = None) -> TakenSnapshot:
        """Take a snapshot of a plugin in its turn, and keep it after that.

        Raises:
            SnapshotError: there is no folder, or it could not be kept. Busy, DrainTimeout, PluginError,
            PluginAbandoned, StateError: its state could not be copied.
        """
        folder = self.require_folder()
        taken: list[TakenState] = []

        def work() -> SwapReport:
            taken.append(self.copy(loaded, reason, deadline_s, rest_s))
            return report_of(loaded)

        try:
            loaded.take_turn(work, deadline_s)
        finally:
            self._recorder.tell_events()
        return self._keep(folder, taken[0])

    def take_and_tell(
        self, loaded: Loaded, reason: str, deadline_s: float, rest_s: float | None = None
    ) -> TakenSnapshot:
        """The same, and whoever listens is told how it ended."""
        try:
            taken = self.take(loaded, reason, deadline_s, rest_s)
        except HotgraftError as error:
            self._events.tell("snapshot.failed", loaded.name, error=error, reason=reason)
            raise
        self._events.tell("snapshot.taken", loaded.name, snapshot=taken, reason=reason)
        return taken

    def before_swap(
        self, loaded: Loaded, crossing: Crossing | None, deadline_s: float, watch: Stopwatch
    ) -> BeforeSwap | None:
        """Take the snapshot that a swap is not done without, by whoever has the turn; return it where it may be needed.

        That is where a rollback may have to go back to it, because the block itself is handed over. It never goes back
        to a copy of sessions, which go on with what runs, and a concurrent state stays where it is.

        Raises:
            HotgraftError: it could not be taken or kept, so the swap is refused.
        """
        goes_to_disk = self._options.snapshot_before_swap and not why_left_out(loaded)
        is_single = loaded.serving.side.state.kind == "single"
        is_handed_over = is_single and crossing is Crossing.HAND_OVER and loaded.held is None
        may_be_needed = self._options.rollback == "snapshot" and is_handed_over
        if not (goes_to_disk or may_be_needed):
            return None
        calls = calls_of(loaded.serving.generation)
        with watch("snapshot"):
            taken = self.copy(loaded, BEFORE_SWAP, deadline_s)
            if goes_to_disk:
                kept = self._keep(self.require_folder(), taken)
                self._recorder.tell_later("snapshot.taken", loaded.name, snapshot=kept, reason=BEFORE_SWAP)
        return BeforeSwap(taken.snapshot, calls, taken.walk) if may_be_needed else None

    def at_close(self, loaded: Loaded, left_s: float) -> None:
        """Take the last one of a plugin that nobody calls any more, by whoever has its turn; a failure is told of."""
        if self.folder is None or not self._options.snapshot_at_close or why_left_out(loaded):
            return
        try:
            taken = self._keep(self.folder, self.copy(loaded, AT_CLOSE, left_s / 2))
        except HotgraftError as error:
            LOG.warning("no snapshot at close: %s", error)
            self._recorder.tell_later("snapshot.failed", loaded.name, error=error, reason=AT_CLOSE)
        else:
            self._recorder.tell_later("snapshot.taken", loaded.name, snapshot=taken, reason=AT_CLOSE)

    def on_schedule(self, loaded: Loaded) -> None:
        """Take one because it is time; a failure is told of."""
        if not why_left_out(loaded):
            try:
                self.take_and_tell(loaded, "schedule", self._options.swap_deadline_s, REST_S)
            except HotgraftError as error:
                LOG.warning("no snapshot on schedule: %s", error)

    def copy(self, loaded: Loaded, reason: str, deadline_s: float, rest_s: float | None = None) -> TakenState:
        """Copy a plugin's state, by whoever has its turn; `rest_s`: for calls to leave, None: as for all of it.

        Raises:
            SnapshotError: it has none, none of a kind that is kept, or none that means anything elsewhere. The rest as
            `take`.
        """
        if why := why_left_out(loaded):
            raise SnapshotError(
                "take a snapshot",
                on=loaded.name,
                found=why,
                advice="leave it out",
                running=f"generation {loaded.serving.generation.number} serves on",
            )
        until_s = time.monotonic() + deadline_s
        while True:
            left_s = max(until_s - time.monotonic(), 0.001)
            try:
                rest_s_left = left_s if rest_s is None else min(rest_s, left_s)
                with self._telling_loss(loaded), loaded.looked_at():
                    return copy_plugin(loaded, reason, rest_s=rest_s_left, deadline_s=left_s)
            except HotgraftError as error:
                error.running = running_words(report_of(loaded), "serves on")
                if not isinstance(error, Busy) or time.monotonic() + LOOK_AGAIN_S >= until_s:
                    raise
            time.sleep(LOOK_AGAIN_S)  # pinned: it is waited for, as a swap does

    def copy_for_probe(self, loaded: Loaded, plan: Plan, deadline_s: float) -> CopiedState:
        """Copy what a candidate is tried with, as `copy_live_state`; what that costs is told of as everywhere."""
        with self._telling_loss(loaded), loaded.looked_at():
            return copy_live_state(loaded, plan, self._options, deadline_s=deadline_s)

    @contextmanager
    def _telling_loss(self, loaded: Loaded) -> Iterator[None]:
        """Where a copy that is made within puts what serves out of service, tell of that after the plugin's turn."""
        was_out = loaded.serving.generation.out_of_service
        try:
            yield
        except HotgraftError as error:
            report = report_of(loaded)
            if report.out_of_service and not was_out:
                report = replace(report, outcome=Outcome.OUT_OF_SERVICE)
                self._recorder.tell_later("swap.out_of_service", loaded.name, report=report, error=error)
            raise

    def _keep(self, folder: SnapshotFolder, taken: TakenState) -> TakenSnapshot:
        began_ns = time.monotonic_ns()
        kept = folder.write(taken.snapshot)
        return TakenSnapshot(
            plugin=kept.snapshot.plugin,
            path=kept.path,
            number=kept.snapshot.number,
            instances=tuple(one.name for one in kept.snapshot.instances),
            bytes=kept.snapshot.bytes,
            pause_us=taken.pause_us,
            write_ms=(time.monotonic_ns() - began_ns) / 1e6,
            sessions=tuple(one.name for one in kept.snapshot.sessions),
            unnamed=taken.unnamed,
            is_at_rest=kept.snapshot.is_at_rest,
        )

    def require_folder(self) -> SnapshotFolder:
        """Return the folder.

        Raises:
            SnapshotError: there is none.
        """
        if self.folder is None:
            raise SnapshotError(
                "take a snapshot",
                on="the host",
                found="it has no folder for them",
                advice="make it with one: Host(snapshots=FOLDER)",
                running="nothing was changed",
            )
        return self.folder

    # --- resuming ---

    def resume(
        self,
        plugin: str,
        instances: tuple[str, ...],
        how: str | None,
        who: Asked,
        converters: Converters,
        *,
        goes_back: bool = False,
    ) -> Resume:
        """Return what these instances begin with; those that it has nothing of begin fresh.

        Args:
            plugin: its name.
            instances: names of those that begin.
            how: one of LAST, NONE, REQUIRED; None: as the host's settings say.
            who: asked, for the journal.
            converters: of the program.
            goes_back: to the last good version: what it never knew may be lost.

        Raises:
            SnapshotError: there are snapshots and none is whole, one is of a later format, or there is none and one is
                required.
        """
        how = how or self._options.resume
        if how == NONE:
            return Resume()
        if self.folder is None:
            if how == REQUIRED:
                raise self._missing(plugin, "the host has no folder for snapshots")
            return Resume()
        found = self.folder.find(plugin, instances)
        self._tell_passed_over(plugin, found, who)
        sources = {name: found.newest[name] for name in instances if name in found.newest}
        missing = [name for name in instances if name not in sources]
        if not found.newest and found.passed_over:
            raise self._missing(plugin, *(f"{one.on}: {'; '.join(one.found)}" for one in found.passed_over))
        if how == REQUIRED and missing:
            raise self._missing(plugin, *(f"no snapshot in {self.folder.path} has instance {one}" for one in missing))
        return Resume(
            plugin=plugin,
            sources=sources,
            goes_back=goes_back,
            converters=converters.of(plugin),
            threads=converters.threads,
            deadline_s=self._options.swap_deadline_s,
        )

    def note_resumed(self, resume: Resume, who: Asked, loaded: Loaded) -> None:
        """It serves with that state: put it on record, and tell of it after the plugin's turn. Its sessions wait."""
        loaded.sessions.wait(resume.waiting)
        lost = resume.left_behind()
        without = f"; left behind, there is no place for it: {', '.join(lost)}" if lost else ""
        for kept in resume.files():
            names = tuple(name for name, one in resume.sources.items() if one.path == kept.path)
            waiting = tuple(one.name for one in resume.waiting if one.kept.path == kept.path)
            without_them = f"; {len(waiting)} sessions wait to be opened" if waiting else ""
            level = logging.WARNING if lost else logging.INFO
            LOG.log(
                level,
                "%s: instances %s resumed from %s%s",
                resume.plugin,
                ", ".join(names),
                kept.path,
                without + without_them,
            )
            self._note(
                resume.plugin,
                who,
                "resumed",
                f"instances {', '.join(names)}, from {kept.path.name}{without}{without_them}",
            )
            self._recorder.tell_later(
                "snapshot.resumed",
                resume.plugin,
                path=kept.path,
                number=kept.snapshot.number,
                instances=names,
                left_behind=lost,
                sessions=waiting,
            )

    def _tell_passed_over(self, plugin: str, found: Found, who: Asked) -> None:
        for error in found.passed_over:
            why = f"{error.on}: {'; '.join(error.found)}"
            LOG.warning("%s: a snapshot is passed over: %s", plugin, why)
            self._note(plugin, who, "passed over", why)
            self._recorder.tell_later("snapshot.passed_over", plugin, error=error)

    def _note(self, plugin: str, who: Asked, outcome: str, words: str) -> None:
        journal = self._recorder.journal
        if journal is not None:
            blank = who.record(wall_ns=journal.wall_ns(), monotonic_ns=journal.monotonic_ns())
            record = replace(blank, plugin=plugin, step="resume", outcome=outcome, error=printable(words))
            self._recorder.judge(plugin, journal.write([record], keeps=True))

    @staticmethod
    def _missing(plugin: str, *found: str) -> SnapshotError:
        return SnapshotError(
            "resume from a snapshot",
            on=plugin,
            found=found,
            advice='load it with resume="none" to begin fresh; what is there is left as it is',
            running="nothing of it is loaded",
        )
