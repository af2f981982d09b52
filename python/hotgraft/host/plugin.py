"""The handle that programs hold: an instance of the plugin's call type, with what is not a function of it.

Its public names are among those that `hotgraft bind` refuses as functions of an interface.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from hotgraft import _core
from hotgraft.core.errors import (
    Backpressure,
    Busy,
    ContractError,
    HostClosed,
    PinExpired,
    PluginCrashed,
    PluginError,
    PluginUnavailable,
)

if TYPE_CHECKING:
    from hotgraft.core.call_types import CallDescription
    from hotgraft.host.aio import Aio
    from hotgraft.host.link import Link
    from hotgraft.host.pin import Pin
    from hotgraft.host.report import SwapReport
    from hotgraft.host.session import Session
    from hotgraft.host.stats import Stats

__all__ = ["Plugin", "make_call_type"]

_core.set_call_errors(
    {
        "plugin": PluginError,
        "busy": Busy,
        "closed": HostClosed,
        "pin_expired": PinExpired,
        "crashed": PluginCrashed,
        "backpressure": Backpressure,
        "unavailable": PluginUnavailable,
    }
)


class Plugin(_core.CallBase):
    """One instance of a plugin, or a pin on one; its functions are its attributes and follow every swap."""

    __slots__ = ()

    if TYPE_CHECKING:
        # The functions of its interfaces; `Host.plugin` gives a handle whose type knows them.
        def __getattr__(self, name: str) -> Any: ...

    @property
    def generation(self) -> int:
        """The number of the generation that a call made now would run."""
        return _link(self).generation()

    @property
    def version(self) -> str:
        """The version, as its author wrote it, of what runs now."""
        return _link(self).version()

    @property
    def features(self) -> tuple[str, ...]:
        """What its author promises beyond its functions, by name, of what runs now; see `Host.rely_on`."""
        return _link(self).features()

    @property
    def aio(self) -> Aio:
        """The same functions for `await`: they never make an event loop wait at a gate."""
        return _link(self).aio(self)

    def pin(self, deadline_s: float | None = None, *, who: str = "") -> Pin:
        """Hold the generation that runs now for a session: ``with plugin.pin(deadline_s=60) as p: p.f()``.

        Args:
            deadline_s: seconds after which the next call through the pin raises `PinExpired`; None: the
            host's
                setting, 60 unless it was told otherwise.
            who: what the pin is for, named in reports of swaps that wait for it.

        Raises:
            Busy: a swap is waiting for pins to end; pin again when it is over.
            HostClosed: the host is closed. ForkedHostError: in a forked child.
        """
        return _link(self).pin(deadline_s, who)

    def session(self, who: str = "", *, resume: str | None = None) -> Session:
        """Open a session, which has state of its own: ``with plugin.session(who="alice") as s: s.f()``.

        Its handle has the same functions. An idle session follows every swap, with its state; ``s.pin()`` keeps it on
        its generation until the pin ends. What a program forgets ends by itself.

        Where a host went on from a snapshot, a session that was open then waits under its name, and the first that is
        opened by that name goes on with its state (`Session.is_resumed`).

        Args:
            who: what it is called in reports, and by which it is found again; empty: a number, and it is in no
                snapshot.
            resume: "last", which is None: go on with what waits under that name, if something does; "required": or be
                refused; "none": begin fresh, and give up what waits.

        Raises:
            ContractError: the plugin has no sessions (``kind = "session"`` under ``[state]``).
            PluginError, PluginAbandoned: its own functions. Busy: asked for inside a call that a swap waits for.
            SnapshotError: what waits under that name cannot come to what serves, or nothing does; it waits on.
            HostClosed: the host is closed. ForkedHostError: in a forked child.
        """
        return _link(self).session(who, resume)

    def stats(self) -> Stats:
        """Return what the meter of the generation that runs now has counted; no caller is stopped.

        A pinned handle's are those of the pinned generation, which the plugin's other callers of it share. Each
        instance of a plugin has its own. Timed calls in which the scheduler took the caller's processor away are in
        `pushed_off`, and in no percentile.
        """
        return _link(self).stats()

    def report(self, name: str, value: float) -> None:
        """Note one value of a number of your own about this plugin: a queue's length, a score, a residual.

        It belongs to the generation that runs now, through a pinned handle to the pinned one, whichever instance the
        handle is of, and is kept as count, mean and variance. Any thread; about a microsecond.

        Args:
            name: 1 to 64 characters that can be printed; at most 32 names for one generation.
            value: finite, between -1e100 and 1e100; anything with ``__float__`` but a bool.

        Raises:
            ValueError, TypeError: the name or the value is none of these, or is one name too many; nothing was noted.
        """
        _link(self).report(name, value)

    def reload(
        self, image: str | None = None, *, deadline_s: float | None = None, allow_downgrade: bool = False
    ) -> SwapReport:
        """Replace this plugin; see `Host.reload`."""
        return _link(self).reload(image, deadline_s, allow_downgrade=allow_downgrade)

    def __repr__(self) -> str:
        return f"<hotgraft plugin {_link(self).describe()}>"

    def __reduce_ex__(self, _protocol: Any) -> NoReturn:
        raise TypeError(
            f"plugin {_link(self).name!r} cannot be pickled: it is a handle into this process; pass its name "
            "and use host[name] of a Host made in the other one"
        )


def make_call_type(
    description: CallDescription, *, previous: type[Plugin] | None, base: type[Plugin] = Plugin
) -> type[Plugin]:
    """Return the handle's type for a plugin; `previous` itself when the set of functions is the same.

    `base` is the same for all types of one host.

    Raises:
        ContractError: two functions have one name, or one would hide an attribute of every handle.
    """
    try:
        made: type[Plugin] = _core.make_call_type(
            description.plugin,
            description.functions,
            (base,),
            structs=description.structs,
            previous=previous,
        )
    except ValueError as error:
        found = [line.removeprefix("  - ") for line in str(error).splitlines()]
        raise ContractError("make its functions callable", on=description.plugin, found=found[1:] or found) from None
    return made


def _link(plugin: Plugin) -> Link:
    link: Link = plugin._owner
    return link
