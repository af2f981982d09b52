"""`Host.watch`: every way in which a new image comes to lie where the old one lay."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import hotgraft
import pytest
from hotgraft.engine.watch import content_of
from sample_plugins import HANDS_OVER, Sample
from watch_scene import Listener, flip, overwrite, replace

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotgraft.core.watching import Hint
    from hotgraft.engine.watch import FileFacts
    from sample_plugins import Workshop

BREAKS_CONTRACT = Sample(interface_version=(2, 0), build=9)


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


def test_a_build_put_there_by_a_rename_is_taken(host: hotgraft.Host, image: Path, builds: tuple[Path, ...]) -> None:
    """What a careful build does."""
    plugin, listener = host.load(image), Listener(host)
    with host.watch():
        replace(image, builds[1])
        listener.wait_for_build(plugin, 2)
    assert "watch.refused" not in listener.names()


def test_a_build_moved_in_from_elsewhere_is_taken(host: hotgraft.Host, image: Path, builds: tuple[Path, ...]) -> None:
    """A build folder beside the plugin folder: the rename begins where nobody watches."""
    plugin, listener = host.load(image), Listener(host)
    made = image.parent.parent / "made.so"
    shutil.copyfile(builds[1], made)
    with host.watch("counter"):
        made.rename(image)
        listener.wait_for_build(plugin, 2)


def test_a_build_written_over_the_old_one_is_taken(host: hotgraft.Host, image: Path, builds: tuple[Path, ...]) -> None:
    """What a linker does; same size as before, and the generation that serves is untouched (F06)."""
    plugin, listener = host.load(image), Listener(host)
    assert builds[0].stat().st_size == builds[1].stat().st_size
    with host.watch():
        overwrite(image, builds[1].read_bytes())
        listener.wait_for_build(plugin, 2)
        overwrite(image, builds[2].read_bytes())
        listener.wait_for_build(plugin, 3)
        assert str(image.parent) not in Path("/proc/self/maps").read_text()


def test_two_builds_within_one_second_are_both_noticed(
    host: hotgraft.Host, image: Path, builds: tuple[Path, ...]
) -> None:
    """Where a whole second of mtime decides, the second is never seen."""
    plugin, listener = host.load(image), Listener(host)
    times = image.stat()
    with host.watch():
        replace(image, builds[1])
        listener.wait_for_build(plugin, 2)
        overwrite(image, builds[2].read_bytes())
        os.utime(image, ns=(times.st_atime_ns, times.st_mtime_ns))
        listener.wait_for_build(plugin, 3)


def test_a_symbolic_link_that_leads_elsewhere_is_taken(
    host: hotgraft.Host, tmp_path: Path, builds: tuple[Path, ...]
) -> None:
    """`current` → `release-2`: the entry that changes is in another folder than the image."""
    for number in (1, 2, 3):
        folder = tmp_path / f"release-{number}" / "lib"
        folder.mkdir(parents=True)
        shutil.copyfile(builds[number - 1], folder / "counter.so")
    (tmp_path / "current").symlink_to("release-1")
    plugin, listener = host.load(tmp_path / "current" / "lib" / "counter.so"), Listener(host)
    with host.watch():
        for number in (2, 3):
            flip(tmp_path / "current", Path(f"release-{number}"))
            listener.wait_for_build(plugin, number)


def test_a_link_flipped_between_check_and_load_never_gives_unchecked_bytes(
    host: hotgraft.Host, tmp_path: Path, builds: tuple[Path, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """F09: whatever the loader finds is hashed and inspected afresh, and in the end the last target serves."""
    from hotgraft.host import watch_target as module

    link = tmp_path / "counter.so"
    link.symlink_to(builds[0])
    plugin, listener = host.load(link), Listener(host)

    def hash_then_flip(path: str) -> str | None:
        content = content_of(path)
        if link.readlink() == builds[1]:
            flip(link, builds[2])
        return content

    monkeypatch.setattr(module, "content_of", hash_then_flip)
    with host.watch():
        flip(link, builds[1])
        listener.wait_for_build(plugin, 3)
    known = {content_of(str(one)) for one in builds}
    assert {event.facts["report"].sha256 for event in listener.heard if event.name == "swap.published"} <= known
    assert "watch.refused" not in listener.names()


def test_a_folder_moved_away_and_back_is_followed(host: hotgraft.Host, image: Path, builds: tuple[Path, ...]) -> None:
    """The watch of the kernel stays with the folder that went; the one that comes is another."""
    plugin, listener = host.load(image), Listener(host)
    with host.watch():
        away = image.parent.rename(image.parent.with_name("away"))
        image.parent.mkdir()
        replace(image, builds[1])
        listener.wait_for_build(plugin, 2)
        shutil.rmtree(image.parent)
        replace(away / image.name, builds[2])
        away.rename(image.parent)
        listener.wait_for_build(plugin, 3)


def test_a_folder_deleted_and_made_again_is_followed(
    host: hotgraft.Host, image: Path, builds: tuple[Path, ...]
) -> None:
    """`rm -r build && make`."""
    plugin, listener = host.load(image), Listener(host)
    with host.watch():
        shutil.rmtree(image.parent)
        image.parent.mkdir()
        overwrite(image, builds[1].read_bytes())
        listener.wait_for_build(plugin, 2)
        assert plugin.build() == 2


def test_a_file_that_its_writer_still_appends_to_is_waited_for(
    host: hotgraft.Host, image: Path, builds: tuple[Path, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """F04: half of it is looked at, and neither tried nor refused; the whole is picked up."""
    plugin, listener = host.load(image), Listener(host)
    whole = builds[1].read_bytes()
    seen = saw_incomplete(monkeypatch)
    with host.watch(), image.open("wb") as file:
        file.write(whole[: len(whole) // 2])
        file.flush()
        assert seen.wait(60)
        assert plugin.build() == 1
        file.write(whole[len(whole) // 2 :])
        file.close()
        listener.wait_for_build(plugin, 2)
    assert not {"watch.refused", "swap.refused"} & set(listener.names())


@pytest.mark.full
@pytest.mark.control
def test_without_the_look_for_completeness_half_a_file_is_tried(
    image: Path, builds: tuple[Path, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is never tried is never refused: the writer's half is, where nobody looks whether it is whole."""
    from hotgraft.host import watch_target as module

    no_look = SimpleNamespace(settle=lambda *_: None)
    with hotgraft.Host(settle_deadline_s=0.1) as host:
        listener = Listener(host)
        host.load(image)
        monkeypatch.setattr(module, "_core", no_look)
        with host.watch(), image.open("wb") as file:
            file.write(builds[1].read_bytes()[:1000])
            file.flush()
            assert listener.wait_for("swap.refused").plugin == "counter"


