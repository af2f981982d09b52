"""Tests engine/settling.py: what is not there is refused at once, but for a file that may be on its way."""

from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import Host, ImageError, Outcome, _core
from hotgraft.engine import settling
from sample_plugins import STATELESS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sample_plugins import Workshop

FOR_EVER_S = 86_400.0  # no test may wait that long


@pytest.fixture
def patient() -> Iterator[Host]:
    """A host that waits for ever until a file is finished."""
    with Host(probe="off", settle_deadline_s=FOR_EVER_S) as host:
        yield host


def loaded(host: Host, build: Workshop, folder: Path) -> Path:
    """Load an image from a folder of its own, and return its path."""
    path = folder / "live.so"
    shutil.copyfile(build(STATELESS), path)
    host.load(path)
    return path


ASKED: dict[str, Callable[[Host, Path], object]] = {
    "load": lambda host, path: host.load(path),
    "load under a name": lambda host, path: host.load(path, name="one"),
    "load_together": lambda host, path: host.load_together({"one": path}),
    "load_all": lambda host, path: host.load_all(path),
    "reload": lambda host, path: host.reload("counter", path),
    "reload_set": lambda host, path: host.reload_set({"counter": path}),
    "a new one of a set": lambda host, path: host.reload_set({"counter": None, "one": path}),
    "plan": lambda host, path: host.plan("counter", path),
}


@pytest.mark.parametrize("place", ["no.so", "nowhere/deep/no.so", "dangling.so"])
@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
def test_a_path_with_nothing_behind_it_is_refused_at_once(
    patient: Host, build: Workshop, tmp_path: Path, ask: Callable[[Host, Path], object], place: str
) -> None:
    """A misspelt path gets no better by waiting; it took all of the time that a file has to be finished."""
    loaded(patient, build, tmp_path)
    (tmp_path / "dangling.so").symlink_to(tmp_path / "gone.so")
    with pytest.raises(Exception, match="No such file" if ask is ASKED["load_all"] else "it is not there") as caught:
        ask(patient, tmp_path / place)

    assert str(tmp_path / place) in str(caught.value)
    if "nowhere" in place and ask is not ASKED["load_all"]:
        assert f"nor is {tmp_path / 'nowhere'};" in str(caught.value)
    assert patient["counter"].generation == 1


def test_a_manifest_that_is_not_there_is_an_error_like_any_other(patient: Host, tmp_path: Path) -> None:
    """It names the path in full, which tells from where a relative one was looked for."""
    with pytest.raises(ImageError, match="could not read the manifest: No such file or directory") as caught:
        patient.load(tmp_path / "plugin.toml")
    assert caught.value.on == str(tmp_path / "plugin.toml")


@pytest.mark.parametrize("is_named", [False, True])
def test_a_known_path_is_waited_for_while_it_may_be_written_anew(
    patient: Host, build: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_named: bool
) -> None:
    """Linkers unlink first and write then: who reloads in between gets what they write."""
    path, is_waiting = loaded(patient, build, tmp_path), threading.Event()
    plain: Any = _core.settle

    def settle(source: str, deadline_s: float, still_s: float) -> None:
        is_waiting.set()
        plain(source, deadline_s, still_s)

    monkeypatch.setattr(settling, "ABSENT_S", FOR_EVER_S)
    monkeypatch.setattr(_core, "settle", settle)
    path.unlink()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(patient.reload, "counter", path if is_named else None)
        assert is_waiting.wait(60)
        shutil.copyfile(build(STATELESS), path)
        assert asked.result(60).outcome is Outcome.PUBLISHED


def test_a_known_path_that_stays_empty_is_refused_soon(
    patient: Host, build: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its file was taken away, and nobody writes another."""
    path = loaded(patient, build, tmp_path)
    path.unlink()
    monkeypatch.setattr(settling, "ABSENT_S", 0.01)
    with pytest.raises(ImageError, match="it is not there; generation 1 still serves"):
        patient.reload("counter")


def test_what_comes_within_the_grace_has_its_whole_time_to_be_finished(
    patient: Host, build: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The grace is for a file to appear; a linker writes longer than that."""
    path, image = loaded(patient, build, tmp_path), build(STATELESS).read_bytes()
    path.unlink()
    given: list[float] = []
    plain: Any = _core.settle

    def settle(source: str, deadline_s: float, still_s: float) -> None:
        given.append(deadline_s)
        if len(given) == 1:
            path.write_bytes(image[: len(image) // 2])
        if len(given) == 2:
            path.write_bytes(image)
        plain(source, deadline_s, still_s)

    monkeypatch.setattr(settling, "ABSENT_S", 0.01)
    monkeypatch.setattr(_core, "settle", settle)
    assert patient.reload("counter").outcome is Outcome.PUBLISHED
    assert given == [0.01, FOR_EVER_S]
