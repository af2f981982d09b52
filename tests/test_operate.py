"""`hotgraft status`, `plan`, `reload` and `rollback`, from another process than the `hotgraft run` they ask."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from sample_plugins import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sample_plugins import Workshop

COMMAND = (sys.executable, "-m", "hotgraft.cli.main")


class Scene:
    """A folder with a plugin, and the environment that its host and those who ask share."""

    def __init__(self, folder: Path, build: Workshop) -> None:
        self.folder = folder
        self._build = build
        (folder / "runtime").mkdir(mode=0o700)
        self.environment = {**os.environ, "XDG_RUNTIME_DIR": str(folder / "runtime")}
        self.put(Sample())
        (folder / "hotgraft.toml").write_text('[plugins.counter]\nimage = "counter.so"\n')

    def put(self, image: Sample) -> None:
        """Let this be what lies where the plugin is loaded from."""
        fresh = self.folder / "fresh.so"
        shutil.copyfile(self._build(image), fresh)
        fresh.replace(self.folder / "counter.so")

    @contextlib.contextmanager
    def running(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Serve until the end."""
        with subprocess.Popen(
            [*COMMAND, "run", "--json", *arguments],
            cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            assert process.stdout is not None
            assert json.loads(process.stdout.readline())["event"] == "plugin.loaded"
            try:
                wait_for_socket(self.folder / "runtime" / "hotgraft" / f"{process.pid}.sock", process, arguments)
                yield process
            finally:
                process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0, process.stderr and process.stderr.read()

    def ask(self, *words: str) -> tuple[int, dict[str, Any], str]:
        """Return a command's exit code, the last JSON it said, and its words on stderr."""
        done = subprocess.run(
            [*COMMAND, *words, "--json"],
            cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        return done.returncode, json.loads((done.stdout.splitlines() or ["{}"])[-1]), done.stderr


def wait_for_socket(path: Path, process: subprocess.Popen[str], arguments: tuple[str, ...]) -> None:
    """It is made when everything is loaded; the test's own timeout ends a wait for one that never comes."""
    while "--socket" not in arguments and not path.exists():
        assert process.poll() is None


@pytest.fixture
def scene(tmp_path: Path, build: Workshop) -> Scene:
    """One plugin, `counter` 1.0.0."""
    return Scene(tmp_path, build)


def test_a_host_is_asked_and_told_from_another_process(scene: Scene) -> None:
    """Status, plan, reload by version, reload by digest out of the journal, rollback; each on record with its asker."""
    with scene.running() as process:
        code, status, _ = scene.ask("status")
        (told,) = status["hosts"]
        (plugin,) = told["plugins"]
        assert (code, told["pid"], plugin["plugin"], plugin["generation"]) == (0, process.pid, "counter", 1)
        first = plugin["sha256"]

        scene.put(Sample(version="1.1.0", build=2))
        code, plan, _ = scene.ask("plan", "counter")
        assert (code, plan["plan"]["candidate_version"], plan["plan"]["refusals"]) == (0, "1.1.0", [])
        assert scene.ask("reload", "counter", "--version", "1.2.0")[0] == 3
        code, done, _ = scene.ask("reload", "counter", "--version", "1.1.0", "--reason", "release")
        assert (code, done["report"]["outcome"], done["report"]["version"]) == (0, "published", "1.1.0")

        code, _, words = scene.ask("reload", "counter", "--digest", first)
        assert code == 3, "a lower version is let in only when it is asked for"
        assert "lower" in words or "downgrade" in words
        code, done, _ = scene.ask("reload", "counter", "--digest", first[:12], "--allow-downgrade")
        assert (code, done["report"]["sha256"]) == (0, first)
        code, done, _ = scene.ask("rollback", "counter")
        assert (code, done["report"]["version"]) == (0, "1.1.0")
        (plugin,) = scene.ask("status", "--host", str(process.pid))[1]["hosts"][0]["plugins"]
        assert (plugin["version"], plugin["source"]) == ("1.1.0", str(scene.folder / "counter.so"))
    history = scene.ask("history")[1]["attempts"]
    asked = [(one["asked_by"], one["reason"], one["pid"]) for one in history]
    assert ("reload", "release") in [one[:2] for one in asked]
    assert {pid for by, _, pid in asked if by == "load"} == {process.pid}
    assert process.pid not in {pid for by, _, pid in asked if by != "load"}, "on record is who asked, not who did it"


@pytest.mark.full
def test_a_path_is_taken_only_where_the_host_allows_it(scene: Scene, build: Workshop) -> None:
    """Whoever may write to the socket could else load any code."""
    image = str(build(Sample(version="1.1.0", build=2)))
    with scene.running():
        code, _, words = scene.ask("reload", "counter", "--path", image)
        assert code == 3
        assert "this host takes no path from its socket" in words
    with scene.running("--allow-paths"):
        code, done, _ = scene.ask("reload", "counter", "--path", image)
        assert (code, done["report"]["version"]) == (0, "1.1.0")


@pytest.mark.full
def test_a_refused_reload_ends_with_its_reasons(scene: Scene) -> None:
    """And what served serves on; of several plugins one that is not there refuses all."""
    with scene.running():
        scene.put(Sample(interface_version=(2, 0)))
        code, told, words = scene.ask("plan", "counter")
        assert (code, len(told["plan"]["refusals"]) > 0, words) == (3, True, "")
        assert told["set"]["refusals"] == told["plan"]["refusals"]
        code, told, _ = scene.ask("plan", "counter", "nosuch")
        assert (code, told["error"]["kind"]) == (5, "UnknownPlugin")
        code, told, words = scene.ask("reload", "counter")
        assert (code, told["error"]["kind"]) == (3, "ContractError")
        assert "generation 1 still serves" in words
        assert scene.ask("reload", "nosuch")[0] == 5
        assert scene.ask("rollback", "counter")[0] == 3


def test_nobody_answers(scene: Scene) -> None:
    """8, and where was looked; a host that was told to have no socket is not found either."""
    code, _, words = scene.ask("status")
    assert (code, "no socket of a host is there" in words) == (8, True)
    with scene.running("--socket", "off"):
        assert scene.ask("reload", "counter")[0] == 8


@pytest.mark.full
def test_a_socket_that_cannot_be_had_is_told_and_the_plugins_serve(scene: Scene) -> None:
    """The usual one is a convenience; one that was asked for by name must be there."""
    (scene.folder / "runtime" / "hotgraft").symlink_to(scene.folder)
    with subprocess.Popen(
        [*COMMAND, "run", "--json"], cwd=scene.folder, env=scene.environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        told = [json.loads(process.stdout.readline()) for _ in range(2)]
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert [one["event"] for one in told] == ["plugin.loaded", "socket.refused"]
    assert "is no folder, or a link to one" in told[1]["error"]
    code, _, words = scene.ask("run", "--socket", str(scene.folder / "hotgraft.toml"))
    assert code == 3
    assert "there is a file there" in words or "others may enter it" in words
