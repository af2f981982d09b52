"""What a `Host` offers about state: looking at it, taking snapshots, and looking at those that are kept."""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import Busy, HotgraftError
from hotgraft.core.options import CHOICES
from hotgraft.core.snapshot_error import SnapshotError
from hotgraft.host.change import carry_out, check_not_converting, is_deferred
from hotgraft.host.reading import read_saved_state
from hotgraft.host.schedule import Schedule
from hotgraft.host.snapshots import Snapshots, why_left_out

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from hotgraft.core.options import Options
    from hotgraft.core.snapshot import SnapshotLabel
    from hotgraft.host.events import HostEvents
    from hotgraft.host.journal import Recorder
    from hotgraft.host.loaded import Loaded
    from hotgraft.host.snapshots import TakenSnapshot

__all__ = ["HostState", "SnapshotReport", "check_resume", "make_snapshots"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotReport:
    """What `Host.snapshot` did, by plugin: the snapshots that were taken, and why others were not."""

    taken: Mapping[str, TakenSnapshot]
    left_out: Mapping[str, str]

    def __str__(self) -> str:
        lines = [f"{one.plugin}: {one}" for one in self.taken.values()]
        return "\n".join(lines + [f"{name}: left out, {why}" for name, why in self.left_out.items()])


class HostState:
    """A part of `Host`; see there for threads, interrupts and forks."""

    options: Options
    _snapshots: Snapshots

    if TYPE_CHECKING:

        def _check_control(self) -> None: ...
        def _loaded(self, name: str) -> Loaded: ...
        def _listed(self) -> tuple[Loaded, ...]: ...

    def saved_state(self, name: str) -> dict[str, dict[str, Any]]:
        """Return by instance what `name` would save now, by key; callers wait for that moment.

        Raises:
            StateError: it offers no save. Busy: it is pinned, or this is asked for in a converter of it. DrainTimeout,
                PluginError, PluginAbandoned: as `reload`.
        """
        self._check_control()
        check_not_converting("look at its state", name, name)
        loaded, limit = self._loaded(name), self.options.swap_deadline_s
        return carry_out(lambda: read_saved_state(loaded, limit))

    def snapshot(self, *names: str, deadline_s: float | None = None) -> SnapshotReport:
        """Write the state of plugins to the host's folder of snapshots; each is of one moment, in which callers wait.

        Args:
            names: of loaded plugins; none: all that have state of a kind that is kept.
            deadline_s: for each plugin's turn, and for the moment at which it rests; None: the host's setting.

        Returns:
            What was taken: durable, every byte of it on the disk, with its name.

        Raises:
            UnknownPlugin: nothing of a name. SnapshotError: the host has no folder; or one plugin or more could not be
            copied or kept, each with its reasons; `report` of it has those that were taken. Busy: it was asked for from
            inside a plugin's function.
        """
        self._check_control()
        if is_deferred():
            advice = "ask from a thread that is not inside a plugin's function"
            raise Busy("take a snapshot", on="the host", found="it would wait for itself", advice=advice)
        self._snapshots.require_folder()
        limit = self.options.swap_deadline_s if deadline_s is None else deadline_s
        chosen = [self._loaded(name) for name in names] or list(self._listed())
        left_out = {} if names else {one.name: why for one in chosen if (why := why_left_out(one))}
        taken: dict[str, TakenSnapshot] = {}
        failures: list[HotgraftError] = []
        for loaded in (one for one in chosen if one.name not in left_out):
            try:
                taken[loaded.name] = carry_out(partial(self._snapshots.take_and_tell, loaded, "asked", limit))
            except HotgraftError as error:
                failures.append(error)
        report = SnapshotReport(taken=MappingProxyType(taken), left_out=MappingProxyType(left_out))
        if failures:
            raise _failure(failures, report)
        return report

    def snapshots(self, name: str) -> tuple[tuple[Path, SnapshotLabel | None], ...]:
        """Return the files of `name`, the newest first, each with what it says of itself; None: that cannot be read.

        Nothing vouches for what they say before one is read as a whole, as resuming from it does. Raises:
        SnapshotError: the host has no folder.
        """
        return self._snapshots.require_folder().labels(name)


def make_snapshots(
    options: Options, recorder: Recorder, events: HostEvents, listed: Callable[[], tuple[Loaded, ...]]
) -> tuple[Snapshots, Schedule]:
    """Return what takes the snapshots of a host, and the schedule that has it take them."""
    snapshots = Snapshots(options, recorder, events)
    schedule = Schedule(
        options.snapshot_every_s, listed=listed, ask=snapshots.on_schedule, events=events, what="snapshots"
    )
    return snapshots, schedule


def check_resume(how: str | None) -> None:
    """Raise ValueError where it is none of the words."""
    if how is not None and how not in CHOICES["resume"]:
        raise ValueError(f"resume is {how!r}; it must be one of {', '.join(CHOICES['resume'])}")


def _failure(failures: list[HotgraftError], report: SnapshotReport) -> HotgraftError:
    """Return one error for all: the only one itself, or one that lists every reason of each."""
    error = failures[0]
    if len(failures) > 1:
        found = [f"{one.on}: {reason}" for one in failures for reason in (one.found or (one.tried,))]
        error = SnapshotError("take snapshots", on="the host", found=found)
    error.report = report  # type: ignore[attr-defined] # as an attempt's errors carry theirs
    return error
