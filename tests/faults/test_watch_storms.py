"""Watching under storms, without inotify, with its queue overflowed, and across fork (R08)."""

from __future__ import annotations

import ctypes
import os
import queue
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from child_process import run_child
from sample_plugins import Sample

sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))

from watch_scene import Listener, overwrite, replace

if TYPE_CHECKING:
    import hotgraft
    from conftest import Sized
    from sample_plugins import Workshop

IN_CLOSE_WRITE, IN_MOVE, IN_CREATE, IN_Q_OVERFLOW = 0x8, 0xC0, 0x100, 0x4000  # inotify(7)
LIBC = ctypes.CDLL(None, use_errno=True)


@pytest.fixture
def builds(build: Workshop) -> tuple[Path, ...]:
    """Three builds of one plugin; the number is what build() answers."""
    return tuple(build(Sample(build=number)) for number in (1, 2, 3))


@pytest.fixture
def image(tmp_path: Path, builds: tuple[Path, ...]) -> Path:
    """The watched place, with the first build in it."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    path = folder / "counter.so"
    shutil.copyfile(builds[0], path)
    return path


# Argument 1: the image; 2: how many events; 3: seconds. Each hundredth is a new content of the same build: bytes after
# the end of an image change nothing but its hash. The others are closes of a file that was opened for writing.
STORM = """
import os, sys, time
path, count, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
began = last = time.monotonic()
stalls = 0  # in which the file held still for about as long as a finished one: on a busy machine
for number in range(count):
    fd = os.open(path, os.O_WRONLY | os.O_APPEND)
    if number % 100 == 0:
        os.write(fd, b"%08d" % number)
        stalls, last = stalls + (time.monotonic() - last > 0.04), time.monotonic()
    os.close(fd)
    wait = began + number * seconds / count - time.monotonic()
    if wait > 0.002:
        time.sleep(wait)
print(time.monotonic() - began, stalls)
"""


def test_a_storm_of_events_gives_at_most_three_swaps_and_the_last_image(
    host: hotgraft.Host, image: Path, builds: tuple[Path, ...], sized: Sized
) -> None:
    """R08: 10,000 events a second, a new content a hundred times a second, and then the last one."""
    count = sized(quick=10_000, full=100_000)
    plugin, listener = host.load(image), Listener(host)
    with host.watch():
        storm = subprocess.run(
            [sys.executable, "-c", STORM, str(image), str(count), str(count / 10_000)],
            capture_output=True,
            text=True,
            check=True,
        )
        overwrite(image, builds[1].read_bytes())
        listener.wait_for_build(plugin, 2)
    swaps = listener.names().count("swap.published")
    took_s, stalls = storm.stdout.split()
    print(f"{count / float(took_s):,.0f} events/s, {swaps} swaps, {stalls} stalls")
    assert swaps <= 3 + int(stalls)
    assert "watch.refused" not in listener.names()


def test_events_lost_to_an_overflow_are_made_up_for(host: hotgraft.Host, image: Path, builds: tuple[Path, ...]) -> None:
    """R08: the kernel's queue is full and the event that matters is dropped."""
    plugin, listener = host.load(image), Listener(host)
    with host.watch():
        replace(image, builds[2])
        listener.wait_for_build(plugin, 3)  # so that no look of the beginning is still to come
        lose_the_event_of(image, builds[1])
        listener.wait_for_build(plugin, 2)


