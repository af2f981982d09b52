"""Buffers are lent to the plugin as they are: no copy, and never shorter, narrower or more read-only than declared."""

from __future__ import annotations

import array
import ctypes
import sys
from typing import Any

import numpy
import pytest
from call_scene import Scene, scene

SOURCE = """
int32_t scale(void *self, const float *in, float *out, uint64_t n)
    { for (uint64_t i = 0; i < n; i++) out[i] = 2 * in[i]; return 0; }
int64_t count(void *self, const uint8_t *data, int32_t n)
    { int64_t sum = 0; for (int32_t i = 0; i < n; i++) sum += data[i]; return sum; }
int64_t total(void *self, const int8_t *data, uint8_t n)
    { int64_t sum = 0; for (int i = 0; i < n; i++) sum += data[i]; return sum; }
int32_t fill(void *self, int64_t *out) { for (int i = 0; i < 3; i++) out[i] = i + 1; return 0; }
int64_t is_null(void *self, const float *in, uint64_t n) { return in == 0; }
int64_t has_address(void *self, const float *in, uint64_t n) { return in != 0; }
struct pair { int64_t a, b; };
int64_t sum_pairs(void *self, const struct pair *pairs, uint64_t n)
    { int64_t sum = 0; for (uint64_t i = 0; i < n; i++) sum += pairs[i].a * pairs[i].b; return sum; }
int64_t bytes_of(void *self, const void *data, uint64_t n)
    { int64_t sum = 0; for (uint64_t i = 0; i < n; i++) sum += ((const uint8_t *)data)[i]; return sum; }
int64_t address(void *self, double *out, uint64_t n) { return (int64_t)out; }
int64_t mixed(void *self, double k, const float *in, uint64_t n, float *out, uint64_t m, int64_t x, int64_t y)
    { out[m - 1] = (float)(k * in[n - 1]); return x - y; }
"""
SIGNATURES = (
    "scale(f32* in in(n), f32* out out(n), u64 n) -> status",
    "count(u8* data in(n), i32 n) -> i64",
    "total(i8* data in(n), u8 n) -> i64",
    "fill(i64* out out(3)) -> status",
    "is_null(f32* in in(n) nullable, u64 n) -> i64",
    "has_address(f32* in in(n), u64 n) -> i64",
    "sum_pairs(pair* pairs in(n), u64 n) -> i64",
    "bytes_of(void* data in(n), u64 n) -> i64",
    "address(f64* out inout(n), u64 n) -> i64",
    "mixed(f64 k, f32* in in(n), u64 n, f32* out out(m), u64 m, i64 x, i64 y) -> i64",
)
STRUCTS = {"pair": {"bytes": 16, "align": 8, "fields": []}}


@pytest.fixture
def plugin() -> Any:
    return serve().plugin


def serve() -> Scene:
    return scene(SOURCE, *SIGNATURES, structs=STRUCTS)


def test_a_plugin_writes_into_the_callers_memory(plugin: Any) -> None:
    """Copies would make a large buffer cost what the plugin was to save."""
    for out in (array.array("f", [0] * 3), numpy.zeros(3, numpy.float32), memoryview(bytearray(12)).cast("f")):
        plugin.scale(array.array("f", [1, 2, 3]), out, 3)
        assert list(out) == [2, 4, 6]


def test_the_address_is_the_buffers_own(plugin: Any) -> None:
    """Proof that nothing was copied."""
    data = numpy.zeros(8)

    assert plugin.address(data, 8) == data.ctypes.data
    assert plugin.address(data[2:], 6) == data.ctypes.data + 16


@pytest.mark.parametrize(
    "data", [b"\x01\x02", bytearray(b"\x01\x02"), array.array("B", [1, 2]), array.array("b", [1, 2])]
)
def test_bytes_are_characters_signed_or_not(plugin: Any, data: Any) -> None:
    """bytes has format B, and text in C is char."""
    assert plugin.count(data, 2) == 3
    assert plugin.total(data, 2) == 3


