"""`hotgraft dev`: every save is answered, and no mistake an author makes ends it."""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from dev_process import COUNTER, DevProcess, copy_counter, set_step
from hotgraft.engine.new_plugin import new_plugin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the one session is that all tests save for: starting one costs a second."""
    return tmp_path_factory.mktemp("dev")


@pytest.fixture(scope="module")
def folder(place: Path) -> Path:
    """The counter's sources."""
    return copy_counter(place / "counter")


@pytest.fixture(scope="module")
def compiler(place: Path) -> Path:
    """A folder with nothing but a compiler in it, to be the whole PATH."""
    tools = place / "tools"
    tools.mkdir()
    write_tool(tools / "cc", f'PATH="{os.environ["PATH"]}" exec cc "$@"')
    return tools


def write_tool(path: Path, line: str) -> None:
    """Write a script that runs `line`."""
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@dataclass
class Session:
    """A session in which everything is right, and what is known of it."""

    dev: DevProcess
    folder: Path
    tools: Path
    value: int = 0  # the counter's, as the last call answered
    generation: int = 0
    step: int = 100
    is_right: bool = False  # what answers is the last save, and nothing is wrong

    def wait_for_call(self) -> int:
        """Wait for the next call; return by how much the counter went up."""
        called = self.dev.wait_for("called")
        before, self.value, self.generation = self.value, int(called["result"]), called["generation"]
        return self.value - before

    def save_and_see(self) -> None:
        """Put everything right, count in a step of its own, and wait until that is what answers."""
        self.step += 1
        write_tool(self.tools / "cc", f'PATH="{os.environ["PATH"]}" exec cc "$@"')
        for source in COUNTER.iterdir():
            if source.is_file() and source.name != "counter.c":
                shutil.copyfile(source, self.folder / source.name)
        set_step(self.folder, str(self.step))
        while self.wait_for_call() != self.step:
            pass
        self.dev.wait_for("answered")
        self.is_right = True


@pytest.fixture(scope="module")
def session(folder: Path, compiler: Path) -> Iterator[Session]:
    """A session whose first build serves."""
    environment = {"PATH": str(compiler), "CC": "", "HOTGRAFT_RELOAD_DELAY": "0.02"}
    with DevProcess(folder, "--call", "next()", environment=environment) as process:
        made = Session(process, folder, compiler)
        assert made.wait_for_call() == 1
        yield made


def test_a_save_is_built_swapped_in_and_called(session: Session) -> None:
    """And the state goes on; a save without a change is no save."""
    session.save_and_see()
    before, session.is_right = session.generation, False
    (session.folder / "counter.h").touch()
    set_step(session.folder, "10")
    assert session.dev.wait_for("changed")["files"] == ["counter.c"]
    swapped = session.dev.wait_for("swapped")
    assert swapped["report"]["generation"] == before + 1
    assert [step for step, _ in swapped["report"]["steps_us"]][:2] == ["settle", "stage"]
    assert swapped["state"] == "its state went on: the same memory changed hands"
    assert (session.wait_for_call(), session.generation) == (10, before + 1)
    assert session.dev.wait_for("answered")["after_ms"] > 0


def not_compiling(folder: Path, _tools: Path) -> None:
    set_step(folder, "10;")


def function_removed(folder: Path, _tools: Path) -> None:
    header, source = folder / "counter.h", folder / "counter.c"
    text = header.read_text()
    header.write_text(text.replace("    int64_t (*value)(void *self);\n", ""))
    source.write_text(
        source.read_text()
        .replace("counter_v1), next, value}", "counter_v1), next}")
        .replace("static int64_t value", "int64_t value")
    )


def source_removed(folder: Path, _tools: Path) -> None:
    (folder / "counter.c").unlink()


def header_removed(folder: Path, _tools: Path) -> None:
    (folder / "counter_state.h").unlink()


def manifest_broken(folder: Path, _tools: Path) -> None:
    (folder / "plugin.toml").write_text("[plugin\n")


def manifest_misspelt(folder: Path, _tools: Path) -> None:
    text = (folder / "plugin.toml").read_text()
    (folder / "plugin.toml").write_text(text.replace("version", "verison", 1))


def manifest_removed(folder: Path, _tools: Path) -> None:
    (folder / "plugin.toml").unlink()


def header_not_understood(folder: Path, _tools: Path) -> None:
    text = (folder / "counter.h").read_text()
    (folder / "counter.h").write_text(text.replace("int64_t (*value)", "long (*value)"))


def compiler_crashes(folder: Path, tools: Path) -> None:
    write_tool(tools / "cc", "kill -SEGV $$")
    set_step(folder, "20")


def compiler_missing(folder: Path, tools: Path) -> None:
    (tools / "cc").unlink()
    set_step(folder, "30")


def folder_emptied(folder: Path, _tools: Path) -> None:
    while folder.exists():  # a build that is under way may put a file into a folder that was just emptied
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(exist_ok=True)


