"""Concurrent state in snapshots: the block is filled before anybody is told of it; what is promised of it is said."""

from __future__ import annotations

import ctypes
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import Host, HotgraftError, SnapshotError
from hotgraft.engine.snapshot_files import read_snapshot
from hotgraft.engine.snapshot_folder import snapshot_paths
from hotgraft.engine.snapshot_resume import Resume
from sample_plugins import HANDS_OVER, SHARES, Workshop

if TYPE_CHECKING:
    from pathlib import Path

    from hotgraft.core.snapshot import Snapshot
    from sample_plugins import Sample

NEW = replace(SHARES, build=2)
GROWN = replace(SHARES, build=2, grows=True)  # one more field in its block
CALL_BACK = ctypes.CFUNCTYPE(ctypes.c_int64)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where snapshots go; not there yet."""
    return tmp_path / "snapshots"


def make_host(folder: Path, **options: Any) -> Host:
    """Return one that tries no candidate first and takes no snapshot of its own accord."""
    return Host(snapshots=folder, **{"probe": "off", "snapshot_at_close": False, **options})


def newest(folder: Path) -> Snapshot:
    """Return what the newest file holds."""
    return read_snapshot(snapshot_paths(folder)["counter"][0])


def saved(folder: Path, image: Path, count: int, **options: Any) -> None:
    """Let a host count that far, take a snapshot, and end as if it was killed after one call more."""
    with make_host(folder, **options) as host:
        counter = host.load(image)
        counter.add(count)
        assert host.snapshot().taken["counter"].is_at_rest
        counter.add(1_000)


@pytest.mark.parametrize("after", [SHARES, NEW, GROWN], ids=["same", "new", "grown"])
@pytest.mark.parametrize("probe", ["off", pytest.param("start", marks=pytest.mark.full)])
def test_the_block_is_filled_before_anybody_is_told_of_it(
    folder: Path, build: Workshop, after: Sample, probe: str
) -> None:
    """A later layout as well, converted by name; then two versions share it as they would any."""
    saved(folder, build(SHARES), 5)
    with make_host(folder, probe=probe) as host:
        counter = host.load(build(after))
        assert counter.add(1) == 6
        with counter.pin() as pinned:
            host.reload("counter", build(replace(after, build=9)) if not after.grows else build(after))
            assert (pinned.add(1), counter.add(1)) == (7, 8)
    assert host.unloads(deadline_s=10).stuck == ()


def test_an_instance_that_is_added_begins_with_its_own(folder: Path, build: Workshop) -> None:
    """Each has a block of its own, in the file as in the process."""
    with make_host(folder) as host:
        host.load(build(SHARES)).add(5)
        host.load("counter", instance="left").add(7)
        host.snapshot()
    assert [one.is_shared for one in newest(folder).instances] == [True, True]
    with make_host(folder) as host:
        assert host.load(build(SHARES)).add(0) == 5
        assert host.load("counter", instance="left").add(0) == 7


def test_whom_a_pin_keeps_inside_is_not_waited_for_and_the_snapshot_says_so(folder: Path, build: Workshop) -> None:
    """That is what pins on such a state are for: each number was there, and no two need be of one moment."""
    with make_host(folder) as host:
        counter = host.load(build(SHARES))
        counter.add(5)
        inside, go_on = threading.Event(), threading.Event()

        def stay() -> int:
            inside.set()
            assert go_on.wait(20)
            return 0

        with counter.pin() as pinned:
            call_back = CALL_BACK(stay)
            thread = threading.Thread(target=pinned.run, args=(ctypes.cast(call_back, ctypes.c_void_p).value,))
            thread.start()
            try:
                assert inside.wait(10)
                taken = host.snapshot("counter").taken["counter"]
                assert (taken.is_at_rest, taken.pause_us) == (False, 0.0)
                assert "copied beside others that were using it" in str(taken)
            finally:
                go_on.set()
                thread.join()
        assert host.snapshot("counter").taken["counter"].is_at_rest
        with counter.pin():
            host.reload("counter", build(NEW))
            assert not host.snapshot("counter").taken["counter"].is_at_rest, "an older version may still be called"
    assert not newest(folder).is_at_rest
    with make_host(folder) as host:
        assert host.load(build(NEW)).add(0) == 5


@pytest.mark.full
def test_what_is_copied_beside_writers_was_there(folder: Path, build: Workshop) -> None:
    """A number that only grows, while a pinned caller goes on adding to it."""
    with make_host(folder) as host:
        counter = host.load(build(SHARES))
        is_over = threading.Event()

        def add_on(add: Any) -> None:
            while not is_over.is_set():
                add(1)

        with counter.pin() as pinned:
            thread = threading.Thread(target=add_on, args=(pinned.add,))
            thread.start()
            try:
                counts = [0]
                for _ in range(5):
                    host.snapshot("counter")
                    block = newest(folder).instances[0].block
                    assert block is not None
                    counts += [int.from_bytes(block[:8], "little"), counter.add(0)]
            finally:
                is_over.set()
                thread.join()
        assert counts == sorted(counts)


def test_one_at_close_and_one_before_a_swap_hold_it(folder: Path, build: Workshop) -> None:
    """And `rollback="snapshot"` keeps no copy of what stays where it is."""
    options = {"snapshot_at_close": True, "snapshot_before_swap": True, "rollback": "snapshot", "probation": "on"}
    with make_host(folder, **options) as host:
        counter = host.load(build(SHARES))
        counter.add(5)
        host.reload("counter", build(NEW))
        assert newest(folder).reason == "before swap"
        counter.add(1)
        assert not host.rollback("counter").is_lossy
        counter.add(1)
    assert newest(folder).reason == "close"
    with make_host(folder) as host:
        assert host.load(build(SHARES)).add(0) == 7


REFUSED = [
    (replace(SHARES, layout=8, build=2), "says that they mean something else"),
    (HANDS_OVER, "its kind is concurrent and would be single"),
]


@pytest.mark.parametrize(("after", "found"), REFUSED, ids=["layout", "kind"])
def test_what_cannot_begin_with_it_is_refused(folder: Path, build: Workshop, after: Sample, found: str) -> None:
    """As in a swap, before anything of it runs."""
    saved(folder, build(SHARES), 5)
    with make_host(folder) as host, pytest.raises(SnapshotError, match=found):
        host.load(build(after))


def test_what_attach_refuses_is_dropped_and_the_block_with_it(folder: Path, build: Workshop) -> None:
    """The next load finds the snapshot as it was."""
    saved(folder, build(SHARES), 5)
    with make_host(folder) as host:
        with pytest.raises(HotgraftError, match="told to fail in attach"):
            host.load(build(SHARES), config={"fail": "attach"})
        assert host.load(build(SHARES)).add(0) == 5


def test_save_and_a_shared_block_are_of_one_moment(folder: Path, build: Workshop) -> None:
    """Which of them is wanted is known when a version is there."""
    saved(folder, build(replace(SHARES, saves=True)), 5)
    state = newest(folder).instances[0]
    assert (state.values is not None, state.block is not None, state.is_shared) == (True, True, True)
    with make_host(folder) as host:
        assert host.load(build(replace(SHARES, saves=True, schema=2, build=2))).add(0) == 5


@pytest.mark.control
def test_control_without_the_block_of_the_snapshot_the_count_begins_anew(
    folder: Path, build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it goes on from is that block, and not chance."""
    saved(folder, build(SHARES), 5)
    monkeypatch.setattr(Resume, "give", lambda *_, **__: None)
    with make_host(folder) as host:
        assert host.load(build(SHARES)).add(0) == 0
