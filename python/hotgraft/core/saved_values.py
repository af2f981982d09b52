"""A saved state as Python values, and as the MessagePack that the native core keeps it in (keyed_state.hpp)."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["pack_values", "unpack_values"]


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
