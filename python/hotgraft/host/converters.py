"""The converters that a program offers beside those of libraries, by plugin and step."""

from __future__ import annotations

import inspect
import threading
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from hotgraft.core.converters import Converter, step_violation
from hotgraft.core.manifest_checks import PLUGIN_NAME
from hotgraft.engine.converter_thread import ConverterThreads
from hotgraft.engine.converting import give_converters

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotgraft import _core
    from hotgraft.core.plan import Plan
    from hotgraft.engine.converting import Converting

__all__ = ["Converters"]


class Converters:
    """Of one host.

    Thread safety: any thread. A change takes what is there when it is planned.
    """

    def __init__(self) -> None:
        self.threads = ConverterThreads()
        self._lock = threading.Lock()
        self._known: dict[str, dict[tuple[int, int], Converter]] = {}

    def of(self, plugin: str) -> tuple[Converter, ...]:
        """Return those for `plugin`, by their schemas."""
        with self._lock:
            return tuple(one for _, one in sorted(self._known.get(plugin, {}).items()))

    def give(self, member: _core.Member, plan: Plan, old: _core.Generation, new: _core.Generation) -> Converting | None:
        """Let a member's state go over the plan's chain, if it has one; see `give_converters`."""
        return give_converters(member, plan, old, new, self.threads)

    def add(self, plugin: str, step: tuple[int, int], function: Callable[..., Any], *, replace: bool) -> None:
        """Offer a function for one step.

        Raises:
            TypeError, ValueError: nothing was added.
        """
        _check_function(function)
        made = Converter(
            from_schema=step[0], to_schema=step[1], side="host", name=_name_of(function), function=function
        )
        with self._lock:
            known = self._known.setdefault(plugin, {})
            if step in known and not replace:
                raise ValueError(
                    f"{plugin} has a {known[step]}: remove it with host.remove_converter, or say replace=True"
                )
            known[step] = made

    def remove(self, plugin: str, step: tuple[int, int]) -> bool:
        """Offer it no more; False: nothing was offered."""
        with self._lock:
            known = self._known.get(plugin, {})
            is_there = known.pop(step, None) is not None
            if not known:
                self._known.pop(plugin, None)
            return is_there


def check_step(plugin: object, from_schema: object, to_schema: object) -> tuple[int, int]:
    """Return the step.

    Raises:
        TypeError, ValueError: it is none, or that is no plugin's name.
    """
    if not isinstance(plugin, str):
        raise TypeError(f"a plugin's name is a text, and {plugin!r:.80} is none")
    if not PLUGIN_NAME.fullmatch(plugin):
        raise ValueError(f"{plugin[:64]!r} is no name of a plugin: {PLUGIN_NAME.pattern}")
    for words, schema in (("from_schema", from_schema), ("to_schema", to_schema)):
        if not isinstance(schema, int) or isinstance(schema, bool):
            raise TypeError(f"{words} is a whole number, and {schema!r:.80} is none")
    assert isinstance(from_schema, int) and isinstance(to_schema, int)
    if violation := step_violation(from_schema, to_schema):
        raise ValueError(f"converter {from_schema}→{to_schema} of {plugin}: {violation}")
    return from_schema, to_schema


def _check_function(function: object) -> None:
    if not callable(function):
        raise TypeError(f"a converter is a function that gets a dict and answers one, and {function!r:.80} is none")
    call = function if inspect.isroutine(function) else type(function).__call__
    if any(kind(one) for kind in _LATER for one in (function, call)):
        raise TypeError(f"{_name_of(function)} answers later, and a converter answers at once: callers wait for it")
    try:
        inspect.signature(function).bind({})
    except TypeError as error:
        raise TypeError(f"{_name_of(function)} cannot be given one dict: {error}") from None
    except ValueError:
        return  # it does not say what it takes


_LATER = (inspect.iscoroutinefunction, inspect.isasyncgenfunction, inspect.isgeneratorfunction)


def _name_of(function: object) -> str:
    name = getattr(function, "__qualname__", type(function).__qualname__).rpartition("<locals>.")[2]
    code = getattr(inspect.unwrap(function) if callable(function) else function, "__code__", None)
    return f"{name}, {PurePath(code.co_filename).name}:{code.co_firstlineno}" if code is not None else name
