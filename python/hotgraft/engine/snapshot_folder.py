"""The folder of a host's snapshots: numbered, kept by number and age, and the newest that is whole.

    <plugin>.<number>.<UTC>.snapshot   one plugin at one moment        lock   held by the host, its pid inside

It is private to this user: whoever can write there can put any state into a plugin, because a checksum finds damage
and no intent.
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
import weakref
from dataclasses import field, replace
from typing import TYPE_CHECKING, Final

from hotgraft.core.dataclass import dataclass
from hotgraft.core.snapshot_error import SnapshotError
from hotgraft.engine.journal_folder import FolderLock, not_private, sync_folder
from hotgraft.engine.snapshot_files import NEW, file_name, named_in, read_label, read_snapshot, write_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from hotgraft.core.snapshot import Snapshot, SnapshotLabel

__all__ = ["Found", "KeptSnapshot", "SnapshotFolder", "snapshot_paths"]

_OPEN: weakref.WeakSet[SnapshotFolder] = weakref.WeakSet()  # those that a forked child must let go of
NEVER_TOO_OLD: Final = 2  # of each plugin: the newest, and the one to be used where that is damaged


@dataclass(frozen=True, slots=True, eq=False)
class KeptSnapshot:
    """A snapshot and where it is."""

    path: Path
    snapshot: Snapshot


@dataclass(slots=True)
class Found:
    """What there was to resume from: by instance the newest whole snapshot that has it, and each that was passed over.

    `is_empty`: there was no file of the plugin at all.
    """

    newest: dict[str, KeptSnapshot] = field(default_factory=dict)
    passed_over: list[SnapshotError] = field(default_factory=list)
    is_empty: bool = True


def snapshot_paths(folder: Path) -> Mapping[str, tuple[Path, ...]]:
    """Return the files of each plugin by its name, the newest first."""
    found: dict[str, list[tuple[int, Path]]] = {}
    for path in folder.iterdir():
        named = named_in(path.name)
        if named is not None:
            found.setdefault(named[0], []).append((named[1], path))
    return {plugin: tuple(path for _, path in sorted(files, reverse=True)) for plugin, files in found.items()}


class SnapshotFolder:
    """One host's hold on it.

    Args:
        folder: made if it is not there.
        kept: of each plugin.
        max_age_s: what is older goes; 0: nothing is too old. The two newest of a plugin never are.
        wall_ns: answers the time of day.

    Raises:
        SnapshotError: it cannot be made or locked, another host has it, or others may write to it.

    Thread safety: any thread; snapshots are written one after another.
    """

    def __init__(self, folder: Path, *, kept: int, max_age_s: float, wall_ns: Callable[[], int]) -> None:
        self.path = folder
        self._kept, self._max_age_s, self._wall_ns = kept, max_age_s, wall_ns
        self._lock = threading.RLock()  # guards what is below, and one writes after another
        self._is_closed = False
        self._labels: dict[Path, SnapshotLabel | None] = {}  # None: it has none that can be read
        self._spared: set[Path] = set()
        _make(folder)
        self._hold = FolderLock(folder, "snapshots' folder", SnapshotError)
        weakref.finalize(self, self._hold.close)  # of a host that nobody closes
        _watch_forks()
        _OPEN.add(self)
        for one in folder.glob(f".*{NEW}"):
            with contextlib.suppress(OSError):
                one.unlink()
        numbers = [named[1] for one in folder.iterdir() if (named := named_in(one.name)) is not None]
        self._next = max(numbers, default=0) + 1
        self._first = self._next  # what this host writes begins here

    def close(self) -> None:
        """Give it back, when what is being written is; twice is once."""
        with self._lock:
            self._is_closed = True
            self._hold.close()

    def begin_child(self) -> None:
        """In a forked child: let go of what it shares, so that the lock is its parent's alone."""
        self._hold.close()

    def write(self, snapshot: Snapshot) -> KeptSnapshot:
        """Give it the next number, keep it durably, and remove what is one too many or too old.

        Raises:
            SnapshotError: it was not kept; all that were there are.
        """
        with self._lock:
            if self._is_closed:
                raise SnapshotError("keep the snapshot", on=snapshot.plugin, found="the host is closed")
            numbered = replace(snapshot, number=self._next)
            self._next += 1  # also where it fails: a number is used once
            path = self.path / file_name(numbered)
            write_snapshot(path, numbered)
            with contextlib.suppress(OSError):  # it is kept, whatever else there is
                self._clear(numbered)
        return KeptSnapshot(path, numbered)

    def files(self, plugin: str) -> tuple[Path, ...]:
        """Return the plugin's files, the newest first."""
        return snapshot_paths(self.path).get(plugin, ())

    def find(self, plugin: str, instances: tuple[str, ...]) -> Found:
        """Return the newest whole snapshot of each instance, of those that were there before this host.

        A damaged one is passed over, and the one before it used. One that is whole and of a later format, or that
        others may have written, is not: to go on from an older one would be to lose what it holds without a word.

        Raises:
            SnapshotError: such a one stands in the way.
        """
        with self._lock:
            return self._find(plugin, instances)

    def _find(self, plugin: str, instances: tuple[str, ...]) -> Found:
        found, whole = Found(), None
        for path in self.files(plugin):
            if self._number(path) >= self._first:
                continue
            found.is_empty = False
            missing = set(instances) - set(found.newest)
            if not missing:
                break
            if found.newest and not self._may_have(path, missing):
                continue
            try:
                kept = KeptSnapshot(path, read_snapshot(path))
            except SnapshotError as error:
                if not error.is_damaged:
                    raise
                self._spared.add(path)
                found.passed_over.append(error)
                continue
            if kept.snapshot.plugin != plugin:
                why = f"it is of plugin {kept.snapshot.plugin[:64]!r}"
                raise SnapshotError("read the snapshot", on=os.fspath(path), found=why, advice="move it out of there")
            whole = whole or kept
            for one in kept.snapshot.instances:
                found.newest.setdefault(one.name, kept)
        found.passed_over += _without(whole, found, instances)
        return found

    def labels(self, plugin: str) -> tuple[tuple[Path, SnapshotLabel | None], ...]:
        """Return the plugin's files, the newest first, with what each says of itself; None: it cannot be read."""
        with self._lock:
            return tuple((path, self._label(path)) for path in self.files(plugin))

    def _may_have(self, path: Path, instances: set[str]) -> bool:
        """Tell whether it is worth reading; the newest is read in any case, because nothing vouches for a label."""
        label = self._label(path)
        return label is None or not instances.isdisjoint(label.instances)

    def _label(self, path: Path) -> SnapshotLabel | None:
        if path not in self._labels:
            try:
                self._labels[path] = read_label(path)
            except SnapshotError:
                self._labels[path] = None
        return self._labels[path]

    def _number(self, path: Path) -> int:
        named = named_in(path.name)
        assert named is not None  # it was found by its name
        return named[1]

    def _clear(self, newest: Snapshot) -> None:
        """Remove what is not kept any longer; what cannot be removed is tried again after the next.

        Never removed: what cannot be read, which a later hotgraft may; what was found damaged, as long as one of its
        time is kept; one of a later schema than what serves has; the newest that has the state of an instance.
        """
        self._labels = {path: label for path, label in self._labels.items() if path.exists()}
        schema = newest.read_descriptor().state.schema
        ours: list[tuple[Path, SnapshotLabel]] = []
        instances: set[str] = set()
        for path, label in self.labels(newest.plugin):
            if label is None or label.schema > schema or path in self._spared:
                continue
            ours.append((path, label))
        limit_ns = self._wall_ns() - round(self._max_age_s * 1e9) if self._max_age_s else 0
        for index, (path, label) in enumerate(ours):
            is_only_one = not instances.issuperset(label.instances)
            instances.update(label.instances)
            is_too_old = index >= min(NEVER_TOO_OLD, self._kept) and label.taken_ns < limit_ns
            if (index >= self._kept or is_too_old) and not is_only_one:
                with contextlib.suppress(OSError):
                    path.unlink()
                    self._labels.pop(path, None)
        oldest = min((self._number(path) for path, _ in ours[: self._kept]), default=0)
        spared = self._spared.intersection(self.files(newest.plugin))
        for path in [one for one in spared if self._number(one) < oldest]:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
                self._spared.discard(path)


