"""The folder of snapshots: numbers, what is kept how long, which one is resumed from, and who may have it."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft.core.snapshot import InstanceState, Snapshot
from hotgraft.core.snapshot_error import SnapshotError
from hotgraft.engine.snapshot_files import file_name, named_in, read_label, read_snapshot, write_snapshot
from hotgraft.engine.snapshot_folder import SnapshotFolder, snapshot_paths
from sample_plugins import SAVES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECOND = 1_000_000_000
STATE = (InstanceState(name="main", values=b"\x80", block=b"12345678"),)


def snapshot(*, schema: int = 1, **change: Any) -> Snapshot:
    """Return one of the sample that saves."""
    descriptor = json.dumps(replace(SAVES, schema=schema).descriptor).encode()
    plain = Snapshot(
        plugin="counter",
        version="1.0.0",
        generation=1,
        image_sha256="",
        descriptor=descriptor,
        number=0,
        taken_ns=SECOND,
        reason="asked",
        instances=STATE,
    )
    return replace(plain, **change)


@dataclass
class Scene:
    """A folder, opened again and again as hosts do, one after another."""

    path: Path
    now_s: float = 1.0
    opened: list[SnapshotFolder] = field(default_factory=list)

    def open(self, *, kept: int = 3, max_age_s: float = 0.0) -> SnapshotFolder:
        """Return it as the next host has it."""
        self.close()
        folder = SnapshotFolder(self.path, kept=kept, max_age_s=max_age_s, wall_ns=lambda: round(self.now_s * SECOND))
        self.opened.append(folder)
        return folder

    def close(self) -> None:
        """As the end of a host does."""
        for one in self.opened:
            one.close()

    def numbers(self, plugin: str = "counter") -> list[int]:
        """Return the numbers that are there, the newest first."""
        return [read_label(path).number for path in snapshot_paths(self.path).get(plugin, ())]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A folder that is not there yet."""
    made = Scene(tmp_path / "snapshots")
    yield made
    made.close()


def test_a_number_is_used_once_whoever_writes(scene: Scene) -> None:
    """Two plugins share the numbers, and a host goes on where the one before it was."""
    first = scene.open()
    assert first.write(snapshot()).snapshot.number == 1
    assert first.write(snapshot(plugin="gain")).snapshot.number == 2
    assert scene.open().write(snapshot()).snapshot.number == 3
    assert scene.numbers() == [3, 1]


def test_a_name_says_plugin_number_and_moment_whatever_the_plugin_is_called() -> None:
    """A folder is looked at by people; a name of the host's own choosing cannot leave it."""
    name = file_name(snapshot(plugin="../a.b/é", number=7))
    assert name == "..%2Fa.b%2F%C3%A9.000000000007.19700101T000001Z.snapshot"
    assert named_in(name) == ("../a.b/é", 7)
    assert named_in("lock") is None


def test_as_many_are_kept_as_were_asked_for_and_each_plugin_has_its_own(scene: Scene) -> None:
    """By number: the newest."""
    folder = scene.open(kept=2)
    for _ in range(4):
        folder.write(snapshot())
    folder.write(snapshot(plugin="gain"))
    assert (scene.numbers(), scene.numbers("gain")) == ([4, 3], [5])


def test_what_is_too_old_goes_except_for_the_two_newest(scene: Scene) -> None:
    """By age: a plugin that was asleep for a year has something to begin with, and something where that is damaged."""
    folder = scene.open(kept=9, max_age_s=10.0)
    for at_s in (1, 2, 3):
        folder.write(snapshot(taken_ns=at_s * SECOND))
    assert scene.numbers() == [3, 2, 1]
    scene.now_s = 100.0
    folder.write(snapshot(taken_ns=100 * SECOND))
    assert scene.numbers() == [4, 3]


def test_a_clock_that_jumps_back_removes_nothing(scene: Scene) -> None:
    """What seems to be of tomorrow is not old."""
    folder = scene.open(kept=9, max_age_s=10.0)
    for at_s in (1000, 1001, 1002, 1, 2):
        scene.now_s = float(at_s)
        folder.write(snapshot(taken_ns=at_s * SECOND))
    assert scene.numbers() == [5, 4, 3, 2, 1]


def test_the_newest_that_has_an_instance_stays(scene: Scene) -> None:
    """An instance that was not loaded yet after a restart must not lose its state to the snapshots of the others."""
    both = (*STATE, InstanceState(name="left", values=b"\x80"))
    folder = scene.open(kept=2)
    for instances in (both, both, STATE, STATE, STATE):
        folder.write(snapshot(instances=instances))
    assert scene.numbers() == [5, 4, 2]

    found = scene.open().find("counter", ("main", "left"))
    assert {name: kept.snapshot.number for name, kept in found.newest.items()} == {"main": 5, "left": 2}


def test_one_of_a_later_schema_is_never_removed(scene: Scene) -> None:
    """Fault M04: an older build that began fresh does not clear away what the newer one saved."""
    folder = scene.open(kept=1)
    later = folder.write(snapshot(schema=2)).path.read_bytes()
    for _ in range(3):
        folder.write(snapshot())
    assert scene.numbers() == [4, 1]
    assert snapshot_paths(scene.path)["counter"][1].read_bytes() == later


