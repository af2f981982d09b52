"""Look at what a plugin's functions really return, for development: a handle that holds it against the schemas.

Only handles of a host with ``check_outputs="report"`` are of this kind. On every other nothing of this file is on the
call path. Calls from C are never looked at.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.options import OFF
from hotgraft.engine.outputs import output_violations
from hotgraft.host.plugin import Plugin

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hotgraft.core.options import Options
    from hotgraft.host.link import Link

__all__ = ["CheckedCall", "CheckedPlugin", "base_of_handles"]

LOG: Final = logging.getLogger("hotgraft.outputs")


def base_of_handles(options: Options) -> type[Plugin]:
    """Return what the handles of a host with these options are made of."""
    return Plugin if options.check_outputs == OFF else CheckedPlugin


class CheckedCall:
    """One function of a plugin, whose results are looked at. Any thread, as the function itself."""

    __slots__ = ("_link", "_name", "function")

    def __init__(self, function: Callable[..., Any], link: Link, name: str) -> None:
        self.function = function
        self._link = link
        self._name = name

    def __call__(self, *args: Any) -> Any:
        before = self.before()
        return self.look(before, self.function(*args))

    def before(self) -> Mapping[str, Any]:
        """Return the schemas that count for a call that begins now; `look` wants them."""
        return self._link.outputs()

    def look(self, before: Mapping[str, Any], result: Any) -> Any:
        """Tell whoever listens how `result` breaks its schema, and return it as it is."""
        link = self._link
        schema = before.get(self._name)
        if schema is None or link.outputs() is not before:  # a swap fell into the call: nobody knows whose result it is
            return result
        if found := output_violations(schema, result):
            LOG.warning("%s: %s broke its output schema: %s", link.name, self._name, "; ".join(found))
            link.tell("output.violation", function=self._name, generation=link.generation(), violations=tuple(found))
        return result


class CheckedPlugin(Plugin):
    """A handle whose functions are `CheckedCall`s where there is a schema of what they return."""

    __slots__ = ()

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        if name.startswith("_"):
            return value
        link: Link = super().__getattribute__("_owner")
        return CheckedCall(value, link, name) if name in link.outputs() else value
