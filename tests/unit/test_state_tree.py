"""A declared state as plain values, and back: exact both ways, and every reason at once where it is none."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy
import pytest
from hotgraft.core.c_types import Array, CType, Named, Pointer, Scalar
from hotgraft.core.layout import StateLayout
from hotgraft.core.state_tree import UnfitValues, decode, encode, encode_image
from hotgraft.core.surface import Enumeration, Member, Record
from layout_memory import image, read
from layout_pairs import Maker
from layout_scene import block_of, layout_of

MODE = Enumeration(type="u8", values=(("OFF", 0), ("ON", 1), ("AUTO", 7)))


def layout(*fields: tuple[str, CType, int], size: int, **types: Any) -> StateLayout:
    """Return a struct `s` of fields at byte offsets."""
    members = tuple(Member(name=name, type=kind, offset_bits=8 * at) for name, kind, at in fields)
    return StateLayout(struct="s", types={"s": Record(kind="struct", bytes=size, align=8, members=members), **types})


def test_values_by_field_name_are_the_bytes_where_c_has_them() -> None:
    """Who writes a converter or reads a snapshot sees fields, not offsets; padding is zero."""
    band = Record(kind="struct", bytes=8, align=4, members=(
        Member(name="hz", type=Scalar("f32"), offset_bits=0), Member(name="on", type=Scalar("bool"), offset_bits=32),
    ))  # fmt: skip
    made_of = layout(
        ("gain", Scalar("f64"), 0), ("mode", Named("mode"), 8), ("bands", Array(Named("band"), 2), 12),
        ("name", Array(Scalar("i8"), 6), 28), ("key", Array(Scalar("u8"), 2), 34), size=40, band=band, mode=MODE,
    )  # fmt: skip
    values = {
        "gain": 0.5, "mode": 7, "bands": [{"hz": 440.0, "on": True}, {"hz": -1.0, "on": False}],
        "name": "größ"[:3], "key": b"\x00\xff",
    }  # fmt: skip

    block = encode(made_of, values)

    bands = struct.pack("<f?3xf?3x", 440.0, True, -1.0, False)
    assert block == struct.pack("<dB3x", 0.5, 7) + bands + "grö".encode() + b"\0\0" + b"\0\xff" + bytes(4)
    assert decode(made_of, block) == values
    assert decode(made_of, bytearray(block)) == values


@pytest.mark.parametrize("bits", [0x7FF0 << 48, 0xFFF0 << 48, 0x7FF8 << 48 | 0xABCDEF, 1, 0x8000 << 48, 0x3FB9 << 48])
def test_every_kind_of_float_comes_back_bit_for_bit(bits: int) -> None:
    """Infinities, a nan with its payload, the smallest number, and the zero that is negative."""
    made_of = layout(("x", Scalar("f64"), 0), ("all", Array(Scalar("f64"), 2), 8), size=24)
    block = bits.to_bytes(8, "little") * 3
    assert encode(made_of, decode(made_of, block)) == block


def test_a_number_at_its_limit_fits_and_one_beyond_does_not() -> None:
    """Ranges are those of the field, both ends included; a float may round but not overflow."""
    for name, low, high in (("i8", -128, 127), ("u8", 0, 255), ("i64", -(2**63), 2**63 - 1), ("u64", 0, 2**64 - 1)):
        made_of = layout(("x", Scalar(name), 0), size=8)
        for value in (low, high):
            assert decode(made_of, encode(made_of, {"x": value})) == {"x": value}
        for value in (low - 1, high + 1):
            with pytest.raises(UnfitValues, match=f"x: {value} is not between {low} and {high}"):
                encode(made_of, {"x": value})
    made_of = layout(("x", Scalar("f32"), 0), size=8)
    assert decode(made_of, encode(made_of, {"x": 0.1}))["x"] == pytest.approx(0.1)
    assert math.isinf(decode(made_of, encode(made_of, {"x": math.inf}))["x"])
    with pytest.raises(UnfitValues, match=r"x: 1e[+]300 is beyond f32"):
        encode(made_of, {"x": 1e300})


def test_whatever_does_not_fit_is_said_at_once_with_its_path() -> None:
    """An author who repairs one field per run would run as often as there are fields."""
    band = Record(kind="struct", bytes=4, align=4, members=(Member(name="hz", type=Scalar("u32"), offset_bits=0),))
    made_of = layout(
        ("gain", Scalar("f64"), 0), ("mode", Named("mode"), 8), ("bands", Array(Named("band"), 3), 12),
        ("name", Array(Scalar("i8"), 4), 24), ("on", Scalar("bool"), 28), ("taps", Array(Scalar("i16"), 2), 30),
        ("key", Array(Scalar("u8"), 4), 34), ("next", Pointer(Scalar("void")), 40), size=48, band=band, mode=MODE,
    )  # fmt: skip

    with pytest.raises(UnfitValues) as error:
        encode(made_of, {
            "gain": "loud", "mode": "OPEN", "bands": [{"hz": 1}, {"hz": -1, "q": 2}, 7], "name": "left", "on": 2,
            "taps": [1], "key": b"abc", "next": 0xDEAD,
        })  # fmt: skip

    assert error.value.reasons == (
        "gain: 'loud' is no number",
        "mode: 'OPEN' is none of OFF, ON, AUTO",
        "bands[1].hz: -1 is not between 0 and 4294967295",
        "bands[1].q: band has no such field",
        "bands[2]: 7 is no dict of the fields of band",
        "name: a text of 4 bytes and the zero that ends it do not fit into 4",
        "on: 2 is neither true nor false",
        "taps: 1 values, and it has 2",
        "key: 3 bytes, and it has 4",
        "next: 57005 is an address, and what it leads to is no part of the state",
    )
    with pytest.raises(UnfitValues) as error:
        encode(made_of, {})
    assert len(error.value.reasons) == 8
    assert error.value.reasons[0] == "gain: it is missing"


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"left\0\0", "left"), (bytes(6), ""), (b"le\0ft\0", b"le\0ft\0"), (b"lefter", b"lefter"),
        (b"\xff\xfe\0\0\0\0", b"\xff\xfe\0\0\0\0"),
    ],
)  # fmt: skip
def test_a_buffer_is_a_text_only_where_nothing_of_it_is_lost(data: bytes, value: object) -> None:
    """An int8_t array may hold numbers behind a zero: they are no padding of a text."""
    made_of = layout(("name", Array(Scalar("i8"), 6), 0), size=8)
    assert decode(made_of, data + bytes(2)) == {"name": value}
    assert encode(made_of, {"name": value}) == data + bytes(2)


def test_bitfields_are_ints_and_fields_that_share_bytes_are_their_bytes() -> None:
    """Of overlapping fields nobody says which holds the value: all of their bytes are kept."""
    members = (
        Member(name="low", type=Scalar("u32"), offset_bits=0, bits=3),
        Member(name="level", type=Scalar("i32"), offset_bits=3, bits=5),
        Member(name="whole", type=Scalar("f32"), offset_bits=32),
        Member(name="parts", type=Array(Scalar("u8"), 4), offset_bits=32),
    )
    made_of = StateLayout(struct="s", types={"s": Record(kind="struct", bytes=8, align=4, members=members)})
    values = {"low": 5, "level": -16, "whole|parts": b"\1\2\3\4"}

    block = encode(made_of, values)

    assert block == bytes([0b10000101, 0, 0, 0, 1, 2, 3, 4])
    assert decode(made_of, block) == values
    with pytest.raises(UnfitValues, match="level: 16 is not between -16 and 15"):
        encode(made_of, {**values, "level": 16})


def test_a_struct_that_knows_its_size_has_it_written_and_not_read() -> None:
    """What a converter copies from an older state must not make the new one claim the older size."""
    made_of = layout(("struct_size", Scalar("u32"), 0), ("x", Scalar("u32"), 4), size=8)
    block = struct.pack("<II", 8, 3)
    assert decode(made_of, block) == {"x": 3}
    assert encode(made_of, {"x": 3}) == encode(made_of, {"x": 3, "struct_size": 4}) == block


def test_random_states_come_back_as_they_lay() -> None:
    """The values are those of the slow reference, and so are the bytes, padding zero."""
    for seed in range(60):
        maker = Maker(seed)
        kind = maker.struct()
        made_of = layout_of(kind)
        block = block_of(kind, [maker.value(kind, 0.3)], maker.random)
        values = decode(made_of, block)
        again = encode(made_of, values)
        assert repr(decode(made_of, again)) == repr(values), seed
        assert again == image(kind, read(kind, block)), seed


def test_a_block_of_another_size_or_a_layout_that_cannot_be_is_refused() -> None:
    """A file may say anything."""
    made_of = layout(("x", Scalar("u32"), 0), size=8)
    with pytest.raises(ValueError, match="s: a state of 8 bytes, in a block of 7"):
        decode(made_of, bytes(7))
    with pytest.raises(ValueError, match="do not lie inside"):
        decode(layout(("x", Scalar("u64"), 4), size=8), bytes(8))


DOT = Record(kind="struct", bytes=16, align=8, members=(
    Member(name="x", type=Scalar("f32"), offset_bits=0), Member(name="n", type=Scalar("u32"), offset_bits=32),
    Member(name="tail", type=Pointer(Scalar("u8")), offset_bits=64, counted="n"),
))  # fmt: skip
SHAPE = Record(kind="union", bytes=8, align=4, members=(
    Member(name="round", type=Scalar("f32"), offset_bits=0, when=0),
    Member(name="box", type=Array(Scalar("u16"), 4), offset_bits=0, when=7),
))  # fmt: skip
SCENE = StateLayout(struct="s", types={"dot": DOT, "shape": SHAPE, "mode": MODE, "s": Record(
    kind="struct", bytes=32, align=8, members=(
        Member(name="count", type=Scalar("u32"), offset_bits=0),
        Member(name="kind", type=Named("mode"), offset_bits=32),
        Member(name="dots", type=Pointer(Named("dot")), offset_bits=64, counted="count"),
        Member(name="body", type=Named("shape"), offset_bits=128, tag="kind"),
        Member(name="connection", type=Scalar("u64"), offset_bits=192, is_handle=True),
    ),
)})  # fmt: skip
SCENE_VALUES: dict[str, Any] = {
    "count": 2, "kind": 7, "connection": 9, "body": {"box": [1, 2, 3, 4]}, "dots.room": 3,
    "dots": [{"x": 0.5, "n": 3, "tail": b"abc"}, {"x": 1.0, "n": 0, "tail": None}],
}  # fmt: skip


def test_what_is_counted_is_a_list_and_what_has_a_tag_is_its_arm() -> None:
    """Addresses mean nothing to who reads: a pointer is the number of a block, outer ones first."""
    block, blocks = encode_image(SCENE, SCENE_VALUES)

    assert block == struct.pack("<IB3xQ4HQ", 2, 7, 1, 1, 2, 3, 4, 9)
    assert blocks == (struct.pack("<fIQfIQ16x", 0.5, 3, 2, 1.0, 0, 0), b"abc")
    assert decode(SCENE, block, blocks) == SCENE_VALUES
    implied = {key: value for key, value in SCENE_VALUES.items() if key not in ("count", "kind")}
    assert encode_image(SCENE, implied) == (block, blocks)
    assert encode_image(SCENE, {**SCENE_VALUES, "kind": "AUTO"}) == (block, blocks)
    with pytest.raises(ValueError, match="it leads to blocks of their own"):
        encode(SCENE, SCENE_VALUES)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"count": 3}, "dots: 2 elements, and count is 3"),
        ({"dots": None}, "dots: 0 elements, and count is 2"),
        ({"dots.room": -1}, "dots.room: -1 is no number of elements"),
        ({"body": {"round": 1.0}}, "body.round: it is alive by 0, and the tag is 7"),
        ({"body": {"oval": 1.0}}, "body.oval: no such arm: round, box"),
        ({"body": {}}, "body: {} is no dict of the one arm that is alive: round, box"),
        ({"dots": [1, 2]}, "dots[0]: 1 is no dict of the fields of dot"),
    ],
)
def test_counts_tags_and_elements_that_do_not_agree_are_refused(change: dict[str, Any], why: str) -> None:
    """A plugin trusts its counts."""
    with pytest.raises(UnfitValues) as error:
        encode_image(SCENE, {**SCENE_VALUES, **change})
    assert why in error.value.reasons[0]


@pytest.mark.parametrize(
    ("at", "value", "why"),
    [
        (8, 0, "block 1 is there, and nothing leads to it"),
        (8, 4, "s.dots: it leads to block 4, which is not there"),
        (0, 4, r"s.dots: it has 4 elements of 16 bytes, in a block of 48"),
    ],
)
def test_an_image_whose_pointers_lead_elsewhere_is_refused(at: int, value: int, why: str) -> None:
    """It may come from a file."""
    block, blocks = encode_image(SCENE, SCENE_VALUES)
    changed = bytearray(block)
    changed[at] = value
    with pytest.raises(ValueError, match=why):
        decode(SCENE, changed, blocks)
    twice = struct.pack("<fIQfIQ16x", 0.5, 3, 2, 1.0, 1, 2)
    with pytest.raises(ValueError, match="which something else leads to"):
        decode(SCENE, block, (twice, b"abc"))


def test_a_tag_that_says_nothing_leaves_the_bytes() -> None:
    """What cannot be known is shown as it is, and can be written again."""
    block, blocks = encode_image(SCENE, SCENE_VALUES)
    odd = block[:4] + bytes([1]) + block[5:]
    values = decode(SCENE, odd, blocks)
    assert values["body"] == struct.pack("<4H", 1, 2, 3, 4)
    assert encode_image(SCENE, values) == (odd, blocks)


def test_a_number_of_numpy_is_told_what_makes_one_of_it() -> None:
    """It looks like a whole number, and 'no whole number' alone would be no help."""
    made_of = layout(("x", Scalar("i64"), 0), size=8)
    with pytest.raises(UnfitValues, match=r"x: .*5.* is of type int32: int\(\) makes a whole number of it"):
        encode(made_of, {"x": numpy.int32(5)})
