"""Events: who asked is told what a host did, and cannot break it."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hotgraft import ContractError, Host, HostEvent, PluginError
from hotgraft.host.events import HostEvents
from sample_plugins import COUNTER, HANDS_OVER, Workshop

if TYPE_CHECKING:
    from collections.abc import Callable


def names(seen: list[HostEvent]) -> list[str]:
    """Return the names of events in the order they came."""
    return [event.name for event in seen]


def test_a_swap_tells_how_it_ended(unprobed: Host, build: Workshop) -> None:
    """Each outcome has a name, and the report comes with it."""
    seen: list[HostEvent] = []
    host = unprobed
    host.on("*", seen.append)
    host.load(build(HANDS_OVER))
    host.reload("counter")
    with pytest.raises(ContractError):
        host.reload("counter", build(replace(HANDS_OVER, functions=COUNTER[:-1])))
    with pytest.raises(PluginError):
        host.reload("counter", config={"fail": "create"})
    with pytest.raises(PluginError):
        host.reload("counter", config={"fail": "start"})

    assert names(seen) == [
        "plugin.loaded",
        "swap.published",
        "swap.refused",
        "swap.failed",
        "swap.called_off",
    ]
    assert [event.facts["report"].generation for event in seen] == [1, 2, 2, 2, 2]
    assert isinstance(seen[2].facts["error"], ContractError)


def test_a_pattern_chooses_what_to_be_told(host: Host, build: Workshop) -> None:
    """`swap.*` is what most programs want."""
    seen: list[HostEvent] = []
    host.on("swap.*", seen.append)
    host.load(build(HANDS_OVER))
    host.reload("counter")

    assert names(seen) == ["swap.published"]


def test_a_handler_that_raises_is_logged_and_breaks_nothing(
    host: Host, build: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody's dashboard must not be able to stop a swap."""
    seen: list[HostEvent] = []

    def broken(event: HostEvent) -> None:
        raise RuntimeError("dashboard down")

    host.on("*", broken)
    host.on("*", seen.append)
    with caplog.at_level(logging.ERROR, logger="hotgraft.events"):
        host.load(build(HANDS_OVER))

    assert names(seen) == ["plugin.loaded"]
    assert "dashboard down" in caplog.text


def test_a_handler_may_reload(host: Host, build: Workshop) -> None:
    """Handlers run when the turn is over, so they may take one."""
    image = build(replace(HANDS_OVER, build=2))

    def follow(event: HostEvent) -> None:
        if event.facts["report"].generation == 1:
            host.reload("counter", image)

    host.on("plugin.loaded", follow)
    assert host.load(build(HANDS_OVER)).build() == 2


def test_a_subscription_ends() -> None:
    """With off(), with the end of a with block, and twice is once."""
    events = HostEvents()
    seen: list[HostEvent] = []
    event = HostEvent(name="swap.published", plugin="gain")
    with events.on("*", seen.append) as subscription:
        events.emit(event)
    events.emit(event)
    subscription.off()

    assert seen == [event]


def test_a_handler_may_end_its_own_subscription() -> None:
    """Told once, and never again."""
    events = HostEvents()
    seen: list[str] = []
    ends: list[Callable[[], None]] = []

    def once(event: HostEvent) -> None:
        seen.append(event.name)
        ends[0]()

    ends.append(events.on("*", once).off)
    events.emit(HostEvent(name="one", plugin=""))
    events.emit(HostEvent(name="two", plugin=""))

    assert seen == ["one"]


def test_what_cannot_be_called_is_no_handler() -> None:
    """Found when it is subscribed, not at three in the morning."""
    with pytest.raises(TypeError):
        HostEvents().on("*", "not callable")  # type: ignore[arg-type] # wrong on purpose
