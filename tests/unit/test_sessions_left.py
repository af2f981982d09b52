"""What is left of a session when it was carried, could not be, or ends with its host or its program."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

import pytest
from hotgraft import Host, HostClosed, HotgraftError, RollbackBlocked
from hotgraft.engine.swap import carry_out
from hotgraft.host import moving_sessions
from sample_plugins import SESSIONS, Workshop
from test_sessions import NEW, NEWER, generation_of


def test_what_a_session_was_or_was_to_be_is_destroyed(host: Host, build: Workshop) -> None:
    """Whether it followed or not, its plugin has as many sessions as there are."""
    plugin = host.load(build(SESSIONS))
    session = plugin.session()
    pin = session.pin()
    host.reload("sessions", build(NEW))
    session.plugin.add(13)
    for _ in range(3):
        with pytest.raises(HotgraftError, match="it counted to 13"):
            pin.end()
        pin = session.pin()
    assert generation_of(plugin).sessions == 0
    session.plugin.add(1)
    pin.end()
    assert (generation_of(plugin).sessions, session.plugin.add(0)) == (1, 14)


def test_rollbacks_leave_no_sessions_behind(build: Workshop) -> None:
    """Neither those of one that was blocked, nor those that were there before the swap."""
    with Host(probe="off", probation="on") as host:
        plugin = host.load(build(SESSIONS))
        sessions = [plugin.session() for _ in range(3)]
        first = generation_of(plugin)
        host.reload("sessions", build(NEW))
        assert (first.sessions, generation_of(plugin).sessions) == (0, 3)
        sessions[2].plugin.add(13)
        with pytest.raises(RollbackBlocked, match="it counted to 13"):
            host.rollback("sessions")
        assert first.sessions == 0
        sessions[2].plugin.add(1)
        host.rollback("sessions")
        assert (first.sessions, generation_of(plugin)) == (3, first)
        assert [one.plugin.add(0) for one in sessions] == [0, 0, 14]


def test_one_that_was_carried_is_there_also_where_its_report_finds_no_memory(
    host: Host, build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the next swap would leave it behind, and its calls would go to what is unloaded."""
    plugin = host.load(build(SESSIONS))
    session = plugin.session()
    with session.pin():
        session.plugin.add(5)
        host.reload("sessions", build(NEW))
        monkeypatch.setattr(moving_sessions, "carry_out", without_report)
    monkeypatch.undo()
    assert (session.generation, session.plugin.build()) == (2, 2)
    host.reload("sessions", build(NEWER))
    assert (session.plugin.add(0), session.plugin.build()) == (5, 3)
    assert host.unloads(deadline_s=10).proven == 2


def without_report(*arguments: Any, **named: Any) -> None:
    """Run the window of one plugin, and find no memory after that."""
    carry_out(*arguments, **named)
    raise MemoryError


@pytest.mark.parametrize("how", ["session", "pin"])
def test_a_program_that_ends_with_a_session_ends(build: Workshop, how: str) -> None:
    """Nobody closed the host: what is forgotten when the interpreter is gone has no thread to end it."""
    lines = [
        "import sys, hotgraft",
        "host = hotgraft.Host(probe='off')",
        "session = host.load(sys.argv[1]).session()",
        *(["pin = session.pin()"] if how == "pin" else []),
        "print('at its end')",
    ]
    command = [sys.executable, "-c", "\n".join(lines), str(build(SESSIONS))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "at its end\n"), done.stderr


def test_one_that_is_opened_while_the_host_closes_ends_with_it(
    build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its calls would go to what is unloaded."""
    host = Host()
    plugin = host.load(build(SESSIONS))
    is_made, made = threading.Event(), moving_sessions._make

    def make(*arguments: Any) -> Any:
        answer = made(*arguments)
        is_made.set()
        closer.join(timeout=0.3)  # longer than a close takes that does not wait for this
        return answer

    monkeypatch.setattr(moving_sessions, "_make", make)
    closer = threading.Thread(target=lambda: is_made.wait() and host.close())
    closer.start()
    session = plugin.session()
    closer.join()
    assert not session.is_open
    with pytest.raises(HostClosed):
        session.plugin.add(1)
