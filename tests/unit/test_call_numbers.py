"""Numbers are taken strictly: what does not fit is refused by name before the plugin is entered."""

from __future__ import annotations

import fractions
from typing import Any

import numpy
import pytest
from call_scene import scene

SOURCE = "".join(
    f"{c} take_{name}(void *self, {c} value) {{ return value; }}\n"
    for name, c in {
        "i8": "int8_t",
        "i16": "int16_t",
        "i32": "int32_t",
        "i64": "int64_t",
        "u8": "uint8_t",
        "u16": "uint16_t",
        "u32": "uint32_t",
        "u64": "uint64_t",
        "f32": "float",
        "f64": "double",
    }.items()
)
INTEGERS = [f"{sign}{bits}" for sign in "iu" for bits in (8, 16, 32, 64)]


class Indexed:
    """An integer that is not an int."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __index__(self) -> int:
        return self.value


def taker(kind: str) -> Any:
    """The function that takes and returns one number of that type."""
    return getattr(scene(SOURCE, f"take_{kind}({kind} value) -> {kind}").plugin, f"take_{kind}")


def ends(kind: str) -> tuple[int, int]:
    bits = int(kind[1:])
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if kind[0] == "i" else (0, (1 << bits) - 1)


@pytest.mark.parametrize("kind", INTEGERS)
def test_every_integer_type_takes_its_whole_range(kind: str) -> None:
    """The ends are where sign and width go wrong."""
    take = taker(kind)
    low, high = ends(kind)

    for value in (low, low + 1, -1 if low else 0, 0, 1, high - 1, high):
        assert take(value) == value


@pytest.mark.parametrize("kind", INTEGERS)
def test_an_integer_out_of_range_names_parameter_type_and_value(kind: str) -> None:
    """A silent wrap-around would reach the plugin as a number nobody wrote."""
    take = taker(kind)
    low, high = ends(kind)

    for value in (low - 1, high + 1, -(1 << 64), 1 << 64, 1 << 200):
        with pytest.raises(
            OverflowError, match=f'gain.take_{kind}: parameter "value" is {kind} and takes {low} to {high}'
        ):
            take(value)
    with pytest.raises(OverflowError, match="got a number of more than 60 digits"):
        take(10**5000)


@pytest.mark.parametrize("value", [1.0, "1", None, b"1", 1j, fractions.Fraction(2)])
def test_what_is_no_integer_is_not_made_one(value: object) -> None:
    """A float that happens to be whole today is cut off tomorrow."""
    with pytest.raises(TypeError, match=r'gain\.take_i64: parameter "value" is i64 and takes an integer, got'):
        taker("i64")(value)


@pytest.mark.parametrize("value", [True, Indexed(1), numpy.int8(1), numpy.uint64(1)])
def test_anything_with_index_is_an_integer(value: object) -> None:
    """numpy's integers are not ints and must not need a cast."""
    assert taker("u8")(value) == 1
    assert taker("i64")(value) == 1


def test_reals_take_what_has_a_float_value() -> None:
    """An int given for a real number is exact up to 2**53, as everywhere in Python."""
    for value in (2, 2.0, numpy.float32(2), numpy.int16(2), fractions.Fraction(2), Indexed(2)):
        assert taker("f64")(value) == 2.0
        assert taker("f32")(value) == 2.0


@pytest.mark.parametrize("value", ["2", None, b"2", 2j])
def test_what_is_no_real_number_is_refused(value: object) -> None:
    """float("2") is a conversion, not a number."""
    with pytest.raises(TypeError, match='parameter "value" is f64 and takes a real number, got'):
        taker("f64")(value)


def test_an_f32_must_not_overflow() -> None:
    """1e300 would silently arrive as infinity; infinity itself is a value."""
    take = taker("f32")

    with pytest.raises(OverflowError, match=r'parameter "value" is f32 and takes up to 3.4028235e\+38, got 1e\+300'):
        take(1e300)
    assert take(float("inf")) == float("inf")
    assert take(3.4028235e38) == pytest.approx(3.4028235e38)


def test_errors_of_conversions_come_through_as_they_are() -> None:
    """An __index__ or __float__ that raises is the caller's own error."""

    class Broken:
        def __index__(self) -> int:
            raise LookupError("mine")

    for kind in ("i64", "f64", "f32"):
        with pytest.raises(LookupError, match="mine"):
            taker(kind)(Broken())


@pytest.mark.parametrize("arguments", [(), (1,), (1, 2, 3)])
def test_a_wrong_number_of_arguments_names_those_that_belong(arguments: tuple[int, ...]) -> None:
    """A count alone does not say which one is missing."""
    plugin = scene("int64_t add(void *self, int64_t a, int64_t b) { return a + b; }", "add(i64 a, i64 b) -> i64").plugin

    with pytest.raises(TypeError, match=rf"gain.add takes 2 arguments \(a, b\), got {len(arguments)}"):
        plugin.add(*arguments)
