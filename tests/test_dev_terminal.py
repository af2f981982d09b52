"""`hotgraft dev` as a person meets it: in a terminal."""

from __future__ import annotations

import shutil
import signal
import statistics
from typing import TYPE_CHECKING

import pytest
from dev_picture import picture
from dev_process import COUNTER, copy_counter
from dev_terminal import Terminal, play

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.full
def test_every_save_is_answered_and_the_old_generation_serves_throughout(tmp_path: Path) -> None:
    """One good edit, one that does not compile, one that removes a function, one good again."""
    terminal = play(tmp_path)
    answers = terminal.answers_ms
    print("answers, ms after the save:", answers, "median", statistics.median(answers))
    assert len(answers) >= 4
    assert picture(terminal.transcript).startswith("<svg ")


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGINT,
        pytest.param(signal.SIGTERM, marks=pytest.mark.full),
        pytest.param(signal.SIGHUP, marks=pytest.mark.full),
    ],
)
def test_the_terminal_is_put_back_however_it_ends(tmp_path: Path, number: signal.Signals) -> None:
    """A shell without echo is what people remember of a tool."""
    with Terminal(copy_counter(tmp_path / "counter")) as terminal:
        terminal.read_until("serves")
        assert terminal.is_cbreak
        terminal.send(number)
        assert terminal.wait() == 128 + number
        assert terminal.is_as_before


@pytest.mark.full
def test_keys_reload_show_the_state_and_say_when_there_is_nothing_to_roll_back_to(tmp_path: Path) -> None:
    """On a plugin that can save: its values, by key, as they are now."""
    folder = tmp_path / "textstats"
    shutil.copytree(COUNTER.parent.parent / "textstats" / "v1", folder, ignore=shutil.ignore_patterns("build"))
    with Terminal(folder, """hotgraft dev --call "feed('a b a')" --call "count('a')\"""") as terminal:
        assert "feed('a b a') → done" in terminal.read_until(r"count\('a'\) → times = \[2\]")
        terminal.press("s")
        terminal.read_until(r"state: \d+ values, as they would be saved now")
        terminal.press("b")
        terminal.read_until("cannot roll back: there is no image before")
        terminal.press("r")
        shown = terminal.read_until(r"count\('a'\) → times = \[4\]")
        assert "generation 2" in shown
        assert "saved by the old build, restored by the new one" in shown
        terminal.press("q")
        assert terminal.wait() == 0
