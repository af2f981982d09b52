"""Sessions: state of its own inside a plugin for everybody who asks for one, carried across each swap on its own.

A session has a handle of the plugin's call type with slots of its own, whose tables have the plugin's session for
`self`. Idle sessions follow every swap. A pinned one keeps its state and stays on its generation until the pin ends,
and is carried to what serves then; until that is done it holds what it is on.
"""

from __future__ import annotations

import sys
import threading
import weakref
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from hotgraft import _core
from hotgraft.core.errors import HotgraftError
from hotgraft.core.lifecycle import Stage
from hotgraft.host.change import start_change
from hotgraft.host.draining import checked_s
from hotgraft.host.link import PinLink

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hotgraft.host.host import Host
    from hotgraft.host.loaded import Instance, Loaded, Pinnable
    from hotgraft.host.plugin import Plugin

__all__ = ["Session", "SessionLink", "SessionPin"]

REST_S = 1.0  # for calls that are inside a session that ends; then it ends with its generation


class SessionLink(PinLink):
    """The owner of a session's handle: what runs now is what the session is on."""

    __slots__ = ("_session", "index", "tables")

    def __init__(
        self,
        host: Host,
        loaded: Loaded,
        instance: Instance,
        slots: Mapping[str, _core.Slot],
        held: Pinnable,
        *,
        index: int,
        tables: list[_core.Table],
    ) -> None:
        super().__init__(host, loaded, instance, slots, held)
        self.index = index  # of the session in its generation
        self.tables = tables
        self._session: Callable[[], Session | None] = bool  # type: ignore[assignment] # until it belongs to one

    def belong_to(self, session: Session) -> None:
        """`session` is whose it is; it is not kept alive."""
        self._session = weakref.ref(session)

    def pin(self, deadline_s: float | None, who: str) -> SessionPin:  # type: ignore[override] # as a context, the same
        """Keep the session where it is."""
        session = self._session()
        if session is None or not session.is_open:
            raise RuntimeError(f"plugin {self.loaded.name!r}: the session of this handle has ended")
        return session.pin(deadline_s, who=who)

    def describe(self) -> str:
        """Return one line for people."""
        return super().describe().replace("pin on", "session of", 1)


class Session:
    """One session. As a context manager it answers its handle and ends when left; `end()` does the same.

    Thread safety: any thread; ending twice is ending once.

    Invariants
      (1) `link`, `hold` and `pins` change only in the turn of the plugin's sessions.
      (2) It is on what serves, or `hold` keeps what it is on.
    """

    def __init__(self, plugin: Plugin, link: SessionLink, who: str, carry: Callable[[Session], None]) -> None:
        self.plugin = plugin
        self.who = who
        self.carry = carry  # to what serves, in the sessions' turn
        self.link = link
        self.is_open = True
        self.is_named = True  # False: who opened it gave it none, and nobody can ask for it again
        self.is_resumed = False
        self.left_behind: tuple[
            str, ...
        ] = ()  # fields of what it went on with that an earlier version has no place for
        self.order = 0  # in which the plugin's were opened
        self.pins = 0
        self.hold: _core.HeldPin | None = None
        link.belong_to(self)

    @property
    def generation(self) -> int:
        """The number of the generation that its next call runs."""
        return self.link.generation()

    @property
    def is_pinned(self) -> bool:
        """Whether it stays where it is when the plugin is replaced."""
        return self.pins != 0

    def pin(self, deadline_s: float | None = None, *, who: str = "") -> SessionPin:
        """Keep it on the generation that it is on: ``with session.pin(deadline_s=60): session.f()``.

        Args:
            deadline_s: seconds after which it follows all the same; None: the host's setting for pins.
            who: what the pin is for, in reports of what keeps a generation; None: as the session is called.

        Raises:
            Busy: it is about to follow a swap, and this is asked for inside a call.
        """
        host, loaded = self.link.host, self.link.loaded
        limit_s = host.options.pin_deadline_s if deadline_s is None else checked_s(deadline_s)
        with loaded.sessions.turn("pin a session"):
            if self.hold is None:
                self.hold = self.link.held.generation.add_pin(who or f"session {self.who}")
            self.pins += 1
        return host.watch_pin(SessionPin(self, limit_s))

    def end(self) -> None:
        """Destroy it, with its state; the next call through its handle raises `PinExpired`."""
        self.finish("session_ended", "the session was ended")

    def turn_away(self, kind: str, sentence: str) -> None:
        """Let its next call say this; it has its state until it is ended."""
        if not _core.is_forked_child():
            _core.refuse_calls(self.plugin, kind, sentence)

    def finish(self, kind: str, sentence: str) -> None:
        """End it; `kind` and `sentence` are what its next call says."""
        if _core.is_forked_child() or not self.is_open:
            return
        with self.link.loaded.sessions.turn("end a session"):
            if not self.is_open:
                return
            self.is_open = False
            _core.refuse_calls(self.plugin, kind, sentence)
            _close(self.link, self.hold)

    def __enter__(self) -> Plugin:
        return self.plugin

    def __exit__(self, *_: object) -> None:
        self.end()

    def __del__(self) -> None:
        # Not here: whoever has the turn may be the very thread that collects, amid a swap.
        if getattr(self, "is_open", False) and not _core.is_forked_child():
            self.is_open = False  # weak references still lead here: whoever lists sessions is not to end it as well
            self.link.loaded.sessions.forget(partial(_close, self.link, self.hold))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a session cannot be pickled: it is in this process; open one in the other")


