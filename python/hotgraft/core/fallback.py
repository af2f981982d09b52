"""What answers in a plugin's place while nothing of it can serve: declared by the host, checked before it is needed.

A default answer is a constant that the core returns for the function. It cannot fill a buffer or make a pointer, so
functions that write to their caller's memory or return a pointer have none: their callers are told `PluginUnavailable`.
"""

from __future__ import annotations

import math
from dataclasses import field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from hotgraft.core.breaker import RetryRules
from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hotgraft.core.descriptor import Function, Interface

__all__ = ["ANSWERS_MOST", "Answer", "Fallback", "answers_of", "check_fallback"]

ANSWERS_MOST: Final = 256  # functions of one interface: kMostAnswers in native/core/fallback.hpp
_STATUS: Final = "i32"
_INTEGERS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {
        f"{sign}{bits}": (0, (1 << bits) - 1) if sign == "u" else (-(1 << bits - 1), (1 << bits - 1) - 1)
        for sign in "iu"
        for bits in (8, 16, 32, 64)
    }
    | {"char": (-128, 127)}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """What a plugin's callers are answered while it has no usable generation.

    Args:
        answers: by function, the constant that it answers: a status for one that returns a status. A function that is
            not here says `PluginUnavailable`, in C `HOTGRAFT_E_UNAVAILABLE`.
        provider: the name of a loaded plugin that answers instead, with its own functions; where it cannot, the answers
            count. It offers every interface of this one, with every function as it is here.
        retry: when the plugin is tried again by itself; default: never.
    """

    answers: Mapping[str, float | None] = field(default_factory=dict)
    provider: str = ""
    retry: RetryRules = field(default_factory=RetryRules)


# As `_core.publish_fallback` takes one: offset in the interface struct, integer, real, and whether the real is a float.
Answer = tuple[int, int, float, bool]


def check_fallback(plugin: str, fallback: Fallback, interfaces: Iterable[Interface]) -> None:
    """Hold a fallback against the functions it is to answer for.

    Raises:
        ConfigError: with every violation.
    """
    found = list(_retry_violations(fallback.retry))
    if not isinstance(fallback.provider, str) or fallback.provider == plugin:
        found.append(f"provider is {fallback.provider!r}; it must be the name of another plugin")
    functions = [function for interface in interfaces for function in interface.functions]
    known = {function.name for function in functions}
    found += [
        f"an answer is declared for {name!r}, and there is no such function (it has: {', '.join(sorted(known))})"
        for name in fallback.answers
        if name not in known
    ]
    for function in functions:
        if function.name in fallback.answers:
            found += _violations(function, fallback.answers[function.name])
    for interface in interfaces:
        count = sum(function.name in fallback.answers for function in interface.functions)
        if count > ANSWERS_MOST:
            found.append(f"{count} functions of {interface.interface} have answers; at most {ANSWERS_MOST} can")
    if found:
        raise ConfigError("let this fallback answer for it", on=plugin, found=found)


def answers_of(fallback: Fallback, interface: Interface) -> tuple[Answer, ...]:
    """Return the answers for one interface, as the core takes them; the fallback was checked."""
    return tuple(
        _encoded(function, fallback.answers[function.name])
        for function in interface.functions
        if function.name in fallback.answers
    )


def _violations(function: Function, answer: float | None) -> list[str]:
    written = [one.name for one in function.parameters if one.direction in ("out", "inout")]
    found = [
        f"{function.name} fills {', '.join(written)}: a constant cannot, so it has no default answer"
        for _ in written[:1]
    ]
    kind, type_name = function.returns.kind, function.returns.type
    if kind == "pointer":
        found.append(f"{function.name} returns a pointer: nobody could own what a constant points to")
    elif kind == "void":
        found += [f"{function.name} returns nothing; its answer must be None"] if answer is not None else []
    elif kind == "value" and type_name in ("f32", "f64"):
        found += [] if _is_real(answer) else [f"{function.name} returns a number; {answer!r} is none"]
    else:
        least, most = _INTEGERS[_STATUS if kind == "status" else type_name]
        if not isinstance(answer, int) or isinstance(answer, bool) or not least <= answer <= most:
            found.append(f"{function.name} returns a whole number from {least} to {most}; {answer!r} is none")
    return found


def _retry_violations(retry: RetryRules) -> list[str]:
    return [
        f"{name} is {value!r}; it must be a number of seconds above 0"
        for name, value in (("retry.after_s", retry.after_s), ("retry.at_most_s", retry.at_most_s))
        if value is not None and not (_is_real(value) and math.isfinite(value) and value > 0)
    ]


def _encoded(function: Function, answer: float | None) -> Answer:
    if answer is None:
        return function.offset, 0, 0.0, False
    if function.returns.kind == "value" and function.returns.type in ("f32", "f64"):
        return function.offset, 0, float(answer), function.returns.type == "f32"
    word = int(answer)
    return function.offset, word - (1 << 64) if word >= 1 << 63 else word, 0.0, False


def _is_real(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