MISTAKES: tuple[tuple[Callable[[Path, Path], None], str], ...] = (
    (not_compiling, "counter.c:14:16: error"),
    (function_removed, "lacks"),
    (source_removed, "no .c"),
    (header_removed, "counter_state.h"),
    (manifest_broken, "plugin.toml"),
    (manifest_misspelt, "verison"),
    (manifest_removed, "plugin.toml"),
    (header_not_understood, "counter.h:"),
    (compiler_crashes, "was ended by SIGSEGV"),
    (compiler_missing, "find a compiler"),
    (folder_emptied, "plugin.toml"),
)


# Once each way: the compiler refuses, the host refuses, nothing is left to build. The rest takes the first or the last.
QUICK = (not_compiling, function_removed, source_removed)


@pytest.mark.parametrize(
    ("mistake", "word"),
    [
        pytest.param(mistake, word, id=mistake.__name__, marks=() if mistake in QUICK else pytest.mark.full)
        for mistake, word in MISTAKES
    ],
)
def test_no_mistake_ends_the_session(session: Session, mistake: Callable[[Path, Path], None], word: str) -> None:
    """It is told with the reason, the old build goes on answering, and what mends it is built."""
    if not session.is_right:
        session.save_and_see()
    serving, session.is_right = session.generation, False
    mistake(session.folder, session.tools)
    while True:
        refused = session.dev.wait_for("refused")
        assert refused["running"] == f"generation {serving} still serves"
        assert (session.wait_for_call(), session.generation) == (session.step, serving)
        if word in refused["reason"] + refused["output"]:
            break
    session.save_and_see()
    assert session.generation > serving


def test_it_ends_with_nothing_left_behind(tmp_path: Path) -> None:
    """No staged copy, no half-written file, no word on stderr."""
    folder = copy_counter(tmp_path / "counter")
    (tmp_path / "tmp").mkdir()
    with DevProcess(folder, environment={"TMPDIR": str(tmp_path / "tmp")}) as dev:
        dev.wait_for("loaded")
        set_step(folder, "10")
        dev.wait_for("swapped")
        assert dev.stop() == (128 + 15, "")
    assert list((tmp_path / "tmp").iterdir()) == []
    assert sorted(path.name for path in (folder / "build").iterdir()) == [
        "counter.so", "counter_descriptor.h", "counter_interface.py", "counter_interface.pyi", "counter_wrapper.hpp",
    ]  # fmt: skip


@pytest.mark.full
def test_a_session_may_begin_with_a_mistake(tmp_path: Path) -> None:
    """The first build may be the broken one."""
    folder = copy_counter(tmp_path / "counter")
    set_step(folder, "10;")
    with DevProcess(folder, "--call", "next()") as dev:
        assert dev.wait_for("refused")["running"] == "nothing serves yet"
        set_step(folder, "10")
        dev.wait_for("loaded")
        assert dev.wait_for("called")["result"] == "10"


@pytest.mark.full
def test_warnings_are_shown_and_who_gives_no_call_is_told_of_one(tmp_path: Path) -> None:
    """As `hotgraft build` would: a warning is most often right."""
    folder = copy_counter(tmp_path / "counter")
    with DevProcess(folder) as dev:
        assert dev.wait_for("built")["warnings"] == ""
        assert dev.wait_for("loaded")["sample"] == "next()"
        set_step(folder, "10\nstatic int unused;")
        assert "counter.c:15:12: warning: " in dev.wait_for("built")["warnings"]
        dev.wait_for("swapped")


@pytest.mark.full
def test_a_project_that_only_its_cmake_can_build_is_developed_with_it(tmp_path: Path) -> None:
    """Sources in folders, a library of its own: the compiler alone says what to ask for instead."""
    new_plugin("gain", tmp_path)
    folder = tmp_path / "gain"
    (folder / "src").mkdir()
    source = (folder / "gain.c").rename(folder / "src" / "gain.c")
    project = folder / "CMakeLists.txt"
    project.write_text(project.read_text().replace("SOURCES gain.c", "SOURCES src/gain.c"))
    with DevProcess(folder) as dev:
        assert "--way cmake" in dev.wait_for("refused")["reason"]
    with DevProcess(folder, "--way", "cmake", "--call", "process([1, 2])") as dev:
        assert dev.wait_for("called")["result"] == "out = [2, 4]"
        source.write_text(source.read_text().replace("2.0f * in[i]", "3.0f * inn[i]"))
        refused = dev.wait_for("refused")
        assert "src/gain.c:18:25: error" in refused["output"]
        assert refused["running"] == "generation 1 still serves"
        source.write_text(source.read_text().replace("inn[i]", "in[i]"))
        assert dev.wait_for("swapped")["report"]["generation"] == 2
        assert dev.wait_for("called")["result"] == "out = [3, 6]"


@pytest.mark.full
def test_a_call_that_crashes_can_be_survived_and_is_not_forgotten(tmp_path: Path) -> None:
    """For an author who wants to try the next line: what ran after it no longer counts, and says so."""
    folder = copy_counter(tmp_path / "counter")
    set_step(folder, "(*(volatile int *)0)")
    with DevProcess(folder, "--call", "next()", "--catch-crashes") as dev:
        assert "PluginCrashed: counter: could not call next: SIGSEGV in" in dev.wait_for("call_failed")["error"]
        set_step(folder, "10")
        assert dev.wait_for("swapped")["report"]["tainted"].startswith("SIGSEGV in")
        assert dev.wait_for("called")["result"] == "10"
