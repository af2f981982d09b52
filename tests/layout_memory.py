"""How values lie in memory, written slowly: over plain values and `struct`. Nothing of hotgraft is imported here.

What a type and a value are, `layout_reference` says.
"""

from __future__ import annotations

import functools
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

FORMATS = {
    "i8": "b", "u8": "B", "i16": "h", "u16": "H", "i32": "i", "u32": "I", "i64": "q", "u64": "Q", "bool": "B",
    "f32": "f", "f64": "d",
}  # fmt: skip


@functools.lru_cache(maxsize=10_000)
def size_and_align(kind: Any) -> tuple[int, int]:
    """Return both, in bytes."""
    if isinstance(kind, str):
        size = struct.calcsize("<" + FORMATS[kind])
        return size, size
    if kind[0] == "enum":
        return size_and_align(kind[1])
    if kind[0] == "array":
        size, align = size_and_align(kind[1])
        return size * kind[2], align
    if kind[0] == "counted":
        return 8, 8
    if kind[0] == "tagged":
        return size_and_align(("union", kind[1], tuple((name, inner) for name, inner, _ in kind[2])))
    align = max(size_and_align(inner)[1] for _, inner in kind[2])
    if kind[0] == "union":
        end = max(size_and_align(inner)[0] for _, inner in kind[2])
    else:
        last, inner = places(kind)[-1][1:]
        end = last + size_and_align(inner)[0]
    return -(-end // align) * align, align


@functools.lru_cache(maxsize=10_000)
def places(kind: Any) -> tuple[tuple[str, int, Any], ...]:
    """Return name, offset and type of each field of a struct."""
    found, at = [], 0
    for name, inner in kind[2]:
        size, align = size_and_align(inner)
        at = -(-at // align) * align
        found.append((name, at, inner))
        at += size
    return tuple(found)


def write(kind: Any, value: Any, into: bytearray, at: int, blocks: list[bytearray]) -> None:
    """Put a value where it lies; padding stays as it is. Blocks that it leads to are added to `blocks`."""
    if isinstance(kind, str):
        struct.pack_into("<" + FORMATS[kind], into, at, value)
    elif kind[0] == "enum":
        write(kind[1], value, into, at, blocks)
    elif kind[0] == "counted":
        _write_counted(kind[1], value, into, at, blocks)
    elif kind[0] == "tagged":
        ((alive, inner),) = value.items()
        into[at : at + size_and_align(kind)[0]] = bytes(size_and_align(kind)[0])  # what is not alive is zeros
        write(next(kind for name, kind, _ in kind[2] if name == alive), inner, into, at, blocks)
    elif kind[0] == "array":
        size = size_and_align(kind[1])[0]
        if isinstance(kind[1], str):
            struct.pack_into(f"<{len(value)}{FORMATS[kind[1]]}", into, at, *value)
            return
        for index, one in enumerate(value):
            write(kind[1], one, into, at + index * size, blocks)
    elif kind[0] == "union":
        into[at : at + len(value)] = value
    else:
        for name, offset, inner in places(kind):
            write(inner, value[name], into, at + offset, blocks)


def _write_counted(kind: Any, value: Any, into: bytearray, at: int, blocks: list[bytearray]) -> None:
    if value is None:
        struct.pack_into("<Q", into, at, 0)
        return
    size = size_and_align(kind)[0]
    block = bytearray(size * len(value))
    blocks.append(block)
    struct.pack_into("<Q", into, at, len(blocks))
    for index, one in enumerate(value):
        write(kind, one, block, index * size, blocks)


def read(kind: Any, data: bytes | bytearray, at: int = 0, blocks: Sequence[bytes | bytearray] = ()) -> Any:
    """Return the value that lies there."""
    if isinstance(kind, str):
        return struct.unpack_from("<" + FORMATS[kind], data, at)[0]
    if kind[0] == "enum":
        return read(kind[1], data, at)
    assert kind[0] not in ("counted", "tagged")  # read with what is beside it
    size = size_and_align(kind)[0]
    if kind[0] == "union":
        return bytes(data[at : at + size])
    if kind[0] == "array":
        if isinstance(kind[1], str):
            return list(struct.unpack_from(f"<{kind[2]}{FORMATS[kind[1]]}", data, at))
        stride = size_and_align(kind[1])[0]
        return [read(kind[1], data, at + index * stride, blocks) for index in range(kind[2])]
    found = {name: (at + offset, inner) for name, offset, inner in places(kind)}
    return {name: _read_field(inner, data, place, blocks, found) for name, (place, inner) in found.items()}


def _read_field(
    kind: Any, data: bytes | bytearray, at: int, blocks: Sequence[bytes | bytearray], fields: dict[str, tuple[int, Any]]
) -> Any:
    if is_declared(kind):
        place, beside = fields[kind[-1]]
        number = read(beside, data, place)
        if kind[0] == "tagged":
            return {name: read(inner, data, at, blocks) for name, inner, when in kind[2] if when == number}
        (block,) = struct.unpack_from("<Q", data, at)
        elements = ("array", kind[1], number)
        return read(elements, blocks[block - 1], 0, blocks) if block else None
    return read(kind, data, at, blocks)


def is_declared(kind: Any) -> bool:
    """Does another field say what of it there is?"""
    return not isinstance(kind, str) and kind[0] in ("counted", "tagged")


def has_blocks(kind: Any) -> bool:
    """Does it lead to blocks, anywhere inside?"""
    if isinstance(kind, str) or kind[0] in ("enum", "union"):
        return False
    if kind[0] == "array":
        return has_blocks(kind[1])
    return kind[0] == "counted" or any(has_blocks(one[1]) for one in kind[2])


def differences(kind: Any, one: Any, other: Any, path: str) -> list[str]:
    """Return the paths at which two values differ in their bytes; a union as a whole."""
    if not is_number(kind) and kind[0] == "array":
        return [path_ for at in range(kind[2]) for path_ in differences(kind[1], one[at], other[at], f"{path}[{at}]")]
    if not is_number(kind) and kind[0] == "struct":
        return [
            path_ for name, inner in kind[2] for path_ in differences(inner, one[name], other[name], f"{path}.{name}")
        ]
    if not is_number(kind) and kind[0] == "counted":
        return [] if one is None and other is None else [path]
    return [] if image(kind, one) == image(kind, other) else [path]


def image(kind: Any, value: Any) -> bytes:
    """Return a value's bytes, its padding zero: two values are the same where these are (so nan is nan)."""
    data, blocks = laid_out(kind, value)
    return b"".join((data, *blocks))


def laid_out(kind: Any, value: Any) -> tuple[bytearray, list[bytearray]]:
    """Return a value's bytes and those of the blocks that it leads to."""
    data, blocks = bytearray(size_and_align(kind)[0]), list[bytearray]()
    write(kind, value, data, 0, blocks)
    return data, blocks


def is_number(kind: Any) -> bool:
    return isinstance(kind, str) or kind[0] == "enum"


def scalar_of(kind: Any) -> str:
    return kind if isinstance(kind, str) else kind[1]