WRONG: list[tuple[Any, str]] = [
    (array.array("d", [0] * 4), r'got items of format "d" and 8 bytes'),
    (array.array("i", [0] * 4), r'got items of format "i" and 4 bytes'),
    (b"\0" * 16, r'got items of format "B" and 1 bytes'),
    (numpy.zeros(4, ">f4"), r'got items of format ">f" and 4 bytes'),
    (numpy.zeros(4, numpy.float64), r'got items of format "d" and 8 bytes'),
    (numpy.zeros(4, numpy.complex64), r'got items of format "Zf" and 8 bytes'),
    ([1.0, 2.0], r"got list: "),
    (1.0, r"got float: "),
    ("text", r"got str: "),
    (None, r"got None, and it may not be NULL"),
]


@pytest.mark.parametrize(("data", "found"), WRONG)
def test_another_element_type_is_refused_by_name(plugin: Any, data: Any, found: str) -> None:
    """Reinterpreted bytes are garbage that looks like data."""
    out = array.array("f", [0] * 4)

    with pytest.raises(TypeError, match=f'gain.scale: parameter "in" takes a f32 buffer, {found}'):
        plugin.scale(data, out, 4)
    assert list(out) == [0] * 4


def test_a_buffer_with_gaps_is_refused(plugin: Any) -> None:
    """The plugin steps from element to element; a stride would lead it into other data."""
    with pytest.raises(
        (ValueError, BufferError), match=r'parameter "in" takes a f32 buffer, got numpy.ndarray: .*contiguous'
    ):
        plugin.scale(numpy.zeros(8, numpy.float32)[::2], array.array("f", [0] * 4), 4)


@pytest.mark.parametrize("out", [b"\0" * 16, memoryview(b"\0" * 16).cast("f"), "frozen"])
def test_out_and_inout_need_writable_memory(plugin: Any, out: Any) -> None:
    """bytes are immutable to everybody else who holds them."""
    if out == "frozen":
        out = numpy.zeros(4, numpy.float32)
        out.flags.writeable = False

    with pytest.raises((BufferError, ValueError, TypeError), match='parameter "out" takes a writable f32 buffer, got'):
        plugin.scale(array.array("f", [0] * 4), out, 4)


LENGTHS: list[tuple[str, tuple[Any, ...], str]] = [
    (
        "scale",
        (array.array("f", [0] * 2), array.array("f", [0] * 9), 3),
        '"in" needs n = 3 elements of 4 bytes, the buffer has 8',
    ),
    (
        "scale",
        (array.array("f", [0] * 9), array.array("f", [0] * 2), 3),
        '"out" needs n = 3 elements of 4 bytes, the buffer has 8',
    ),
    (
        "scale",
        (array.array("f", [0] * 9), array.array("f", [0] * 9), 1 << 62),
        "needs n = 4611686018427387904 elements",
    ),
    (
        "scale",
        (array.array("f", [0] * 9), array.array("f", [0] * 9), (1 << 64) - 1),
        "needs n = 18446744073709551615 elements",
    ),
    ("count", (b"ab", 3), '"data" needs n = 3 elements of 1 bytes, the buffer has 2'),
    ("count", (b"ab", -1), '"data" needs n = -1 elements of 1 bytes, the buffer has 2'),
    ("total", (b"ab", 255), '"data" needs n = 255 elements of 1 bytes, the buffer has 2'),
    ("fill", (array.array("q", [0] * 2),), '"out" needs 3 elements of 8 bytes, the buffer has 16'),
    ("sum_pairs", (b"\0" * 31, 2), '"pairs" needs n = 2 elements of 16 bytes, the buffer has 31'),
    (
        "mixed",
        (1.0, array.array("f", [1]), 1, array.array("f", [1]), 2, 0, 0),
        '"out" needs m = 2 elements of 4 bytes, the buffer has 4',
    ),
]


