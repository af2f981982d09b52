"""Addresses of call-backs: passed on as they are, in registers and on the stack, and never NULL unless that may be."""

from __future__ import annotations

import ctypes
import json
from typing import Any

import pytest
from call_scene import build, compilers, scene
from hotgraft.core.call_types import call_description, called_interfaces
from hotgraft.core.descriptor import read_descriptor
from test_descriptor_types import RICH

SOURCE = """
typedef int32_t (*done)(void *user, int32_t value);
int64_t notify(void *self, int32_t value, done call, void *user) { return call == 0 ? -1 : call(user, value); }
int64_t is_null(void *self, done call, void *user) { return (call == 0) * 2 + (user == 0); }
int64_t far_off(void *self, int64_t a, int64_t b, double x, int64_t c, int64_t d, int64_t e, done call, void *user)
    { return call(user, (int32_t)(a + b + c + d + e + (int64_t)x)); }
"""
NULLABLE = "address call nullable, address user nullable"
SIGNATURES = (
    f"notify(i32 value, {NULLABLE}) -> i64",
    "is_null(address call, address user nullable) -> i64",
    f"far_off(i64 a, i64 b, f64 x, i64 c, i64 d, i64 e, {NULLABLE}) -> i64",
)
DONE = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_int32)


@pytest.fixture(params=compilers())
def plugin(request: pytest.FixtureRequest) -> Any:
    return scene(SOURCE, *SIGNATURES, library=build(SOURCE, request.param)).plugin


def test_a_call_back_is_called_with_what_was_passed_for_it(plugin: Any) -> None:
    """The address and the user pointer arrive whole, wherever the call puts them."""
    got: list[tuple[int | None, int]] = []

    def take(user: int | None, value: int) -> int:
        got.append((user, value))
        return value + 1

    done = DONE(take)
    address = ctypes.cast(done, ctypes.c_void_p).value

    assert plugin.notify(7, address, 0x7FFF_1234_5678_9ABC) == 8
    assert plugin.notify(-7, address, None) == -6
    assert plugin.far_off(1, 2, 3.5, 4, 5, 6, address, (1 << 64) - 1) == 22
    assert got == [(0x7FFF_1234_5678_9ABC, 7), (None, -7), ((1 << 64) - 1, 21)]


def test_none_is_null_where_that_may_be(plugin: Any) -> None:
    """A plugin that was promised a call-back calls it without looking."""
    assert plugin.notify(7, None, None) == -1
    assert plugin.notify(7, 0, 0) == -1
    assert plugin.is_null(1, None) == 1
    for absent, error in ((None, TypeError), (0, OverflowError), (-1, OverflowError), (1 << 64, OverflowError)):
        with pytest.raises(error, match='parameter "call" is address and takes'):
            plugin.is_null(absent, None)
    with pytest.raises(TypeError, match='parameter "call" is address and takes an integer, got CFunctionType'):
        plugin.is_null(DONE(lambda _, value: value), None)


def test_an_enum_is_called_as_its_integer_and_a_call_back_as_an_address() -> None:
    """The call path knows nothing of either."""
    descriptor = read_descriptor(json.dumps(RICH).encode())

    watch = called_interfaces(descriptor)[0].functions[0]
    described = call_description(descriptor, "gain")

    assert [one.type for one in watch.parameters] == ["i32", "address", "address", "i32", "value"]
    assert watch.returns.type == "i32"
    assert [one["type"] for one in described.functions[0]["parameters"]] == [one.type for one in watch.parameters]
    assert described.structs["value"]["bytes"] == 8