@pytest.mark.full
@pytest.mark.control
def test_without_the_periodic_look_a_lost_event_is_a_lost_build(
    host: hotgraft.Host, image: Path, builds: tuple[Path, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look is what makes up for it: 5 s are five of them."""
    monkeypatch.setattr("hotgraft.host.watch.LOOK_EVERY_S", 3600.0)
    plugin, listener = host.load(image), Listener(host)
    with host.watch():
        replace(image, builds[2])
        listener.wait_for_build(plugin, 3)
        lose_the_event_of(image, builds[1])
        with pytest.raises(queue.Empty):
            listener.wait_for("swap.published", deadline_s=5.0)
        assert plugin.build() == 3


def lose_the_event_of(image: Path, build: Path) -> None:
    """Put a new image there while the queue of inotify is full.

    The queue is overflowed for good: a child makes more events than it holds while this process keeps the interpreter
    lock, so that watchdog cannot read, and an inotify queue of our own shows that the kernel dropped some.
    """
    own = LIBC.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    LIBC.inotify_add_watch(own, os.fsencode(image.parent), IN_CLOSE_WRITE | IN_MOVE | IN_CREATE)
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    others = [str(image.parent / name) for name in ("a", "b")]
    child = (
        f"import os\nfor number in range({most + 1000}):\n"
        f"    os.close(os.open({others!r}[number % 2], os.O_WRONLY | os.O_CREAT))\n"
        f"os.rename({str(image.parent.parent / 'next')!r}, {str(image)!r})\n"
    )
    shutil.copyfile(build, image.parent.parent / "next")
    process = subprocess.Popen([sys.executable, "-S", "-c", child])
    ctypes.PyDLL(None).waitpid(process.pid, None, 0)  # PyDLL: without letting go of the interpreter lock
    process.returncode = 0  # it was waited for
    assert has_overflowed(own)
    os.close(own)


def has_overflowed(inotify: int) -> bool:
    """Read the whole queue, and tell whether the kernel says that it dropped events."""
    found = False
    while True:
        try:
            data = os.read(inotify, 1 << 20)
        except BlockingIOError:
            return found
        offset = 0
        while offset < len(data):
            mask, length = (int.from_bytes(data[offset + at : offset + at + 4], "little") for at in (4, 12))
            found |= bool(mask & IN_Q_OVERFLOW)
            offset += 16 + length


REASONS = {
    "fds": "Too many open files",
    "instances": "inotify instance limit reached",
    "watches": "inotify watch limit reached",
}


@pytest.mark.parametrize("used_up", REASONS)
def test_without_inotify_the_host_polls(image: Path, builds: tuple[Path, ...], used_up: str) -> None:
    """R08: the machine's inotify is used up by others, each way in which it can be."""
    done = run_child("crash_no_inotify.py", used_up, image, builds[1])
    if done.returncode == 77:
        pytest.skip("no user namespace can be made here")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("polling 2 "), done.stdout + done.stderr
    assert "watch.polling" in done.stdout
    assert f"inotify has nothing left to give ({REASONS[used_up]})" in done.stderr


def test_a_folder_deleted_under_the_process_itself_is_followed(
    host: hotgraft.Host, image: Path, builds: tuple[Path, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`cd build && hotgraft run gain.so --reload`, and elsewhere `rm -r build && make`: there is no "here" any more."""
    plugin, listener = host.load(image), Listener(host)
    monkeypatch.chdir(image.parent)
    with host.watch():
        shutil.rmtree(image.parent)
        image.parent.mkdir()
        replace(image, builds[1])
        listener.wait_for_build(plugin, 2)


def test_a_forked_child_watches_nothing(image: Path) -> None:
    """K07: its calls go on, the threads are its parent's."""
    done = run_child("crash_fork_watched.py", image)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["child: 1 ['MainThread']", "parent: 1"]


@pytest.mark.full
def test_many_saves_end_with_the_last(host: hotgraft.Host, image: Path, builds: tuple[Path, ...], sized: Sized) -> None:
    """Renames as fast as they go: what serves in the end is what lies there in the end."""
    plugin, listener = host.load(image), Listener(host)
    until_s = time.monotonic() + sized(quick=1, full=10)
    with host.watch():
        number = 0
        while time.monotonic() < until_s:
            replace(image, builds[number % 2])
            number += 1
        replace(image, builds[2])
        listener.wait_for_build(plugin, 3)
    assert listener.names().count("swap.published") <= sized(quick=3, full=12)
