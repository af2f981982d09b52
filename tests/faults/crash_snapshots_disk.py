"""A host whose snapshots' disk fails: what needs one is refused, calls go on, and nothing is promised.

    python crash_snapshots_disk.py full|eio FOLDER IMAGE NEXT_IMAGE

full: FOLDER is a small file system of its own. eio: strace fails what syncs a file for a while. Prints what was seen, a
line each. Exit 77: this system lets nobody do that.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crash_journal_disk import fill, syncs_fail
from hotgraft import Host, SnapshotError

if TYPE_CHECKING:
    from collections.abc import Callable


def refused(change: Callable[[], object]) -> SnapshotError:
    """Ask for what must not happen."""
    try:
        change()
    except SnapshotError as error:
        return error
    raise AssertionError("it was not refused")


def look(host: Host, counter: Any, next_image: str) -> None:
    """Every way to a snapshot is refused, and the old generation serves on."""
    print(f"asked: {refused(host.snapshot)}")
    print(f"swap: {refused(lambda: host.reload('counter', next_image))}")
    assert (counter.generation, counter.build(), counter.add(1)) == (1, 1, 6)


def main(how: str, folder: Path, image: str, next_image: str) -> None:
    """Fail for a while, and be well again."""
    kept = folder / "snapshots"
    with Host(probe="off", snapshots=kept, snapshot_before_swap=True, snapshot_at_close=False) as host:
        counter: Any = host.load(image)
        counter.add(5)
        before = host.snapshot().taken["counter"].path.read_bytes()
        if how == "full":
            filler = fill(folder)
            look(host, counter, next_image)
            filler.unlink()
        else:
            with syncs_fail():
                look(host, counter, next_image)
        assert [path.read_bytes() for path, _ in host.snapshots("counter")] == [before]
        assert sorted(one.suffix for one in kept.iterdir()) == ["", ".snapshot"]
        assert host.reload("counter", next_image).generation == counter.generation
        print(f"well again: {len(host.snapshots('counter'))}")
    with Host(probe="off", snapshots=kept, snapshot_at_close=False) as host:
        print(f"resumed: {host.load(image).add(0)}")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:5])