@functools.cache
def _watch_forks() -> None:
    """Ask to be called in every forked child; once."""
    os.register_at_fork(after_in_child=_begin_child)


def _begin_child() -> None:
    for one in tuple(_OPEN):
        one.begin_child()


def _without(newest: KeptSnapshot | None, found: Found, instances: tuple[str, ...]) -> list[SnapshotError]:
    """Return why the newest that is whole is passed over for instances whose state only an older one has."""
    older = [(one, found.newest[one]) for one in instances if one in found.newest and found.newest[one] is not newest]
    if newest is None or not older:
        return []
    why = [f"it has no instance {one}, which goes on from {kept.path.name}" for one, kept in older]
    return [SnapshotError("resume from the newest snapshot", on=os.fspath(newest.path), found=why)]


def _make(folder: Path) -> None:
    try:
        is_new = not folder.exists()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        why = not_private(folder, folder.stat())
        if is_new:
            sync_folder(folder.parent)
    except FileExistsError:
        raise SnapshotError("open the snapshots", on=os.fspath(folder), found="it is no folder") from None
    except OSError as error:
        found = f"{error.filename or folder}: {error.strerror or error}"
        raise SnapshotError("open the snapshots", on=os.fspath(folder), found=found) from None
    if why:
        advice = f"chmod go-w {folder}, or name a folder of this user's own"
        raise SnapshotError("open the snapshots", on=os.fspath(folder), found=why, advice=advice)
