"""A declared state as plain values by field name, and those values as its bytes again.

    {"gain": 0.5, "mode": 2, "name": "left", "bands": [{"hz": 440.0}, {"hz": 880.0}]}

A number is an int or a float, an enum its int, a bool a bool. An array is a list, but an array of u8 is bytes, and one
of i8 (which is what char is) a str where it is a text: UTF-8, ended by a zero and zeros behind it; else bytes as well.
A union without a tag is the bytes of the whole union, and so are fields that share bytes: they stand under their names
joined, ``"whole|parts"``. Bitfields are ints. A struct's own size is no value: it is left out, and written. A number
that Python has no word for (f80) is its bytes. What an address leads to is no part of the state: it is read as an int,
and only a null one is written.

`encode` is strict, because a field that nobody set or a name that nobody reads is a mistake: whatever is missing, is
too much, or does not fit is a reason, and all of them come at once. An enum may be given by its constant's name, an
array of u8 or i8 as a list of numbers. What `decode` made, `encode` takes; padding becomes zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.c_types import CType, Named
from hotgraft.core.state_reader import Reader
from hotgraft.core.state_writer import Writer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hotgraft.core.layout import StateLayout

__all__ = ["UnfitValues", "decode", "encode", "encode_field"]

REASONS_LIMIT: Final = 100


class UnfitValues(ValueError):  # noqa: N818  # as the other errors that a reader meets are named
    """Values that are no state of a layout; `reasons` has a sentence for each, with the field's path."""

    def __init__(self, reasons: Sequence[str]) -> None:
        more = len(reasons) - REASONS_LIMIT
        self.reasons = (*reasons[:REASONS_LIMIT], *([f"and {more} more"] if more > 0 else []))
        super().__init__("; ".join(self.reasons))


def decode(layout: StateLayout, block: bytes | bytearray | memoryview) -> dict[str, Any]:
    """Return the values of one state.

    Raises:
        ValueError: the layout cannot be worked with, or the block has another size than one state of it.
    """
    _must_work(layout)
    if len(block) != layout.bytes:
        raise ValueError(f"{layout.struct}: a state of {layout.bytes} bytes, in a block of {len(block)}")
    values: dict[str, Any] = Reader(layout, memoryview(block)).value(Named(layout.struct), 0)
    return values


def encode(layout: StateLayout, values: Mapping[str, Any]) -> bytes:
    """Return the bytes of one state.

    Raises:
        UnfitValues: fields are missing, unknown, or hold what does not fit.
        ValueError: the layout cannot be worked with.
    """
    _must_work(layout)
    return encode_field(layout, Named(layout.struct), values)


def encode_field(layout: StateLayout, kind: CType, value: Any) -> bytes:
    """Return the bytes of one field of a layout that `reasons` has nothing against.

    Raises:
        UnfitValues: the value does not fit; the field has no path here, what is inside it has.
    """
    made = bytearray(layout.size(kind))
    writer = Writer(layout, made)
    writer.put(kind, 0, value, "")
    if writer.reasons:
        raise UnfitValues(writer.reasons)
    return bytes(made)


def _must_work(layout: StateLayout) -> None:
    if reasons := layout.reasons():
        raise ValueError("; ".join(reasons))
