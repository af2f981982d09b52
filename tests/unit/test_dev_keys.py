"""Keys that are pressed while one process takes over from another."""

from __future__ import annotations

import contextlib
import os
import select
import termios
import tty
from typing import TYPE_CHECKING

import pytest
from hotgraft.dev.keys import Keys, kept_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

DEADLINE_S = 60.0


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """A person's side, and the programs' side."""
    person, program = os.openpty()
    yield person, program
    for fd in (person, program):
        with contextlib.suppress(OSError):
            os.close(fd)


def press(person: int, program: int, keys: bytes) -> None:
    """Press keys, and wait until they are there: the kernel hands them over later."""
    os.write(person, keys)
    assert select.select([program], [], [], DEADLINE_S)[0]


def test_keys_that_wait_go_on_waiting(terminal: tuple[int, int]) -> None:
    """After a crash the terminal is set again; what was pressed until then is an answer to it."""
    person, program = terminal
    with kept_terminal(program) as take:
        press(person, program, b"q")
        take()
        assert Keys(program, contextlib.nullcontext).read() == "q"


def test_a_key_pressed_while_a_plugin_had_the_terminal_is_read(terminal: tuple[int, int]) -> None:
    """A plugin may put the terminal into any mode before it crashes; no line end is needed then."""
    person, program = terminal
    before = termios.tcgetattr(program)
    with kept_terminal(program) as take:
        termios.tcsetattr(program, termios.TCSANOW, before)
        os.write(person, b"q")
        take()
        assert select.select([program], [], [], DEADLINE_S)[0]
        assert Keys(program, contextlib.nullcontext).read() == "q"


def test_what_a_plugin_set_is_undone(terminal: tuple[int, int]) -> None:
    """In raw mode ^C would be a key like another, and lines would not begin on the left."""
    _, program = terminal
    with kept_terminal(program) as take:
        at_once = termios.tcgetattr(program)
        tty.setraw(program)
        assert termios.tcgetattr(program) != at_once
        take()
        assert termios.tcgetattr(program) == at_once


def test_one_key_is_read_and_the_next_is_left(terminal: tuple[int, int]) -> None:
    """What follows a key that ends the session is for whoever comes next."""
    person, program = terminal
    with kept_terminal(program):
        press(person, program, b"rq")
        assert [Keys(program, contextlib.nullcontext).read() for _ in range(3)] == ["r", "q", ""]


def test_the_terminal_is_put_back(terminal: tuple[int, int]) -> None:
    """Also when it is left by an exception; keys that nobody read are the shell's."""
    _, program = terminal
    before = termios.tcgetattr(program)
    with pytest.raises(SystemExit), kept_terminal(program):
        assert not termios.tcgetattr(program)[3] & (termios.ICANON | termios.ECHO)
        raise SystemExit(0)
    assert termios.tcgetattr(program) == before


def test_a_terminal_that_went_is_read_no_more(terminal: tuple[int, int]) -> None:
    """It is ready to be read for ever then."""
    person, program = terminal
    with kept_terminal(program):
        keys = Keys(program, contextlib.nullcontext)
        os.close(person)
        assert keys.read() == ""
        assert keys.fd is None
