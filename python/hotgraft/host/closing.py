"""Closing a host: callers turned away, consumers first, everything drained and on its way out of memory."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import suppress
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from hotgraft import _core
from hotgraft.core.errors import DrainTimeout, HostClosed, HotgraftError
from hotgraft.host.lending import take_back
from hotgraft.host.report import Outcome, SwapReport
from hotgraft.host.session import REST_S
from hotgraft.host.unloads import unloads_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from hotgraft.host.around import Around
    from hotgraft.host.loaded import Loaded
    from hotgraft.host.pin import Expiring
    from hotgraft.host.unloads import Unloads

__all__ = ["check_listed", "check_may_load", "close_all", "consumers_first", "refuse"]


def close_all(
    listed: Callable[[], Iterable[Loaded]],
    pins: Iterable[Expiring],
    until_s: float,
    *,
    begun: Callable[[Collection[str], float], None],
    gone: Callable[[Loaded], None],
    last: Callable[[Loaded, float], None],
) -> Unloads:
    """End pins and sessions, take every plugin out of service, `gone` for each, and wait for what is on its way out.

    `begun` waits for changes that may load a plugin, until `until_s`: it is given the names of those that are there.
    `last` is called with each and the seconds left, in its turn, once its callers are turned away.

    Raises:
        DrainTimeout: calls were inside at the deadline; what they hold serves on.
    """
    for pin in pins:
        pin.finish("closed", "the host is closed")
    begun({one.name for one in listed()}, until_s)
    plugins = list(listed())
    for loaded in plugins:
        loaded.sessions.close()
    for session in (one for loaded in plugins for one in loaded.sessions.list()):
        session.turn_away("closed", "the host is closed")
    failures: list[str] = []
    closed: list[Loaded] = []
    for loaded in consumers_first(plugins):
        found = _close_plugin(loaded, until_s, last)
        failures.extend(found)
        _end_sessions(loaded)  # those that are left where it serves on
        if not found:
            closed.append(loaded)
            gone(loaded)
    unloads = unloads_of(closed, max(until_s - time.monotonic(), 0.0))
    if failures:
        raise DrainTimeout("close it", on="the host", found=failures, running="what is named here serves on")
    return unloads


def check_listed(loaded: Loaded, around: Around) -> None:
    """Raise HostClosed where a plugin was closed while a change of it waited for its turn."""
    if all(one is not loaded for one in around.others()):
        raise HostClosed("change it", on=loaded.name, found="it was closed meanwhile", running="nothing of it serves")


def check_may_load(name: str, around: Around) -> None:
    """Raise HostClosed where the host was closed while a load waited for its turn: nobody would close the plugin."""
    if around.is_closed():
        raise HostClosed("load it", on=name, found="the host was closed meanwhile", running="nothing of it is loaded")


def consumers_first(plugins: Iterable[Loaded]) -> list[Loaded]:
    """Return the plugins so that each comes after all that call it; a cycle is cut anywhere."""
    waiting = dict(enumerate(list(plugins)[::-1]))  # in that order, where nobody calls
    places = {one.name: place for place, one in waiting.items()}
    calls = {place: {places[name] for name in one.providers if name in places} for place, one in waiting.items()}
    callers = Counter(provider for own in calls.values() for provider in own)
    free, ordered = [place for place in waiting if not callers[place]], list["Loaded"]()
    while waiting:
        place = heappop(free) if free else next(iter(waiting))
        ordered.append(waiting.pop(place))
        for provider in calls[place]:
            callers[provider] -= 1
            if not callers[provider] and provider in waiting:
                heappush(free, provider)
    return ordered


def _close_plugin(loaded: Loaded, until_s: float, last: Callable[[Loaded, float], None]) -> tuple[str, ...]:
    """Take a plugin out of service.

    Return why it could not be, empty when it was. On failure it serves on.
    """

    def work() -> SwapReport:
        slots = [slot for instance in loaded.instances.values() for slot in instance.slots.values()]
        slots += [one.slot for one in loaded.lent]
        serving = loaded.serving
        take_back(loaded)
        # Nobody is answered after the last snapshot: what a call did then would be lost.
        _core.empty_slots(serving.generation.label, slots, max(until_s - time.monotonic(), 0.0))
        _empty_sessions(loaded, max(until_s - time.monotonic(), 0.0))
        last(loaded, max(until_s - time.monotonic(), 0.0))
        _end_sessions(loaded)
        _core.close_plugin(serving.generation, slots, max(until_s - time.monotonic(), 0.0))
        loaded.replaced.add(serving.generation)
        if loaded.held is not None:
            _give_up_held(loaded)
        if loaded.previous is not None:
            loaded.previous.forget()
        for instance in loaded.instances.values():
            instance.pinnable = None
        return SwapReport(
            plugin=loaded.name,
            outcome=Outcome.PUBLISHED,
            generation=0,
            version=serving.side.version,
            candidate=0,
            image=loaded.source,
        )

    refuse(loaded, "closed", "the host is closed")
    try:
        left_s = max(until_s - time.monotonic(), 0.001)
        loaded.take_turn(work, left_s)
    except DrainTimeout as error:
        refuse(loaded, "none", "")
        return tuple(f"{loaded.name}: {reason}" for reason in error.found)
    except HotgraftError as error:
        refuse(loaded, "none", "")
        return (f"{loaded.name}: {error}",)
    return ()


def _empty_sessions(loaded: Loaded, left_s: float) -> None:
    slots = [slot for session in loaded.sessions.list() for slot in session.link.slots.values()]
    with suppress(DrainTimeout):  # who is inside ends with its generation, as when a session is ended
        _core.empty_slots(loaded.serving.generation.label, slots, min(REST_S, left_s))


def _end_sessions(loaded: Loaded) -> None:
    with loaded.sessions.turn("end its sessions"):  # also after those that the program is ending now
        for session in loaded.sessions.list():
            session.finish("closed", "the host is closed")


def _give_up_held(loaded: Loaded) -> None:
    """What was on probation is not committed by a host that ends: the next one begins with what was good."""
    held = loaded.release_held()
    held.record.give_up()
    _core.retire(held.generation)


def refuse(loaded: Loaded, kind: str, sentence: str) -> None:
    """Say to callers through handles why nothing answers; kind "none": they are to come in."""
    for instance in loaded.instances.values():
        if instance.handle is not None:
            _core.refuse_calls(instance.handle, kind, sentence)
