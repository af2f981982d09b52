"""`hotgraft dev` as a person meets it: in a terminal."""

from __future__ import annotations

import signal
import statistics
from typing import TYPE_CHECKING

import pytest
from dev_picture import picture
from dev_process import copy_counter
from dev_terminal import Terminal, play

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.full
def test_every_save_is_answered_and_the_old_generation_serves_throughout(tmp_path: Path) -> None:
    """One good edit, one that does not compile, one that removes a function, one good again."""
    terminal = play(tmp_path / "counter")
    answers = terminal.answers_ms
    print("answers, ms after the save:", answers, "median", statistics.median(answers))
    assert len(answers) >= 4
    assert picture(terminal.transcript).startswith("<svg ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_terminal_is_put_back_however_it_ends(tmp_path: Path, number: signal.Signals) -> None:
    """A shell without echo is what people remember of a tool."""
    with Terminal(copy_counter(tmp_path / "counter")) as terminal:
        terminal.read_until("serves")
        assert terminal.is_cbreak
        terminal.send(number)
        assert terminal.wait() == 128 + number
        assert terminal.is_as_before