class SessionPin:
    """What keeps a session on its generation. As a context manager it ends when left; `end()` does the same."""

    __slots__ = ("__weakref__", "_lock", "deadline_s", "is_open", "session")

    def __init__(self, session: Session, deadline_s: float) -> None:
        self.session = session
        self.deadline_s = deadline_s
        self.is_open = True
        self._lock = threading.Lock()

    def end(self) -> None:
        """Let the session follow: it is carried to what serves now, unless another pin keeps it.

        Raises:
            StateError, PluginError, DrainTimeout, …: it could not be. It stays where it is, with its state, and is
            tried again when it is pinned and let go the next time.
        """
        with self._lock:
            if not self.is_open or _core.is_forked_child():
                return
            self.is_open = False
        session = self.session
        with session.link.loaded.sessions.turn("let a session follow"):
            session.pins -= 1
            if session.is_open and not session.is_pinned:
                _follow(session)

    def finish(self, _kind: str, _sentence: str) -> None:
        """The host is closed, and so is the session."""
        self.is_open = False

    def expire(self) -> None:
        """Its deadline passed: end it, on a thread that may wait."""
        start_change(self._expire)

    def _expire(self) -> None:
        try:
            self.end()
        except HotgraftError as error:
            link = self.session.link
            link.host._events.tell("session.kept", link.loaded.name, session=self.session.who, error=error)

    def __enter__(self) -> Plugin:
        return self.session.plugin

    def __exit__(self, *_: object) -> None:
        self.end()

    def __del__(self) -> None:
        if getattr(self, "is_open", False) and not sys.is_finalizing():  # as OpenSessions.forget
            self.expire()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a session's pin cannot be pickled: it holds a generation in this process")


def _follow(session: Session) -> None:
    """Carry it to what serves, if it is not there; in the sessions' turn."""
    link, hold = session.link, session.hold
    if link.held.generation is not link.loaded.serving.generation:
        session.carry(session)
    session.hold = None
    if hold is not None:
        hold.let_go()


def _close(link: SessionLink, hold: _core.HeldPin | None) -> None:
    """Destroy what a session was, in the sessions' turn; where calls stay inside it ends with its generation."""
    limit_s = link.host.options.control_deadline_s
    generation = link.held.generation
    with suppress(HotgraftError):
        # Held while it is called. If it does not serve and nobody held it, it is on its way out, and ends its sessions.
        # What is out of service takes no pins; while it stands in what serves it is kept by the turn, which a swap
        # needs to publish another, and a host that closes needs before it goes.
        is_out = bool(generation.out_of_service) and generation is link.loaded.serving.generation
        own = hold or (None if is_out else generation.add_pin("a session that ends"))
        try:
            if (hold is not None or is_out or generation.stage == Stage.ACTIVE) and not generation.is_abandoned:
                _core.Attempt.of(generation).close_session(
                    link.index, link.tables, rest_s=min(REST_S, limit_s), deadline_s=limit_s
                )
        finally:
            if own is not None:
                own.let_go()