def test_a_damaged_one_is_passed_over_and_goes_when_no_other_of_its_time_is_kept(scene: Scene) -> None:
    """Faults M02, M03: the one before is used. The damaged one may be looked at for a while, and counts nothing."""
    first = scene.open(kept=2)
    for _ in range(2):
        first.write(snapshot())
    newest = snapshot_paths(scene.path)["counter"][0]
    newest.write_bytes(newest.read_bytes()[:-1])

    folder = scene.open(kept=2)
    found = folder.find("counter", ("main",))
    assert found.newest["main"].snapshot.number == 1
    assert [(one.on, one.is_damaged) for one in found.passed_over] == [(str(newest), True)]
    folder.write(snapshot())
    assert [named_in(path.name) for path in folder.files("counter")] == [("counter", one) for one in (3, 2, 1)]
    folder.write(snapshot())
    assert newest not in folder.files("counter")


def test_a_later_format_or_somebody_elses_file_is_not_passed_over(scene: Scene) -> None:
    """Fault M04: to begin with an older state without a word would lose what is in it."""
    path = scene.open().write(snapshot()).path
    path.chmod(0o622)
    with pytest.raises(SnapshotError, match="others may write to") as caught:
        scene.open().find("counter", ("main",))
    assert not caught.value.is_damaged
    path.chmod(0o600)
    path.rename(path.with_name(path.name.replace("counter", "gain")))
    with pytest.raises(SnapshotError, match="it is of plugin 'counter'"):
        scene.open().find("gain", ("main",))


def test_what_this_host_wrote_is_not_what_it_resumes_from(scene: Scene) -> None:
    """An instance that is added begins fresh, or with what the host before saved of it; never with a state of today."""
    scene.open().write(snapshot())
    folder = scene.open()
    folder.write(snapshot(instances=(InstanceState(name="main", values=b"\x81\xa1a\x01"),)))
    assert folder.find("counter", ("main",)).newest["main"].snapshot.number == 1


def test_nothing_there_is_no_error(scene: Scene) -> None:
    """The first start of all."""
    found = scene.open().find("counter", ("main",))
    assert (found.newest, found.passed_over) == ({}, [])


def test_one_host_at_a_time_has_it(scene: Scene) -> None:
    """Fault R09: two would give the same number to two states."""
    scene.open()
    with pytest.raises(SnapshotError, match="another host of this process has it"):
        SnapshotFolder(scene.path, kept=1, max_age_s=0, wall_ns=lambda: 1)


def test_a_folder_that_others_can_write_to_is_refused(scene: Scene) -> None:
    """Faults F10, F11: whoever writes there puts any state into a plugin."""
    scene.path.mkdir()
    scene.path.chmod(0o777)
    with pytest.raises(SnapshotError, match="others may write to"):
        scene.open()


def test_what_a_killed_host_was_writing_is_removed_and_its_number_not_missed(scene: Scene) -> None:
    """It has no name, so nobody has read it."""
    scene.path.mkdir(mode=0o700)
    left = scene.path / f".{file_name(snapshot(number=1))}.17.new"
    left.write_bytes(b"half")
    assert scene.open().write(snapshot()).snapshot.number == 1
    assert not left.exists()


@pytest.mark.parametrize("call", ["write", "fsync", "rename"])
def test_one_that_cannot_be_written_leaves_nothing_and_the_others(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Faults R01, R02: no room, or a disk that does not sync. No durability is claimed: the call fails."""
    folder = scene.open(kept=1)
    before = folder.write(snapshot()).path

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(SnapshotError, match="could not keep the snapshot: No space left on device"):
        folder.write(snapshot())
    monkeypatch.undo()
    assert sorted(scene.path.iterdir()) == sorted([before, scene.path / "lock"])
    assert folder.write(snapshot()).snapshot.number == 3


def test_a_folder_that_does_not_sync_promises_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault R02: the name may not outlast a loss of power, so it is taken away again."""
    folder, synced = scene.open(), []

    def fsync(fd: int) -> None:
        synced.append(fd)
        if len(synced) == 2:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(SnapshotError, match="Input/output error"):
        folder.write(snapshot())
    assert scene.numbers() == []


def test_a_large_one_is_written_in_as_many_pieces_as_the_system_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """write(2) may take less than it was given."""
    plain = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: plain(fd, memoryview(data)[:100]))
    path, kept = tmp_path / "one", snapshot(instances=(InstanceState(name="main", block=os.urandom(5000)),))
    write_snapshot(path, kept)
    assert read_snapshot(path) == kept


def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    """A FIFO, a folder, a link, nothing: with the reason."""
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("fifo")
    for name, found in (
        ("fifo", "no regular file"),
        (".", "no regular file"),
        ("link", "symbolic"),
        ("none", "No such file"),
    ):
        with pytest.raises(SnapshotError, match=found):
            read_snapshot(tmp_path / name)
