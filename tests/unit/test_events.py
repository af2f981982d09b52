"""Events: who asked is told what a host did, and cannot break it."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hotgraft import ContractError, Host, HostEvent, Outcome, PluginError
from hotgraft.host import events as events_module
from hotgraft.host.events import EVENTS, HostEvents
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
    events.emit(HostEvent(name="swap.published", plugin=""))
    events.emit(HostEvent(name="swap.refused", plugin=""))

    assert seen == ["swap.published"]


def test_what_cannot_be_called_is_no_handler() -> None:
    """Found when it is subscribed, not at three in the morning."""
    with pytest.raises(TypeError):
        HostEvents().on("*", "not callable")  # type: ignore[arg-type] # wrong on purpose


@pytest.mark.parametrize(
    ("pattern", "near"),
    [
        ("swap.publised", "swap.published"),
        ("swap_published", "swap.published"),
        ("Swap.*", "swap.*"),
        ("swaps.*", "swap.*"),
        ("plugin.laod*", "plugin.loaded"),
        ("zzz", ""),
        ("", ""),
    ],
)
def test_a_pattern_that_no_event_can_match_is_refused_at_once(host: Host, pattern: str, near: str) -> None:
    """A misspelt name would be silence for ever, which looks like a host where nothing goes wrong."""
    with pytest.raises(ValueError, match="matches no event of a host") as caught:
        host.on(pattern, print)

    text = str(caught.value)
    assert repr(pattern) in text
    assert all(name in text for name in EVENTS)
    assert (f"did you mean {near!r}?" in text) if near else ("did you mean" not in text)


def test_every_event_and_every_way_to_write_some_of_them_is_taken() -> None:
    """The refusal must never meet who is right."""
    events = HostEvents()
    for pattern in (*EVENTS, *{f"{name.partition('.')[0]}.*" for name in EVENTS}, "*", "*.closed", "s*", "swap.[fr]*"):
        events.on(pattern, print)


def test_a_pattern_that_is_no_text_is_refused() -> None:
    """It would only be found when something happens, as a broken swap's last words."""
    with pytest.raises(TypeError, match="text"):
        HostEvents().on(7, print)  # type: ignore[arg-type] # wrong on purpose


def test_the_list_of_events_is_what_hosts_tell() -> None:
    """An event that is not listed could not be subscribed to, and one that is never told would be waited for."""
    kinds = "|".join(sorted({name.partition(".")[0] for name in EVENTS}))
    folder = Path(events_module.__file__).parent
    source = "".join(path.read_text() for path in folder.glob("*.py") if path.name != "events.py")
    told = set(re.findall(rf'"((?:{kinds})\.[a-z_]+)"', source))
    told |= {f"swap.{one.replace(' ', '_')}" for one in Outcome}

    assert told == set(EVENTS)
    tellers = re.findall(r'\b_?tell(?:_later)?\(\s*"([^"]+)"', source)
    assert set(tellers) <= set(EVENTS)


def test_the_guide_names_every_event() -> None:
    """It is where one looks them up."""
    guide = (Path(__file__).parents[2] / "docs" / "calling-from-python.md").read_text()
    assert [name for name in EVENTS if f"`{name}`" not in guide] == []
