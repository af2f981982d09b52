"""Pins on several plugins that all see one side of every swap.

Each is taken by itself, then all are looked at: what each holds must still be what serves. A swap of a set notes its
plugins one after the other, but only once all of them are published, and what it replaced serves no more from then on.
So what is found to serve, all of it, after the last was taken, served at one time.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final, NoReturn

from hotgraft import _core
from hotgraft.core.errors import Busy
from hotgraft.core.lifecycle import Stage
from hotgraft.host.draining import rules_of, swap_deadline_s
from hotgraft.host.instances import pin_instance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hotgraft.host.host import Host
    from hotgraft.host.loaded import Instance, Loaded
    from hotgraft.host.pin import Pin
    from hotgraft.host.plugin import Plugin

__all__ = ["PinSet", "pin_set"]

LOOK_AGAIN_S: Final = 0.0002


class PinSet:
    """Pins that were taken as one and end as one. As a context manager it answers their handles, in order.

    Thread safety: any thread; ending twice is ending once.
    """

    __slots__ = ("__weakref__", "_lock", "deadline_s", "is_open", "pins", "who")

    def __init__(self, pins: tuple[Pin, ...], *, deadline_s: float, who: str) -> None:
        self.pins = pins
        self.deadline_s = deadline_s
        self.who = who
        self.is_open = True
        self._lock = threading.Lock()

    @property
    def plugins(self) -> tuple[Plugin, ...]:
        """The pinned handles, in the order in which they were asked for."""
        return tuple(pin.plugin for pin in self.pins)

    @property
    def generations(self) -> tuple[int, ...]:
        """The number of the generation that each holds; pins that follow a swap follow it together."""
        return tuple(pin.generation for pin in self.pins)

    def end(self) -> None:
        """Let all of it go; the next call through any of them raises `PinExpired`."""
        self.finish("pin_expired", "the pin was ended")

    def expire(self) -> None:
        """End all of it because the deadline passed."""
        self.finish("pin_expired", f"the pin's deadline of {self.deadline_s:g} s passed")

    def finish(self, kind: str, sentence: str) -> None:
        """End all of it; `kind` and `sentence` are what the next call says."""
        with self._lock:
            if not self.is_open or _core.is_forked_child():  # there the holds are the parent's
                return
            self.is_open = False
        for pin in self.pins:
            pin.finish(kind, sentence)

    def __enter__(self) -> tuple[Plugin, ...]:
        return self.plugins

    def __exit__(self, *_: object) -> None:
        self.end()

    def __del__(self) -> None:
        if getattr(self, "is_open", False):
            self.end()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a set of pins cannot be pickled: it holds generations in this process; pin again in the other one, "
            "through a Host made there"
        )


def pin_set(host: Host, found: Sequence[tuple[Loaded, Instance]], *, deadline_s: float, who: str) -> PinSet:
    """Hold what serves of each, all of it at one time.

    Raises:
        ValueError: pins on some of them follow a swap and pins on others stay. Busy: one swap of them followed
            another, or waits for pins. PluginUnavailable: the breaker of one is open. HostClosed. Nothing is held then.
    """
    _check_rules(found)
    limit_s = max(swap_deadline_s(loaded, host.options, None) for loaded, _ in found)
    until_s = time.monotonic() + limit_s
    while True:
        pins: list[Pin] = []
        try:
            pins.extend(
                pin_instance(host, loaded, instance, deadline_s=deadline_s, who=who or "a pin of several")
                for loaded, instance in found
            )
            if all(_serves(instance, pin) for (_, instance), pin in zip(found, pins, strict=True)):
                return PinSet(tuple(pins), deadline_s=deadline_s, who=who)
        except BaseException:
            _end(pins)
            raise
        _end(pins)
        if time.monotonic() >= until_s:
            names = ", ".join(loaded.name for loaded, _ in found)
            raise Busy(
                "pin them together",
                on=names,
                found=f"one or another was replaced again and again for {limit_s:g} s",
                advice="try again when fewer swaps of them go on",
                running="what serves serves on",
            )
        time.sleep(LOOK_AGAIN_S)


def _serves(instance: Instance, pin: Pin) -> bool:
    """Tell whether what a pin holds serves, and the host has noted no other.

    Both: a rollback of a set lets one plugin serve again a moment before it takes the next out of service.
    """
    noted, held = instance.pinnable, pin.held
    return noted is not None and noted.generation is held.generation and held.generation.stage == Stage.ACTIVE


def _end(pins: list[Pin]) -> None:
    for pin in pins:
        pin.end()


def _check_rules(found: Sequence[tuple[Loaded, Instance]]) -> None:
    """Refuse pins of which a swap of all of them would take some along and leave others, by the rules as they are now.

    Raises:
        ValueError: there are both.
    """
    plugins = {loaded.name: loaded for loaded, _ in found}
    for name, loaded in plugins.items():
        staying = sorted(other for other, one in plugins.items() if other != name and _may_stay(one))
        if _may_follow(loaded) and staying:
            raise ValueError(
                f"pins on {name} follow a swap, and pins on {', '.join(staying)} stay where they are: a swap of all "
                f'would leave them on two sides; let swaps of {name} wait for pins: pins = "wait" in its plugin.toml, '
                f'or host.set_drain("{name}", DrainRules(pins="wait"))'
            )


def _may_follow(loaded: Loaded) -> bool:
    return rules_of(loaded).moves_pins and loaded.serving.side.state.kind in ("single", "concurrent")


def _may_stay(loaded: Loaded) -> bool:
    """Tell whether a swap may go on beside its pins: there is no state, or it is not one that all calls share."""
    return loaded.serving.side.state.kind != "single"
