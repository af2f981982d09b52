"""A source saved again and again by four writers: what is there in the end is what runs in the end."""

from __future__ import annotations

import contextlib
import os
import random
import threading
from typing import TYPE_CHECKING

import hotgraft
import pytest
from dev_process import COUNTER, copy_counter
from hotgraft.dev.keys import Keys
from hotgraft.dev.loop import serve
from hotgraft.dev.saves import Saves
from hotgraft.dev.session import Session
from hotgraft.dev.sources import Sources

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Sized
    from hotgraft.dev.said import Said

WRITERS = 4
BURST_S, LULL_S = 0.05, 1.5  # the longest pauses between two saves of one writer
LULL_EVERY = 5  # saves
BREAKS_EVERY = 10  # saves


class Scene:
    """A session with a caller beside it, and what both said."""

    def __init__(self, folder: Path, keep: Path, host: hotgraft.Host) -> None:
        self.folder = folder
        self.host = host
        self.said: list[str] = []
        self.serves = threading.Event()
        self.is_over = threading.Event()
        self.news = threading.Condition()
        self.calls = 0
        self.failures: list[BaseException] = []
        self.sources = Sources((folder,))
        self.session = Session(folder, self.sources, host, (), keep, self.hear)
        read, self.typed = os.pipe()
        self.keys = Keys(read, contextlib.nullcontext)

    def hear(self, said: Said) -> None:
        """Note an event of the session."""
        with self.news:
            self.said.append(said.event)
            self.news.notify_all()
        if said.event == "loaded":
            self.serves.set()

    def run(self) -> None:
        """Serve as `hotgraft dev` does, until q is typed."""
        saves = Saves(self.sources, 0.02, self.failures.append)
        try:
            serve(self.session, saves, self.keys)
        except BaseException as error:
            self.failures.append(error)
        finally:
            saves.close()

    def call(self) -> None:
        """Call without a break; a counter that goes back has lost its state."""
        self.serves.wait(60)
        counter, before = self.host["counter"], 0
        try:
            while not self.is_over.is_set():
                now = counter.next()
                if now <= before:
                    raise AssertionError(f"{now} after {before}")
                before = now
                self.calls += 1
        except BaseException as error:
            self.failures.append(error)

    def wait_until_answered(self) -> None:
        """Wait until the session has built what is there now."""
        with self.news:
            is_done = self.news.wait_for(lambda: self.session.built == self.sources.contents(), 60)
        assert is_done, self.said[-5:]

    def step(self) -> int:
        """What the build that serves counts in."""
        counter = self.host["counter"]
        before = counter.value()
        return int(counter.next() - before)


def save(path: Path, step: int, writer: int, how: int, *, breaks: bool) -> None:
    """Save the source as editors do: over the old file, by a rename, or in two halves."""
    text = (COUNTER / "counter.c").read_text().replace("#define STEP 1\n", f"#define STEP {step}{';' * breaks}\n")
    if how == 0:
        path.write_text(text)
    elif how == 1:
        fresh = path.with_name(f".{path.name}.{writer}.swp")
        fresh.write_text(text)
        fresh.replace(path)
    else:
        with path.open("w") as file:
            file.write(text[: len(text) // 2])
            file.flush()
            file.write(text[len(text) // 2 :])


def write(path: Path, writer: int, saves: int, seed: int) -> None:
    """One writer's saves."""
    chance, pause = random.Random(seed), threading.Event()
    for number in range(saves):
        breaks = chance.randrange(BREAKS_EVERY) == 0
        save(path, 1 + writer * saves + number, writer, chance.randrange(3), breaks=breaks)
        pause.wait(chance.uniform(0.0, LULL_S if chance.randrange(LULL_EVERY) == 0 else BURST_S))


@pytest.mark.full
def test_of_many_saves_by_four_writers_the_last_is_what_runs(tmp_path: Path, sized: Sized) -> None:
    """0 failed calls, no stale build, no file left over; a tenth of the saves does not compile."""
    seed = int(os.environ.get("HOTGRAFT_SEED", "0")) or random.randrange(1, 2**32)
    print(f"HOTGRAFT_SEED={seed}")
    saves = sized(quick=12, full=1_000) // WRITERS
    folder, keep, staged = copy_counter(tmp_path / "counter"), tmp_path / "keep", tmp_path / "staged"
    keep.mkdir()
    staged.mkdir(mode=0o700)
    last = 1_000_000
    with hotgraft.Host(staging_folder=str(staged)) as host:
        scene = Scene(folder, keep, host)
        threads = [threading.Thread(target=target) for target in (scene.run, scene.call)]
        for thread in threads:
            thread.start()
        assert scene.serves.wait(60)
        writers = [
            threading.Thread(target=write, args=(folder / "counter.c", writer, saves, seed + writer))
            for writer in range(WRITERS)
        ]
        for thread in writers:
            thread.start()
        for thread in writers:
            thread.join()
        save(folder / "counter.c", last, 0, seed % 3, breaks=False)
        scene.wait_until_answered()
        scene.is_over.set()
        os.write(scene.typed, b"q")
        for thread in threads:
            thread.join()
        os.close(scene.typed)
        os.close(scene.keys.fd or -1)
        assert scene.failures == []
        assert scene.step() == last
        counts = {event: scene.said.count(event) for event in ("swapped", "refused", "changed_meanwhile")}
        print(f"{saves * WRITERS} saves, {scene.calls:,} calls: {counts}")
        assert host.unloads(60).waiting == ()
        assert sorted(path.suffix for path in staged.iterdir()) == [".previous", ".so"]  # one of each
    assert list(staged.iterdir()) == []
    assert sorted(path.name for path in folder.iterdir()) == [
        "build", "counter.c", "counter.h", "counter_state.h", "plugin.toml",
    ]  # fmt: skip
    assert len(list((folder / "build").iterdir())) == 5
    assert len(list(keep.iterdir())) <= 2
