"""Pins: a counted hold on one generation for a session, with a deadline.

A pin is not a guard: it is independent of thread, order and coroutine. It is another instance of the
handle's type with slots of its own, which hold a table of the pinned generation until the pin ends; each
call through it makes its own guard. After the deadline the next call raises `PinExpired`; a call in
progress is never cut.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
import weakref
from typing import TYPE_CHECKING, Final, NoReturn, Protocol

from hotgraft import _core

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotgraft.host.link import PinLink
    from hotgraft.host.loaded import Pinnable
    from hotgraft.host.plugin import Plugin

__all__ = ["Expiring", "OpenPins", "Pin", "PinClock"]

# How long the clock's thread may outlive the last pin: nobody tells it that one was ended.
LOOK_EVERY_S: Final = 0.2


class Pin:
    """One hold. As a context manager it answers the pinned handle and ends when left; `end()` does the same.

    Thread safety: any thread; ending twice is ending once.
    """

    __slots__ = (
        "__weakref__",
        "_hold",
        "_is_moving",
        "_link",
        "_lock",
        "deadline_s",
        "is_open",
        "plugin",
        "who",
    )

    def __init__(self, plugin: Plugin, link: PinLink, *, hold: _core.HeldPin, deadline_s: float, who: str) -> None:
        self.plugin = plugin
        self.deadline_s = deadline_s
        self.who = who
        self.is_open = True
        self._link = link
        self._hold = hold
        self._is_moving = False
        self._lock = threading.Lock()

    @property
    def generation(self) -> int:
        """The number of the pinned generation."""
        return self._link.generation()

    @property
    def held(self) -> Pinnable:
        """What it holds: since it was taken, or since it followed a swap."""
        return self._link.held

    def end(self) -> None:
        """Let the generation go; the next call through the pin raises `PinExpired`."""
        self.finish("pin_expired", "the pin was ended")

    def expire(self) -> None:
        """End it because its deadline passed."""
        self.finish("pin_expired", f"the pin's deadline of {self.deadline_s:g} s passed")

    def finish(self, kind: str, sentence: str) -> None:
        """End it; `kind` and `sentence` are what its next call says."""
        with self._lock:
            # In a forked child the hold is the parent's, and calls through the pin go on.
            if not self.is_open or _core.is_forked_child():
                return
            self.is_open = False
            is_moving = self._is_moving
        _core.refuse_calls(self.plugin, kind, sentence)
        if not is_moving:  # else its slots are a swap's, which lets go when it is over
            self._let_go()

    def begin_move(self, generation: _core.Generation) -> PinLink | None:
        """Its slots are a swap's until `end_move`; None: it is not open, or holds another generation."""
        with self._lock:
            if not self.is_open or self._is_moving or self._link.held.generation is not generation:
                return None
            self._is_moving = True
            return self._link

    def end_move(self, hold: _core.HeldPin | None) -> None:
        """The swap is over, and `hold` is of what follows; None: it stays where it is."""
        with self._lock:
            self._is_moving = False
            before, self._hold = self._hold, hold or self._hold
            is_open = self.is_open
        if hold is not None:
            before.let_go()
        if not is_open:
            self._let_go()

    def _let_go(self) -> None:
        for slot in self._link.slots.values():
            slot.publish(None)
        self._hold.let_go()

    def __enter__(self) -> Plugin:
        return self.plugin

    def __exit__(self, *_: object) -> None:
        self.end()

    def __del__(self) -> None:
        if getattr(self, "is_open", False):
            self.end()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a pin cannot be pickled: it holds a generation in this process; pin again in the other one, "
            "through a Host made there"
        )


class Expiring(Protocol):
    """What ends at a deadline: a pin, on a plugin or on a session."""

    deadline_s: float
    is_open: bool

    def expire(self) -> None:
        """Its deadline passed."""

    def finish(self, kind: str, sentence: str, /) -> None:
        """The host is closed."""


class OpenPins:
    """The open pins on one plugin.

    Thread safety: any thread. Holds no pin alive.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pins: weakref.WeakSet[Pin] = weakref.WeakSet()

    def add(self, pin: Pin) -> None:
        """Count it in."""
        with self._lock:
            self._pins.add(pin)

    def list(self) -> list[Pin]:
        """Return those that are open."""
        with self._lock:
            return [pin for pin in self._pins if pin.is_open]


class PinClock:
    """Ends pins whose deadline passed, on a thread that lives while pins are open.

    Thread safety: any thread.

    Invariants
      (1) The thread runs while `_due` is not empty, and holds no pin alive: one that was forgotten ends
          itself.
    """

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, weakref.ref[Expiring]]] = []
        self._order = itertools.count()
        self._is_running = False

    def watch(self, pin: Expiring) -> None:
        """End `pin` when its deadline passes, counted from now."""
        with self._changed:
            due = (self._clock_s() + pin.deadline_s, next(self._order), weakref.ref(pin))
            heapq.heappush(self._due, due)
            if self._is_running:
                self._changed.notify()
                return
            self._is_running = True
        try:
            threading.Thread(target=self._serve, name="hotgraft pins", daemon=True).start()
        except (MemoryError, RuntimeError):
            self._is_running = False  # the next pin tries again
            raise

    def open_pins(self) -> list[Expiring]:
        """Return the pins that are watched and open."""
        with self._changed:
            pins = [reference() for _, _, reference in self._due]
        return [pin for pin in pins if pin is not None and pin.is_open]

    def _serve(self) -> None:
        while True:
            try:
                if not self._look():
                    return
            except (MemoryError, RuntimeError):  # no lock or thread was to be had; the other pins have deadlines too
                time.sleep(LOOK_EVERY_S)

    def _look(self) -> bool:
        """End those whose deadline passed, or wait for the next; False: there is none."""
        with self._changed:
            expired = self._take_expired()
            if not expired and not self._due:
                self._is_running = False
                return False
            if not expired:
                self._changed.wait(min(self._due[0][0] - self._clock_s(), LOOK_EVERY_S))
        for pin in expired:
            pin.expire()
        return True

    def _take_expired(self) -> list[Expiring]:
        """Drop pins that are over; return those whose deadline passed. Under the lock."""
        live = [(due, order, reference) for due, order, reference in self._due if _is_open(reference)]
        heapq.heapify(live)
        self._due = live
        expired = []
        while self._due and self._due[0][0] <= self._clock_s():
            pin = heapq.heappop(self._due)[2]()
            if pin is not None:
                expired.append(pin)
        return expired


def _is_open(reference: weakref.ref[Expiring]) -> bool:
    pin = reference()
    return pin is not None and pin.is_open
