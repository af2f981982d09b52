"""The breakers of a host: when nothing of a plugin can serve, its fallback answers, and it is tried again in time.

What the fallback publishes it publishes without a gate: who is inside the plugin is not waited for, because it may be
there for ever. A retry, a reload and closing by hand publish tables of a generation over it: that closes the breaker.
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from hotgraft import _core
from hotgraft.core.breaker import Breaker, BreakerEvent, BreakerState, advance
from hotgraft.core.fallback import Fallback, answers_of
from hotgraft.engine.load import make_tables
from hotgraft.host.lending import lend, take_back, why_not

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from hotgraft.core.descriptor import Interface
    from hotgraft.host.events import HostEvents
    from hotgraft.host.loaded import Loaded

__all__ = ["Breakers"]

LOG: Final = logging.getLogger("hotgraft.breaker")


class Breakers:
    """One host's breakers, by plugin.

    Args:
        events: who is told ``breaker.opened``, ``breaker.half_open`` and ``breaker.closed``.
        find: returns a loaded plugin by its name.
        retry: tries to let a generation of the plugin serve, in a turn that it takes; raises if it cannot.
        clock_s: seconds that only grow.
        today: the time of day, as text, for what callers are told.
        control_deadline_s: for the plugin's own functions when it is closed by hand.

    Thread safety: `open`, `close` and `published` by whoever has the plugin's turn; the rest by any thread.

    Invariants
      (1) A breaker that is not closed has a fallback's table in every slot of its plugin, but for the moment in which
          `open` or `close` publishes.
      (2) The thread that retries lives while a retry is to come, and ends with `stop`.
    """

    def __init__(
        self,
        events: HostEvents,
        *,
        retry: Callable[[Loaded], object],
        find: Callable[[str], Loaded | None],
        clock_s: Callable[[], float],
        today: Callable[[], str],
        control_deadline_s: float,
    ) -> None:
        self._events = events
        self._retry = retry
        self._find = find
        self._opened_for: dict[str, int] = {}  # generation, by plugin
        self._said: dict[str, str] = {}  # why, as callers are told it, by plugin
        self._clock_s = clock_s
        self._today = today
        self._control_deadline_s = control_deadline_s
        self._changed = threading.Condition()  # guards everything below; its lock may be taken again by who has it
        self._breakers: dict[str, tuple[Loaded, Breaker]] = {}  # those that are not closed
        self._untold: set[str] = set()  # who is being told that it opened: not retried before everybody knows
        self._is_running = False
        self._is_stopped = False

    def state(self, name: str) -> BreakerState:
        """Return who answers the callers of `name`; closed for a plugin that nobody knows."""
        return self.breaker(name).state

    def breaker(self, name: str) -> Breaker:
        """Return the breaker itself: why it is open, since when, and when it is tried again."""
        with self._changed:
            found = self._breakers.get(name)
        return found[1] if found is not None else Breaker()

    def open(self, loaded: Loaded, why: str) -> None:
        """Let the fallback answer from now on, and say why. Nobody who is inside is waited for.

        Raises:
            Busy: a swap has closed a gate of it: this must be called in the plugin's turn. ResourceError: no memory.
        """
        self._said[loaded.name] = f"{why} (since {self._today()})"
        self._tell_callers(loaded, self._said[loaded.name])
        self._opened_for[loaded.name] = loaded.serving.generation.number
        self._answer(loaded, may_lend=True)
        LOG.warning("%s: its fallback answers: %s", loaded.name, why)
        with self._telling_first(loaded):
            self._advance(loaded, BreakerEvent.OPEN, why)
            self._events.tell("breaker.opened", loaded.name, why=why)

    def close(self, loaded: Loaded) -> None:
        """Let the generation that is current serve again, whatever was found of it; nothing happens if it serves.

        Raises:
            PluginError, PluginAbandoned: its own get_interface.
        """
        if self.state(loaded.name) is BreakerState.CLOSED:
            return
        serving = loaded.serving
        attempt = _core.Attempt.of(serving.generation)
        take_back(loaded)
        for instance in loaded.instances.values():
            for table in make_tables(
                attempt, serving.side, instance.index, instance.slots, deadline_s=self._control_deadline_s
            ):
                table.slot.publish(table)
        self.published(loaded)

    def published(self, loaded: Loaded) -> None:
        """A generation was published: where it holds all slots the breaker closes, else the fallback answers in all."""
        self._follow_loans(loaded)
        if self.state(loaded.name) is BreakerState.CLOSED:
            return
        keys = [one.key for one in loaded.serving.side.interfaces]  # of others, that it had once, nothing serves
        if loaded.borrows_from is not None and loaded.serving.generation.number == self._opened_for.get(loaded.name):
            self._answer(loaded, may_lend=True)  # as below
            return
        take_back(loaded)
        if any(instance.slots[key].generation == 0 for instance in loaded.instances.values() for key in keys):
            self._answer(loaded)  # a further instance came up; the others still have nothing to serve
            return
        for instance in loaded.instances.values():
            if instance.handle is not None:
                _core.refuse_calls(instance.handle, "none", None)
        self._advance(loaded, BreakerEvent.CLOSE)
        self._events.tell("breaker.closed", loaded.name)

    def forget(self, name: str) -> None:
        """The plugin is out of service."""
        with self._changed:
            self._breakers.pop(name, None)
            self._changed.notify_all()

    def stop(self) -> None:
        """Retry nothing any more. Twice is once."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()

    def provider_of(self, loaded: Loaded) -> Loaded | None:
        """Return who is declared to answer for a plugin, if it is loaded: `open` is called in its turn too."""
        return self._find(loaded.fallback.provider) if loaded.fallback is not None else None

    def _answer(self, loaded: Loaded, *, may_lend: bool = False) -> None:
        """Publish what answers: another plugin where one is declared and can, else the constants."""
        self._end_loans(loaded)
        name = loaded.fallback.provider if loaded.fallback is not None else ""
        if name and may_lend:
            provider = self._find(name)
            reasons = why_not(provider, loaded)
            if self.state(name) is not BreakerState.CLOSED:
                reasons = (*reasons, "its own breaker is open")
            if provider is not None and not reasons:
                lend(provider, loaded, self._control_deadline_s)
                return
            LOG.warning("%s: %s cannot answer for it: %s", loaded.name, name, "; ".join(reasons))
            take_back(loaded)
        _publish_constants(
            loaded, ((key, one.slots[key]) for key in _interfaces(loaded) for one in loaded.instances.values())
        )

    def _follow_loans(self, provider: Loaded) -> None:
        """Let the constants of others answer where it has answered, and what serves of it now has not the interface.

        What is lent changes in its turn, which the caller has. The loans stay: what it goes back to may answer again.
        """
        serving = provider.serving
        offered = {one.key for one in serving.side.interfaces}
        for name in dict.fromkeys(one.borrower for one in provider.lent):
            borrower = self._find(name)
            if borrower is None or borrower.borrows_from is not provider:
                continue
            gone = [one for one in provider.lent if one.borrower == name and one.interface not in offered]
            gone = [one for one in gone if one.slot.generation == 0]  # else it serves there itself: replaced with it
            sentence = self._said[name]
            if gone:
                keys = ", ".join(dict.fromkeys(one.interface for one in gone))
                what = f"generation {serving.generation.number} of {provider.name}, which answers for it, lacks {keys}"
                sentence = f"{sentence}; {what}"
                LOG.warning("%s: its constants answer: %s", name, what)
            self._tell_callers(borrower, sentence)
            _publish_constants(borrower, ((one.interface, one.slot) for one in gone))

    @staticmethod
    def _tell_callers(loaded: Loaded, sentence: str) -> None:
        """Say what calls through its handles raise where no answer is declared."""
        for instance in loaded.instances.values():
            if instance.handle is not None:
                _core.refuse_calls(instance.handle, "unavailable", sentence)

    @staticmethod
    def _end_loans(loaded: Loaded) -> None:
        """Nothing of it is to be called, in the slots of others either: those answer with an error from now on."""
        facts = {one.key: one for one in loaded.serving.side.interfaces}
        for loan in loaded.lent:
            if (one := facts.get(loan.interface)) is not None:  # else constants answer there
                _core.publish_fallback(loan.slot, interface_bytes=one.bytes, version=one.packed_version, answers=())
        loaded.lent = ()

    def _advance(self, loaded: Loaded, event: BreakerEvent, why: str = "") -> None:
        with self._changed:
            before = self._breakers.get(loaded.name, (loaded, Breaker()))[1]
            after = advance(before, event, now_s=self._clock_s(), rules=(loaded.fallback or Fallback()).retry, why=why)
            if after.state is BreakerState.CLOSED:
                self._breakers.pop(loaded.name, None)
            else:
                self._breakers[loaded.name] = loaded, after
            self._changed.notify_all()
            if after.retry_at_s is None or self._is_running or self._is_stopped:
                return
            self._is_running = True
        threading.Thread(target=self._serve, name="hotgraft breaker", daemon=True).start()

    @contextmanager
    def _telling_first(self, loaded: Loaded) -> Iterator[None]:
        """Hold its retry back until the block is over."""
        with self._changed:
            self._untold.add(loaded.name)
        try:
            yield
        finally:
            with self._changed:
                self._untold.discard(loaded.name)
                self._changed.notify_all()

    # --- the thread that retries ---

    def _serve(self) -> None:
        while (loaded := self._next_due()) is not None:
            self._try_again(loaded)

    def _next_due(self) -> Loaded | None:
        """Wait for the next retry; None: none is to come."""
        with self._changed:
            while not self._is_stopped:
                to_come = [
                    (breaker.retry_at_s, loaded)
                    for loaded, breaker in self._breakers.values()
                    if breaker.retry_at_s is not None
                ]
                if not to_come:
                    break
                told = [one for one in to_come if one[1].name not in self._untold]
                at_s, loaded = min(told, key=lambda one: one[0], default=(None, to_come[0][1]))
                if at_s is not None and at_s <= self._clock_s():
                    return loaded
                self._changed.wait(None if at_s is None else at_s - self._clock_s())
            self._is_running = False
            return None

    def _try_again(self, loaded: Loaded) -> None:
        with self._changed:
            if self.state(loaded.name) is not BreakerState.OPEN:
                return  # closed meanwhile, by a reload
            self._advance(loaded, BreakerEvent.RETRY)
        self._events.tell("breaker.half_open", loaded.name)
        why = "it did not come up"
        try:
            self._retry(loaded)
        except Exception as error:
            why = str(error)
            LOG.warning("%s: the retry failed, its fallback answers on: %s", loaded.name, error)
        with self._telling_first(loaded):
            with self._changed:
                if self.state(loaded.name) is not BreakerState.HALF_OPEN:
                    return  # what was published has closed it
                self._advance(loaded, BreakerEvent.FAIL)
            self._events.tell("breaker.opened", loaded.name, why=why)


def _interfaces(loaded: Loaded) -> dict[str, Interface]:
    """Return what it offers, by key."""
    return {f"{one.interface}/{one.version[0]}": one for one in loaded.serving.descriptor.provides}


def _publish_constants(loaded: Loaded, slots: Iterable[tuple[str, _core.Slot]]) -> None:
    """Let the answers that are declared for a plugin answer in slots of it, each with the key of its interface."""
    interfaces = _interfaces(loaded)
    for key, slot in slots:
        interface = interfaces[key]
        major, minor = interface.version
        answers = answers_of(loaded.fallback or Fallback(), interface)
        _core.publish_fallback(slot, interface_bytes=interface.bytes, version=major << 16 | minor, answers=answers)