def saw_incomplete(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Return an event that is set once a watch looked at an incomplete file."""
    from hotgraft.host.watch_target import Looks, Target

    seen, wait = threading.Event(), Looks._wait_for_writer

    def wait_and_tell(self: Looks, target: Target, hint: Hint, facts: FileFacts, error: hotgraft.HotgraftError) -> None:
        wait(self, target, hint, facts, error)
        seen.set()

    monkeypatch.setattr(Looks, "_wait_for_writer", wait_and_tell)
    return seen


def test_half_a_file_that_nobody_finishes_is_refused_once_and_taken_when_it_is_whole(
    image: Path, builds: tuple[Path, ...]
) -> None:
    """A build that was killed leaves half a file; the next one finishes it."""
    whole = builds[1].read_bytes()
    with hotgraft.Host(settle_deadline_s=0.2) as host:
        plugin, listener = host.load(image), Listener(host)
        with host.watch():
            overwrite(image, whole[: len(whole) // 2])
            refused = listener.wait_for("watch.refused")
            assert isinstance(refused.facts["error"], hotgraft.ImageError)
            assert plugin.build() == 1
            overwrite(image, whole)
            listener.wait_for_build(plugin, 2)
        assert listener.names().count("watch.refused") == 1


def test_what_is_no_file_is_refused_and_does_not_hang(image: Path, builds: tuple[Path, ...]) -> None:
    """F02: a FIFO in the image's place would make whoever opens it wait for a writer."""
    with hotgraft.Host(settle_deadline_s=0.2) as host:
        plugin, listener = host.load(image), Listener(host)
        with host.watch():
            image.unlink()
            os.mkfifo(image)
            assert "FIFO" in str(listener.wait_for("watch.refused").facts["error"])
            replace(image, builds[1])
            listener.wait_for_build(plugin, 2)


def test_a_refused_build_is_told_once_and_not_tried_again_until_it_changes(
    host: hotgraft.Host, image: Path, builds: tuple[Path, ...], build: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    """One line is enough, the old serves on, and watching goes on."""
    plugin, listener = host.load(image), Listener(host)
    broken = build(BREAKS_CONTRACT)
    with caplog.at_level(logging.INFO, "hotgraft.watch"), host.watch():
        replace(image, broken)
        assert isinstance(listener.wait_for("watch.refused").facts["error"], hotgraft.ContractError)
        assert plugin.build() == 1
        replace(image, broken)
        replace(image, builds[1])
        listener.wait_for_build(plugin, 2)
        replace(image, broken)
        replace(image, builds[2])
        listener.wait_for_build(plugin, 3)
    assert listener.names().count("swap.refused") == 1
    assert listener.names().count("watch.refused") == 1
    assert sum(record.levelno == logging.WARNING for record in caplog.records) == 1


def test_a_downgrade_is_refused_once_and_watching_goes_on(host: hotgraft.Host, image: Path, build: Workshop) -> None:
    """Nobody asked for it: an old file that was copied over the new one is as likely as not a slip."""
    plugin, listener = host.load(image), Listener(host)
    with host.watch():
        replace(image, build(Sample(version="0.9.0", build=2)))
        error = listener.wait_for("watch.refused").facts["error"]
        assert "version 0.9.0 is lower than 1.0.0, which serves" in str(error)
        assert plugin.build() == 1
        replace(image, build(Sample(version="1.0.1", build=3)))
        listener.wait_for_build(plugin, 3)


def test_a_swap_that_must_wait_is_tried_again(image: Path, build: Workshop) -> None:
    """A pin that holds the state is no fault of the build."""
    shutil.copyfile(build(HANDS_OVER), image)
    with hotgraft.Host(swap_deadline_s=0.1) as host:
        plugin, listener = host.load(image), Listener(host)
        with host.watch():
            with plugin.pin():
                replace(image, build(Sample(hands_over=True, build=2)))
                assert isinstance(listener.wait_for("watch.postponed").facts["error"], hotgraft.SwapTimeout)
            listener.wait_for_build(plugin, 2)
        assert "watch.refused" not in listener.names()


def test_a_touch_is_no_new_build(host: hotgraft.Host, image: Path, builds: tuple[Path, ...]) -> None:
    """The content decides."""
    plugin, listener = host.load(image), Listener(host)
    with host.watch():
        overwrite(image, builds[0].read_bytes())
        image.touch()
        replace(image, builds[1])
        listener.wait_for_build(plugin, 2)
    assert listener.names().count("swap.published") == 1


def test_a_build_that_came_between_load_and_watch_is_taken(
    host: hotgraft.Host, image: Path, builds: tuple[Path, ...]
) -> None:
    """There is no event for it any more."""
    plugin, listener = host.load(image), Listener(host)
    replace(image, builds[1])
    with host.watch():
        listener.wait_for_build(plugin, 2)


def test_plugins_loaded_later_and_images_named_later_are_watched(
    host: hotgraft.Host, image: Path, tmp_path: Path, builds: tuple[Path, ...]
) -> None:
    """What is watched follows what is loaded, and from where."""
    listener, watch = Listener(host), host.watch()
    plugin = host.load(image)
    replace(image, builds[1])
    listener.wait_for_build(plugin, 2)
    other = tmp_path / "elsewhere.so"
    shutil.copyfile(builds[2], other)
    host.reload("counter", other)
    replace(other, builds[0])
    listener.wait_for_build(plugin, 1)
    assert watch.paths == (str(other),)
    watch.close()


def test_an_unknown_name_is_refused(host: hotgraft.Host) -> None:
    """A watch on a typing error would never say anything."""
    with pytest.raises(hotgraft.UnknownPlugin, match="cuonter"):
        host.watch("cuonter")


def test_threads_are_there_only_while_something_is_watched(
    image: Path, builds: tuple[Path, ...], still_threads: Callable[[], set[str]]
) -> None:
    """A standing thread makes CPython ≥ 3.12 warn at every fork."""
    before = still_threads()
    with hotgraft.Host() as host:
        watch = host.watch()
        assert still_threads() == before
        plugin, listener = host.load(image), Listener(host)
        replace(image, builds[1])
        listener.wait_for_build(plugin, 2)
        assert "hotgraft watch" in still_threads()
        watch.close()
        watch.close()
        assert still_threads() == before
        host.watch()
    assert still_threads() == before


@pytest.fixture
def still_threads() -> Callable[[], set[str]]:
    """A function that names the threads of this process."""
    return lambda: {thread.name for thread in threading.enumerate()}


def test_a_handler_may_end_the_watch_or_the_host(image: Path, builds: tuple[Path, ...]) -> None:
    """It runs on the watch's own thread, which must not wait for itself."""
    with hotgraft.Host() as host:
        host.load(image)
        ended = threading.Event()
        watch = host.watch()

        def end(_event: hotgraft.HostEvent) -> None:
            watch.close()
            ended.set()

        host.on("swap.published", end)
        replace(image, builds[1])
        assert ended.wait(60)


def test_after_close_nothing_is_reloaded(host: hotgraft.Host, image: Path, builds: tuple[Path, ...]) -> None:
    """And the host may be watched again."""
    plugin, listener = host.load(image), Listener(host)
    host.watch().close()
    replace(image, builds[1])
    assert plugin.build() == 1
    with host.watch():
        listener.wait_for_build(plugin, 2)


def test_who_does_not_watch_does_not_import_watchdog() -> None:
    """It costs 30 ms, and starts threads of its own."""
    script = "import hotgraft, sys; hotgraft.Host().close(); sys.exit('watchdog' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_a_program_that_is_started_while_watching_inherits_nothing(host: hotgraft.Host, image: Path) -> None:
    """K08: a plugin may start one by fork and exec, and what is left open stays open there."""
    host.load(image)
    with host.watch():
        links = [one for one in Path("/proc/self/fd").iterdir() if one.is_symlink()]
        watching = [int(one.name) for one in links if str(one.readlink()) == "anon_inode:inotify"]
        assert watching
        assert not any(os.get_inheritable(fd) for fd in watching)
