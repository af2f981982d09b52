"""Saved values between the form that the core gives and takes them in, and plain Python values by key."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.state_tree import UnfitValues

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Saved", "saved_of", "values_of"]

Saved = tuple[tuple[bytes, int, bytes], ...]  # key, type, bytes; in the order they were put
_I64, _F64, _TEXT, _BYTES = 1, 2, 3, 4  # abi state.h
_KEY_BYTES_MAX: Final = 255


def values_of(saved: Iterable[tuple[bytes, int, bytes]]) -> dict[str, Any]:
    """Return what was saved by key, in the order it was put."""
    return {key.decode(): _value(kind, data) for key, kind, data in saved}


def _value(kind: int, data: bytes) -> Any:
    if kind == _I64:
        return struct.unpack("=q", data)[0]
    if kind == _F64:
        return struct.unpack("=d", data)[0]
    return data.decode() if kind == _TEXT else data


def saved_of(values: Mapping[str, Any]) -> Saved:
    """Return values as save would have put them.

    Raises:
        UnfitValues: of keys and values that no save can put; all of them.
    """
    found, reasons = [], []
    for key, value in values.items():
        try:
            found.append((_key(key), *_typed(value)))
        except ValueError as error:
            reasons.append(f"{key!r:.80}: {error}")
    if reasons:
        raise UnfitValues(reasons)
    return tuple(found)


def _key(key: object) -> bytes:
    if not isinstance(key, str):
        raise ValueError(f"a key is a text, and this is {type(key).__name__}")
    data = key.encode()
    if not 1 <= len(data) <= _KEY_BYTES_MAX or b"\0" in data:
        raise ValueError(f"a key has 1 to {_KEY_BYTES_MAX} bytes and no zero among them")
    return data


def _typed(value: object) -> tuple[int, bytes]:
    if isinstance(value, int):
        try:
            return _I64, struct.pack("=q", value)
        except struct.error:
            raise ValueError("it does not fit into 64 bits") from None
    if isinstance(value, float):
        return _F64, struct.pack("=d", value)
    if isinstance(value, str):
        return _TEXT, value.encode()
    if isinstance(value, bytes | bytearray):
        return _BYTES, bytes(value)
    raise ValueError(f"{type(value).__name__} is no type that saved values have")
