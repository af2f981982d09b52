"""A pinned session of a consumer whose provider's interface goes: it is waited for, and may end meanwhile."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import DrainTimeout, Host, Outcome
from hotgraft.host import moving_sessions
from pair_scene import codec
from sample_plugins import SESSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from sample_plugins import Workshop

DEADLINE_S = 30.0


def images(build: Workshop, number: int) -> Mapping[str, Path]:
    """Return the builds of a codec and of what needs it, with state of sessions."""
    needs = replace(SESSIONS, build=number, requires=(("codec", f"^{number}"),))
    return {"codec": build(codec(number, number)), "sessions": build(needs)}


def test_a_session_whose_pin_ends_meanwhile_comes_along(
    unprobed: Host, build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To end a pin takes the sessions' turn: the swap does not keep it while it waits for that very pin."""
    for one in images(build, 1).values():
        unprobed.load(one)
    counter: Any = unprobed["sessions"]
    session = counter.session(who="alice")
    pin, waits = session.pin(), threading.Event()
    session.plugin.add(5)

    def look_again(seconds: float) -> None:
        waits.set()
        time.sleep(seconds)

    monkeypatch.setattr(moving_sessions, "time", SimpleNamespace(monotonic=time.monotonic, sleep=look_again))

    def end() -> None:
        assert waits.wait(DEADLINE_S)
        pin.end()

    thread = threading.Thread(target=end)
    thread.start()
    report = unprobed.reload_set(images(build, 2), deadline_s=DEADLINE_S)
    thread.join(DEADLINE_S)

    assert report.outcome is Outcome.PUBLISHED
    assert (session.plugin.build(), session.plugin.add(0)) == (2, 5)


@pytest.mark.control
def test_control_who_ends_its_pin_waits_for_who_waits_for_that(
    unprobed: Host, build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is why the turn is not kept."""
    for one in images(build, 1).values():
        unprobed.load(one)
    counter: Any = unprobed["sessions"]
    session = counter.session(who="alice")
    pin, ended = session.pin(), threading.Thread(target=lambda: pin.end())

    @contextlib.contextmanager
    def keep_turn(loaded: Any, *_: object) -> Iterator[None]:
        with loaded.sessions.turn("carry sessions over"):
            ended.start()
            yield

    monkeypatch.setattr(moving_sessions, "_turn_at_rest", keep_turn)
    with pytest.raises(DrainTimeout, match="alice"):
        unprobed.reload_set(images(build, 2), deadline_s=0.2)
    ended.join(DEADLINE_S)


def test_a_session_that_stays_pinned_is_named(unprobed: Host, build: Workshop) -> None:
    """All serve on, and its pin can be ended then."""
    for one in images(build, 1).values():
        unprobed.load(one)
    counter: Any = unprobed["sessions"]
    session = counter.session(who="alice")
    with session.pin(who="a long talk"):
        with pytest.raises(DrainTimeout, match="a long talk") as caught:
            unprobed.reload_set(images(build, 2), deadline_s=0.05)
        assert "generation 1 still serves" in caught.value.running
    assert unprobed.reload_set(images(build, 2)).outcome is Outcome.PUBLISHED
    assert session.plugin.build() == 2
