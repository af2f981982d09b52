"""The words that a session of `hotgraft dev` shares with who looks after it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hotgraft.dev import PULSE_VARIABLE
from hotgraft.dev.pulse import Pulse, Stage, pulse_of_session

if TYPE_CHECKING:
    from collections.abc import Iterator

# A session in which the plugin ends the process within a call, while a line is written.
DIES = """
import os
from hotgraft.dev.pulse import pulse_of_session
pulse = pulse_of_session()
pulse.begin()
pulse.build(bytes(range(32)))
pulse._turn(1).__enter__()
with pulse.inside("call f('ü')"), pulse.turn_to_write():
    os._exit(3)
"""


@pytest.fixture
def pulse() -> Iterator[Pulse]:
    """One of this process."""
    with Pulse.make() as made:
        yield made


def run_session(pulse: Pulse, program: str) -> int:
    """Run a program as a session; return how it ended."""
    environment = {**os.environ, PULSE_VARIABLE: str(pulse.fd)}
    return subprocess.run(
        [sys.executable, "-c", program], env=environment, pass_fds=(pulse.fd,), check=False
    ).returncode


def test_what_a_session_was_inside_is_known_when_it_is_gone(pulse: Pulse) -> None:
    """It could not say so itself; and no turn that it had is left taken."""
    assert run_session(pulse, DIES) == 3
    inside = pulse.look()
    assert inside is not None
    assert inside.what == "call f('ü')"
    assert inside.lasts_s > 0
    assert (pulse.stage, pulse.sources, pulse.is_cut) == (Stage.SERVES, bytes(range(32)), True)
    with pulse.turn_to_write(), pulse.turn_to_read():  # would wait for ever
        pass
    pulse.reset()
    assert (pulse.look(), pulse.stage, pulse.sources, pulse.is_cut) == (None, Stage.STARTS, None, False)


def test_code_that_comes_back_is_left_by_a_return_and_by_an_exception(pulse: Pulse) -> None:
    """Else a plugin that merely fails would be taken for one that hangs."""
    with pytest.raises(ValueError, match="no"), pulse.inside("load"):
        assert pulse.look() is not None
        raise ValueError("no")
    assert pulse.look() is None


def test_a_text_of_any_length_fits(pulse: Pulse) -> None:
    """A call may be given a long list; it is cut, within a letter too."""
    with pulse.inside("call f(" + "ü" * 1000):
        inside = pulse.look()
    assert inside is not None
    assert inside.what.startswith("call f(üü")
    with pulse.inside("load"):
        inside = pulse.look()
    assert inside is not None
    assert inside.what == "load"


def test_the_end_is_told_from_a_death(pulse: Pulse) -> None:
    """exit(0) by a plugin is none, and neither is a session that never began."""
    stages = [pulse.stage]
    pulse.end()
    stages.append(pulse.stage)
    inside = pulse.look()
    assert stages == [Stage.STARTS, Stage.ENDS]
    assert inside is not None
    assert inside.what == "close"


def test_the_turn_is_one_process_s(pulse: Pulse) -> None:
    """Two processes write to one stdout: no line is cut by another."""
    program = """
import sys
from hotgraft.dev.pulse import pulse_of_session
pulse = pulse_of_session()
for number in range(300):
    with pulse.turn_to_write():
        for _ in range(50):
            sys.stdout.write(sys.argv[1] * 100)
            sys.stdout.flush()
        sys.stdout.write(chr(10))
        sys.stdout.flush()
"""
    read, write = os.pipe()
    environment = {**os.environ, PULSE_VARIABLE: str(pulse.fd)}
    children = [
        subprocess.Popen([sys.executable, "-c", program, letter], env=environment, pass_fds=(pulse.fd,), stdout=write)
        for letter in "ab"
    ]
    os.close(write)
    with os.fdopen(read) as lines:
        kinds = {line for line in lines}  # noqa: C416 - a set of lines, not of letters
    assert [child.wait() for child in children] == [0, 0]
    assert kinds == {"a" * 5000 + "\n", "b" * 5000 + "\n"}


def test_what_a_session_starts_is_no_session(pulse: Pulse, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin or a build may run `hotgraft` too."""
    fd = os.dup(pulse.fd)
    os.set_inheritable(fd, True)
    monkeypatch.setenv(PULSE_VARIABLE, str(fd))
    found = pulse_of_session()
    assert found is not None
    assert not os.get_inheritable(fd)
    assert pulse_of_session() is None
    found.close()


def test_a_session_of_another_s_process_does_not_begin(pulse: Pulse) -> None:
    """Who started it died before it could ask to end with it."""
    pulse._words[0] = 1
    assert run_session(pulse, "from hotgraft.dev.pulse import pulse_of_session; pulse_of_session().begin()") == 128 + 1
