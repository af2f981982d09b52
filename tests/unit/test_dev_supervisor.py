"""What looks after sessions of `hotgraft dev`, with small programs in a session's place."""

from __future__ import annotations

import json
import signal
import sys
from typing import TYPE_CHECKING

import pytest
from hotgraft.dev.pulse import Pulse
from hotgraft.dev.screen import Screen
from hotgraft.dev.sources import Sources
from hotgraft.dev.supervisor import supervise
from hotgraft.dev.wish import Wish

if TYPE_CHECKING:
    from pathlib import Path

# Dies once as it is told, after a source was saved so that the next begins; that one ends as it is told.
SESSION = """
import os, pathlib, sys
from hotgraft.dev.pulse import pulse_of_session
source, death, end = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
pulse = pulse_of_session()
pulse.begin()
if source.read_text() == "built":
    pulse.build(bytes([1] * 32))
    source.write_text("saved")
    exec(death)
pulse.end()
exec(end)
"""
CUT = """
with pulse.inside("load"), pulse.turn_to_write():
    os.write(1, b'{"event": "called')
    os._exit(3)
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with one source."""
    path = tmp_path / "plugin" / "a.c"
    path.parent.mkdir()
    path.write_text("built")
    return path


def run(source: Path, monkeypatch: pytest.MonkeyPatch, *, death: str, end: str = "") -> int:
    """Look after such sessions until one ends; return the exit code."""
    monkeypatch.setattr(sys, "orig_argv", [sys.executable, "-c", SESSION, str(source), death, end])
    wish = Wish(folder=source.parent, sources=Sources((source.parent,)), calls=(), delay_s=0.0)
    with Pulse.make() as pulse:
        try:
            supervise(wish, Screen(sys.stdout, is_json=True, has_colour=False, turn=pulse.turn_to_write), pulse)
        except SystemExit as ended:
            assert isinstance(ended.code, int)
            return ended.code
    return 0


@pytest.mark.parametrize(
    ("death", "how"),
    [
        ("os._exit(0)", "it called exit(0) while nothing of it was called"),
        ("with pulse.inside('f()'): os._exit(7)", "it called exit(7) in f()"),
        ("with pulse.inside('f()'): os.kill(os.getpid(), 8)", "it crashed with SIGFPE in f()"),
        ("with pulse.inside('f()'): os.kill(os.getpid(), 9)", "it was ended by SIGKILL in f()"),
        ("with pulse.inside('f()'): os.kill(os.getpid(), 40)", "it was ended by signal 40 in f()"),
    ],
)
def test_a_death_is_told_by_what_ended_it(
    source: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], death: str, how: str
) -> None:
    """exit(0) too is one that nobody asked for; and the next session ends for all."""
    assert run(source, monkeypatch, death=death) == 0
    said = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [one["event"] for one in said] == ["started", "died", "begins"]
    assert said[1]["how"] == how


def test_a_line_that_a_death_cut_is_ended_first(
    source: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """So that whoever reads events loses no other one."""
    run(source, monkeypatch, death=CUT)
    lines = capfd.readouterr().out.splitlines()
    assert lines[1] == '{"event": "called'
    assert json.loads(lines[2])["event"] == "died"


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("sys.exit(5)", 5),
        ("sys.exit(130)", 130),
        ("os.kill(os.getpid(), 11)", 128 + signal.SIGSEGV),
    ],
)
def test_the_code_is_that_of_the_session_that_ended(
    source: Path, monkeypatch: pytest.MonkeyPatch, end: str, code: int
) -> None:
    """As if there were no other process: by an error, ^C, a crash when the end was asked for."""
    assert run(source, monkeypatch, death="pass", end=end) == code


def test_what_does_not_even_begin_is_not_waited_for(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation that is broken: no save mends it."""
    monkeypatch.setattr("hotgraft.dev.supervisor.PULSE_VARIABLE", "NOT_READ")
    assert run(source, monkeypatch, death="pass") == 1
