"""`await plugin.aio.f(...)`: a call that never makes its event loop wait at a gate.

The call is tried in place. At a closed gate it registers to be told when the gate opens, tries again (the
gate may have opened in between), and only then awaits. A function that its author marked
`HOTGRAFT_BLOCKING` runs in the loop's executor instead. A task that awaits a gate has a place in its queue like a
thread that sleeps there, and raises `Backpressure` where there is none.

Who awaits has asyncio; a host that nobody awaits does without it, and without the fifth of its start that it takes.
"""

from __future__ import annotations

import functools
import os
import threading
import weakref
from typing import TYPE_CHECKING, Any

from hotgraft import _core
from hotgraft.host.outputs import CheckedCall

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine

    from hotgraft.host.plugin import Plugin

    # By handle: the futures of the tasks that wait at its gates.
    Waiting = dict[int, tuple[Plugin, list[asyncio.Future[None]]]]

__all__ = ["Aio", "Gates"]


class Aio:
    """The functions of one plugin handle or pin, as coroutines."""

    __slots__ = ("_blocking", "_gates", "_plugin")

    def __init__(self, plugin: Plugin, blocking: frozenset[str], gates: Gates) -> None:
        self._plugin = plugin
        self._blocking = blocking
        self._gates = gates

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        function = getattr(self._plugin, name)
        if name in self._blocking:
            return functools.partial(_in_executor, function)
        if isinstance(function, CheckedCall):
            return functools.partial(self._call_checked, function)
        return functools.partial(self._call, function)

    async def _call_checked(self, checked: CheckedCall, *args: Any) -> Any:
        before = checked.before()
        return checked.look(before, await self._call(checked.function, *args))

    async def _call(self, function: Callable[..., Any], *args: Any) -> Any:
        result = _core.try_call(function, *args)
        if result is not _core.GATED:
            return result
        place = _core.join_queue(function)
        try:
            while result is _core.GATED:
                opened = self._gates.expect(self._plugin)
                result = _core.try_call(function, *args)  # again: it may have opened before we were registered
                if result is _core.GATED:
                    await opened
                    result = _core.try_call(function, *args)
        finally:
            _core.leave_queue(place)
        return result


async def _in_executor(function: Callable[..., Any], *args: Any) -> Any:
    import asyncio

    return await asyncio.get_running_loop().run_in_executor(None, functools.partial(function, *args))


class Gates:
    """Whom to wake when a gate opens: one eventfd per loop and handle, while somebody waits.

    Thread safety: each loop uses only its own part, on its own thread; the lock guards the list of loops.

    Invariants
      (1) An eventfd is closed only after the core has written to it: its number cannot be another's by then.
    """

    __slots__ = ("_lock", "_waiting")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Waiting] = weakref.WeakKeyDictionary()

    def expect(self, plugin: Plugin) -> asyncio.Future[None]:
        """Return a future that is done when a gate of `plugin` has opened."""
        import asyncio

        loop = asyncio.get_running_loop()
        with self._lock:
            waiting = self._waiting.setdefault(loop, {})
        key = id(plugin)
        if key not in waiting:
            fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
            waiting[key] = (plugin, [])  # keeps the handle, so that its id stays its own
            loop.add_reader(fd, _opened, loop, fd, waiting, key)
            _core.notify_when_open(plugin, fd)
        future: asyncio.Future[None] = loop.create_future()
        waiting[key][1].append(future)
        return future


def _opened(loop: asyncio.AbstractEventLoop, fd: int, waiting: Waiting, key: int) -> None:
    loop.remove_reader(fd)
    os.close(fd)
    for future in waiting.pop(key)[1]:
        if not future.done():  # its task may have been cancelled
            future.set_result(None)
