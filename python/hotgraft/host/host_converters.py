"""What a `Host` offers where the meaning of a plugin's state changed and its library brings no converter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from hotgraft.host.converters import check_step

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotgraft.host.around import Around

__all__ = ["HostConverters"]

Function = TypeVar("Function", bound="Callable[[dict[str, Any]], dict[str, Any]]")


class HostConverters:
    """A part of `Host`; see there for threads, interrupts and forks."""

    _around: Around

    if TYPE_CHECKING:

        def _check_control(self) -> None: ...

    def converter(
        self, name: str, *, from_schema: int, to_schema: int, replace: bool = False
    ) -> Callable[[Function], Function]:
        """Offer a function that turns a state of one schema of `name` into one of another; a decorator.

        The function gets the values of a state as a dict, saved ones by key or the fields of a declared block, and
        answers a dict of the other schema. Up or down is in the numbers. It runs on a thread of its own while callers
        wait, on a copy, until the swap's deadline; for a probe before that. docs/converters.md says how steps are
        chained.

        Args:
            name: of a plugin, loaded or not.
            from_schema: of the values that it gets; 1 or more.
            to_schema: of those that it answers.
            replace: instead of one that is offered for this step.

        Raises:
            ValueError: no step or no plugin's name, or one is offered for this step. TypeError: not a whole number; not
            callable with one dict; a coroutine or generator function. HostClosed.
        """
        self._check_control()
        step = check_step(name, from_schema, to_schema)

        def offer(function: Function) -> Function:
            self._check_control()
            self._around.converters.add(name, step, function, replace=replace)
            return function

        return offer

    def remove_converter(self, name: str, *, from_schema: int, to_schema: int) -> bool:
        """Offer that function no more, from the next change on; False: none was offered.

        Raises:
            ValueError, TypeError: as `converter`. HostClosed.
        """
        self._check_control()
        return self._around.converters.remove(name, check_step(name, from_schema, to_schema))

    def converters(self, name: str) -> tuple[str, ...]:
        """Return what is offered for `name` here, one line each; those of its libraries are not listed."""
        return tuple(map(str, self._around.converters.of(name)))
