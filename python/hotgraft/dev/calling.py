"""`--call 'process([1, 2, 3])'`: text becomes a call, and what came of it becomes text."""

from __future__ import annotations

import array
import ast
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.call_types import called_interfaces
from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hotgraft.core.descriptor import Descriptor, Function, Parameter

__all__ = ["Call", "make_call", "parse_call", "sample_call"]

ELEMENTS: Final = {
    "i8": "b", "u8": "B", "i16": "h", "u16": "H", "i32": "i", "u32": "I", "i64": "q", "u64": "Q",
    "f32": "f", "f64": "d", "void": "B",
}  # fmt: skip
SHOWN_MAX: Final = 16  # elements of a buffer


@dataclass(frozen=True, slots=True)
class Call:
    """A function's name and plain values for it."""

    text: str
    name: str
    arguments: tuple[Any, ...]


def parse_call(text: str) -> Call:
    """Read a call of one function with literals.

    Raises:
        ConfigError: it is something else.
    """
    advice = "write one call with plain values: process([1, 2, 3])"
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError) as error:
        raise ConfigError("read the call", on=text, found=str(error), advice=advice) from None
    if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name) or tree.keywords:
        raise ConfigError("read the call", on=text, found="it is not one call of a function", advice=advice)
    try:
        arguments = tuple(ast.literal_eval(argument) for argument in tree.args)
    except ValueError:
        raise ConfigError("read the call", on=text, found="an argument is not a plain value", advice=advice) from None
    return Call(text.strip(), tree.func.id, arguments)


def make_call(plugin: Any, descriptor: Descriptor, call: Call) -> str:
    """Call the plugin; return what it answered and what it wrote, as text.

    Lengths may be left out, and so may buffers that are only written and whose length is known.

    Raises:
        AttributeError: no such function. TypeError, ValueError: the values do not fit. PluginError: its own answer.
    """
    called = called_interfaces(descriptor)
    functions = [one for interface in called for one in interface.functions if one.name == call.name]
    if not functions:
        known = ", ".join(one.name for interface in descriptor.provides for one in interface.functions)
        raise AttributeError(f"no function {call.name!r}; it has {known}")
    function = functions[0]
    values = _completed(function, call.arguments)
    answer = getattr(plugin, call.name)(*values)
    written = [
        f"{parameter.name} = {_shown(value)}"
        for parameter, value in zip(function.parameters, values, strict=True)
        if parameter.direction in ("out", "inout") and value is not None
    ]
    parts = written if function.returns.kind in ("status", "void") else [_shown(answer), *written]
    return ", ".join(parts) or "done"


def sample_call(descriptor: Descriptor) -> str:
    """Return how a call of the first function that plain values are enough for is written; empty where none is."""
    for function in (one for interface in called_interfaces(descriptor) for one in interface.functions):
        counts = {one.count for one in function.parameters if one.pointer and one.count}
        needed = [
            one
            for one in function.parameters
            if not (_is_known(one, function.parameters) or (not one.pointer and one.name in counts))
        ]
        if all(one.type in ELEMENTS for one in needed):
            return f"{function.name}({', '.join(map(_sample, needed))})"
    return ""


def _sample(parameter: Parameter) -> str:
    if not parameter.pointer:
        return "1"
    length = int(parameter.count) if parameter.count and parameter.count.isdigit() else 3
    return str([1 + index for index in range(length)])


def _completed(function: Function, given: Sequence[Any]) -> list[Any]:
    """Return a value for every parameter, from those that were given and the lengths these have."""
    counts = {one.count for one in function.parameters if one.pointer and one.count}
    is_length = [not one.pointer and one.name in counts for one in function.parameters]
    is_known = [_is_known(one, function.parameters) for one in function.parameters]
    for left_out in (
        [False] * len(is_length),
        is_length,
        [length or known for length, known in zip(is_length, is_known, strict=True)],
    ):
        if len(given) == left_out.count(False):
            values = iter(given)
            found = [None if out else next(values) for out in left_out]
            return _filled(function.parameters, found, left_out)
    needed = ", ".join(one.name for one in function.parameters)
    raise TypeError(f"{function.name}({needed}) was given {len(given)} values")


def _is_known(parameter: Parameter, among: Sequence[Parameter]) -> bool:
    """Tell whether a buffer is only written, and its length is a number or that of a buffer that is read."""
    if parameter.direction != "out" or not parameter.count:
        return False
    return parameter.count.isdigit() or any(
        one.count == parameter.count and one.direction in ("in", "inout") for one in among
    )


def _filled(parameters: Sequence[Parameter], found: list[Any], left_out: Sequence[bool]) -> list[Any]:
    values = [
        _buffer(parameter, value) if parameter.pointer else value
        for parameter, value in zip(parameters, found, strict=True)
    ]
    lengths = {
        one.count: len(value)
        for one, value in zip(parameters, values, strict=True)
        if one.pointer and one.count and value is not None
    }
    for index, parameter in enumerate(parameters):
        if left_out[index] and parameter.pointer:
            count = parameter.count or "0"
            length = int(count) if count.isdigit() else lengths.get(count, 0)
            values[index] = array.array(ELEMENTS.get(parameter.type, "B"), bytes(0)) * 0
            values[index].extend([0] * length)
        elif left_out[index]:
            values[index] = lengths.get(parameter.name, 0)
    return values


def _buffer(parameter: Parameter, value: Any) -> Any:
    """Return what a literal is as a buffer; what is none already is left for the call to refuse."""
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return value if parameter.direction == "in" else bytearray(value)
    if not isinstance(value, list | tuple):
        return value
    kind = ELEMENTS.get(parameter.type)
    if kind is None:
        raise TypeError(f"{parameter.name} is made of {parameter.type}: that cannot be written as a plain value")
    return array.array(kind, value)


def _shown(value: Any) -> str:
    if not isinstance(value, array.array | bytearray):
        return repr(value)
    shown = ", ".join(f"{one:.6g}" if isinstance(one, float) else str(one) for one in value[:SHOWN_MAX])
    return f"[{shown}, … {len(value)} in all]" if len(value) > SHOWN_MAX else f"[{shown}]"
