"""A saved state as Python values, and as the MessagePack that the native core keeps it in (keyed_state.hpp)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["pack_values", "unfit_values", "unpack_values"]

DEPTH_MAX: Final = 64  # maps and arrays inside one another, the top left out
KEY_BYTES_MAX: Final = 255  # at the top
INNER_KEY_BYTES_MAX: Final = 65_535


def unpack_values(data: bytes) -> dict[str, Any]:
    """Return the values by key, in the order they were put.

    They are int, float, str, bytes, bool, None, list, and dict with keys that are str or int.

    Raises:
        ValueError: the bytes are no map of such values.
    """
    values = msgspec.msgpack.decode(data)
    if not isinstance(values, dict):
        raise ValueError(f"the values are one map, got {type(values).__name__}")
    return values


def pack_values(values: dict[str, Any]) -> bytes:
    """Return what `unpack_values` takes; `_core` says whether a saved state may hold it.

    Raises:
        TypeError: a value that is none of those.
        ValueError: a whole number beyond 64 bits.
    """
    try:
        return msgspec.msgpack.encode(values, enc_hook=_refuse)
    except OverflowError as error:
        raise ValueError(str(error)) from None


def _refuse(value: object) -> object:
    raise TypeError(f"{type(value).__name__} is none of the values that a saved state holds")


def unfit_values(values: dict[str, Any]) -> list[str]:
    """Return every reason why no save could put these values, with the path of each."""
    return [*_unfit_map(values, "", 0)]


def _unfit(value: object, path: str, depth: int) -> Iterator[str]:
    if value is None or isinstance(value, bool | float | bytes | bytearray):
        return
    if isinstance(value, int):
        if not -(1 << 63) <= value < 1 << 64:
            yield f"{path}: {value:#x} does not fit into 64 bits"
    elif isinstance(value, str):
        if not _is_utf8(value):
            yield f"{path}: the text has no form in UTF-8"
    elif depth > DEPTH_MAX:
        yield f"{path[:80]}: it lies more than {DEPTH_MAX} deep"
    elif isinstance(value, dict):
        yield from _unfit_map(value, path, depth)
    elif isinstance(value, list | tuple):
        for index, one in enumerate(value):
            yield from _unfit(one, f"{path}[{index}]", depth + 1)
    else:
        yield f"{path}: {type(value).__name__} is none of the values that a saved state holds"


def _unfit_map(values: dict[Any, Any], path: str, depth: int) -> Iterator[str]:
    most = INNER_KEY_BYTES_MAX if depth else KEY_BYTES_MAX
    for key, value in values.items():
        where = f"{path}.{key}" if path else f"{key!s:.80}"
        if isinstance(key, str):
            if not _is_utf8(key) or not 1 <= len(key.encode()) <= most or "\0" in key:
                yield f"{where!r}: a key has 1 to {most} bytes of UTF-8 and no zero among them"
        elif not (depth and isinstance(key, int) and not isinstance(key, bool) and -(1 << 63) <= key < 1 << 63):
            yield f"{where!r}: a key is a text" + (", or a whole number of 64 bits" if depth else "")
        yield from _unfit(value, where, depth + 1)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