@pytest.mark.parametrize(("name", "arguments", "found"), LENGTHS)
def test_a_buffer_shorter_than_its_count_is_refused_with_both_numbers(
    plugin: Any, name: str, arguments: tuple[Any, ...], found: str
) -> None:
    """The plugin would read or write past the end."""
    with pytest.raises(ValueError, match=found):
        getattr(plugin, name)(*arguments)


def test_a_longer_buffer_than_needed_is_fine(plugin: Any) -> None:
    """A caller reuses one large buffer for shorter blocks."""
    out = array.array("f", [0] * 5)
    plugin.scale(array.array("f", [1] * 5), out, 2)

    assert list(out) == [2, 2, 0, 0, 0]


def test_none_is_null_only_where_declared(plugin: Any) -> None:
    """NULLABLE says that the plugin looks before it reads; the count then counts nothing."""
    assert plugin.is_null(None, 7) == 1
    assert plugin.is_null(array.array("f", [1]), 1) == 0


def test_an_empty_buffer_is_no_null(plugin: Any) -> None:
    """A function that was not declared NULLABLE never sees NULL."""
    for empty in (array.array("f"), numpy.zeros(0, numpy.float32), memoryview(b"").cast("f")):
        assert plugin.has_address(empty, 0) == 1


def test_structs_are_bytes_or_items_of_their_size(plugin: Any) -> None:
    """A structured array and packed bytes are the two ways to have structs in Python."""
    pairs = numpy.array([(1, 2), (3, 4)], dtype=[("a", "i8"), ("b", "i8")])

    assert plugin.sum_pairs(pairs, 2) == 14
    assert plugin.sum_pairs(pairs.tobytes(), 2) == 14
    with pytest.raises(TypeError, match='parameter "pairs" takes a pair buffer, got items of format "i"'):
        plugin.sum_pairs(array.array("i", [0] * 8), 2)


def test_void_takes_any_buffer(plugin: Any) -> None:
    """Bytes are bytes where the declaration says no more."""
    assert plugin.bytes_of(array.array("h", [1, 2]), 4) == 3
    assert plugin.bytes_of(b"\x01\x02", 2) == 3


def test_misaligned_memory_is_refused(plugin: Any) -> None:
    """Compilers assume alignment; vector loads crash without it."""
    data = numpy.frombuffer(bytearray(33), dtype=numpy.uint8)[1:].view(numpy.float64)

    with pytest.raises(ValueError, match=r"this one's address is no multiple of 8"):
        plugin.address(data, 2)


def test_ctypes_arrays_and_arguments_of_every_class_together(plugin: Any) -> None:
    """Reals, words on the stack and buffers in one signature go through the general body."""
    out = (ctypes.c_float * 2)()

    assert plugin.mixed(2.0, (ctypes.c_float * 1)(3), 1, out, 2, 9, 4) == 5
    assert out[1] == 6.0


@pytest.mark.parametrize("fails_at", ["convert", "length", "call", "absent"])
def test_every_buffer_is_let_go_on_every_way_out(fails_at: str) -> None:
    """A buffer that stays exported can never be resized again."""
    served = serve()
    data, out = bytearray(16), bytearray(16)
    given, taken = memoryview(data).cast("f"), memoryview(out).cast("f")
    if fails_at == "absent":
        served.withdraw()
    arguments: dict[str, tuple[Any, ...]] = {
        "convert": (given, taken, "3"),
        "length": (given, taken, 5),
        "call": (given, taken, 4),
        "absent": (given, taken, 4),
    }
    before = sys.getrefcount(given)

    try:
        served.plugin.scale(*arguments[fails_at])
    except Exception:
        assert fails_at != "call"

    assert sys.getrefcount(given) == before
    given.release()
    taken.release()
    data.append(1)
    out.append(1)
