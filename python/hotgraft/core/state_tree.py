"""A declared state as plain values by field name, and those values as its bytes again.

    {"gain": 0.5, "mode": 2, "name": "left", "bands": [{"hz": 440.0}, {"hz": 880.0}]}

A number is an int or a float, an enum its int, a bool a bool. An array is a list, but an array of u8 is bytes, and one
of i8 (which is what char is) a str where it is a text: UTF-8, ended by a zero and zeros behind it; else bytes as well.
A union without a tag is the bytes of the whole union, and so are fields that share bytes: they stand under their names
joined, ``"whole|parts"``. Bitfields are ints. A struct's own size is no value: it is left out, and written. A number
that Python has no word for (f80) is its bytes. What an address leads to is no part of the state: it is read as an int,
and only a null one is written.

What the author declared (abi/hotgraft/fields.h) shows: a pointer that is counted is the list of its elements (of u8 and
i8: bytes), or None; where its block has room for more, ``"items.room"`` beside it says for how many. A union with a tag
is ``{"arm": value}``. A count or a tag may be left out, because the list or the arm says it; if it is there, it must
agree.

`encode` is strict, because a field that nobody set or a name that nobody reads is a mistake: whatever is missing, is
too much, or does not fit is a reason, and all of them come at once. An enum may be given by its constant's name, an
array of u8 or i8 as a list of numbers. What `decode` made, `encode` takes; padding becomes zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from hotgraft.core.c_types import Array, CType, Named
from hotgraft.core.state_reader import Reader
from hotgraft.core.state_writer import Writer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hotgraft.core.layout import StateLayout

__all__ = ["UnfitValues", "decode", "decode_states", "encode", "encode_field", "encode_image", "encode_states"]

REASONS_LIMIT: Final = 100
Bytes: TypeAlias = bytes | bytearray | memoryview


class UnfitValues(ValueError):  # noqa: N818  # as the other errors that a reader meets are named
    """Values that are no state of a layout; `reasons` has a sentence for each, with the field's path."""

    def __init__(self, reasons: Sequence[str]) -> None:
        more = len(reasons) - REASONS_LIMIT
        self.reasons = (*reasons[:REASONS_LIMIT], *([f"and {more} more"] if more > 0 else []))
        super().__init__("; ".join(self.reasons))


def decode(layout: StateLayout, block: Bytes, blocks: Sequence[Bytes] = ()) -> dict[str, Any]:
    """Return the values of one state; `blocks` are those it leads to, numbered from 1: where a pointer was, its number.

    Raises:
        ValueError: the layout cannot be worked with, the block has another size than one state of it, or the blocks are
            not those it leads to.
    """
    _must_work(layout)
    if len(block) != layout.bytes:
        raise ValueError(f"{layout.struct}: a state of {layout.bytes} bytes, in a block of {len(block)}")
    return Reader(layout, memoryview(block), [memoryview(one) for one in blocks]).states()[0]


def decode_states(
    layout: StateLayout, block: Bytes, blocks: Sequence[Bytes] = (), *, shortens: bool = False
) -> list[dict[str, Any]]:
    """Return the values of the states that lie side by side in a block; `shortens`: an f32 in the fewest digits, 0.1.

    Raises:
        ValueError: as `decode`.
    """
    _must_work(layout)
    if len(block) % layout.bytes:
        raise ValueError(f"{layout.struct}: states of {layout.bytes} bytes, in a block of {len(block)}")
    return Reader(layout, memoryview(block), [memoryview(one) for one in blocks], shortens=shortens).states()


def encode(layout: StateLayout, values: Mapping[str, Any]) -> bytes:
    """Return the bytes of one state that leads to no blocks.

    Raises:
        UnfitValues: fields are missing, unknown, or hold what does not fit.
        ValueError: the layout cannot be worked with, or the values lead to blocks.
    """
    block, blocks = encode_image(layout, values)
    if blocks:
        raise ValueError(f"{layout.struct}: it leads to blocks of their own, which have to come along")
    return block


def encode_image(layout: StateLayout, values: Mapping[str, Any]) -> tuple[bytes, tuple[bytes, ...]]:
    """Return the bytes of one state and of the blocks that it leads to, numbered as `decode` wants them.

    Raises:
        UnfitValues: as `encode`. ValueError: the layout cannot be worked with.
    """
    _must_work(layout)
    writer = Writer(layout, bytearray(layout.bytes))
    writer.put(Named(layout.struct), 0, values, "")
    return _image(writer)


def encode_states(layout: StateLayout, states: Sequence[Any]) -> tuple[bytes, tuple[bytes, ...]]:
    """Return the same of states that lie side by side; a reason begins with the place of its state: ``[3].gain: …``.

    Raises:
        UnfitValues, ValueError: as `encode`.
    """
    _must_work(layout)
    kind = Array(Named(layout.struct), len(states))
    writer = Writer(layout, bytearray(layout.size(kind)))
    writer.put(kind, 0, states, "")
    return _image(writer)


def encode_field(layout: StateLayout, kind: CType, value: Any) -> bytes:
    """Return the bytes of one field of a layout that `reasons` has nothing against.

    Raises:
        UnfitValues: the value does not fit; the field has no path here, what is inside it has.
    """
    writer = Writer(layout, bytearray(layout.size(kind)))
    writer.put(kind, 0, value, "")
    return _image(writer)[0]


def _image(writer: Writer) -> tuple[bytes, tuple[bytes, ...]]:
    if writer.reasons:
        raise UnfitValues(writer.reasons)
    block, *blocks = map(bytes, writer.made)
    return block, tuple(blocks)


def _must_work(layout: StateLayout) -> None:
    if reasons := layout.reasons():
        raise ValueError("; ".join(reasons))
