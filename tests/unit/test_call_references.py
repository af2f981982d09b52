"""A call takes nothing and leaves nothing: no reference, no buffer, no block, on whichever way out."""

from __future__ import annotations

import array
import contextlib
import gc
import sys
from typing import TYPE_CHECKING, Any

import pytest
from call_scene import Scene, scene
from hotgraft import _core

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Sized

SOURCE = """
int64_t none(void *self) { return (int64_t)1 << 40; }
int64_t one(void *self, int64_t a) { return a; }
int64_t three(void *self, int64_t a, int64_t b, int64_t c) { return a + b + c; }
uint8_t narrow(void *self, uint8_t a) { return a; }
double reals(void *self, double a, double b) { return a + b; }
float small(void *self, float a) { return a; }
double mixed(void *self, int64_t a, double b, int32_t c) { return a + b + c; }
double many(void *self, int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f, int64_t g, double h, double i,
            double j, double k, double l, double m, double n, double o, double p, double q) { return a + g + h + q; }
int32_t status(void *self, int32_t code) { return code; }
int32_t in_out(void *self, const float *in, float *out, uint64_t n) { out[0] = in[0]; return 0; }
int32_t scaled(void *self, double k, float *out, uint64_t n) { out[0] *= k; return 0; }
const char *text(void *self) { return "a text that no interpreter has interned"; }
int64_t *owned(void *self, uint32_t n) { return calloc(n + 1, 8); }
const float *window(void *self, uint64_t *n) { static float kept[4]; *n = 4; return kept; }
int64_t count(void *self, const uint8_t *data, uint64_t n) { return (int64_t)n << 40; }
"""
SIGNATURES = (
    "none() -> i64",
    "one(i64 a) -> i64",
    "three(i64 a, i64 b, i64 c) -> i64",
    "narrow(u8 a) -> u8",
    "reals(f64 a, f64 b) -> f64",
    "small(f32 a) -> f32",
    "mixed(i64 a, f64 b, i32 c) -> f64",
    "many(" + ", ".join([f"i64 a{i}" for i in range(7)] + [f"f64 b{i}" for i in range(10)]) + ") -> f64",
    "status(i32 code) -> status",
    "in_out(f32* in in(n), f32* out out(n), u64 n) -> status",
    "scaled(f64 k, f32* out inout(n), u64 n) -> status",
    "text() -> char copied",
    "owned(u32 n) -> i64 owned(n)",
    "window(u64* n out(1)) -> f32 leased(n)",
    "count(u8* data in(n) nullable, u64 n) -> i64",
)
BIG, REAL = 1 << 39, 1.25  # neither small nor immortal


class Indexed:
    """Takes the long way."""

    def __index__(self) -> int:
        return 3


class Broken:
    """Fails on the long way."""

    def __index__(self) -> int:
        raise LookupError("mine")


def floats() -> array.array[float]:
    return array.array("f", [1, 2, 3, 4])


# By name: the function, and its arguments made anew.
CALLS: dict[str, tuple[str, Callable[[], tuple[Any, ...]]]] = {
    "none": ("none", tuple),
    "one": ("one", lambda: (BIG + 1,)),
    "three": ("three", lambda: (BIG + 1, BIG + 2, BIG + 3)),
    "narrow": ("narrow", lambda: (Indexed(),)),
    "reals": ("reals", lambda: (REAL * 3, REAL * 5)),
    "small": ("small", lambda: (REAL * 3,)),
    "mixed": ("mixed", lambda: (BIG + 1, REAL * 3, Indexed())),
    "many": ("many", lambda: (*(BIG + index for index in range(7)), *(REAL * index for index in range(10)))),
    "status": ("status", lambda: (7,)),
    "buffers": ("in_out", lambda: (floats(), floats(), 4)),
    "buffer behind a real": ("scaled", lambda: (REAL, floats(), Indexed())),
    "text": ("text", tuple),
    "owned": ("owned", lambda: (40,)),
    "leased": ("window", tuple),
    "null": ("count", lambda: (None, BIG)),
    "too few arguments": ("three", lambda: (BIG + 1,)),
    "too many arguments": ("three", lambda: tuple(BIG + index for index in range(40))),
    "out of range": ("narrow", lambda: (BIG + 1,)),
    "far out of range": ("narrow", lambda: (1 << 300,)),
    "no integer": ("one", lambda: (REAL * 3,)),
    "no real": ("mixed", lambda: (BIG + 1, "1", 2)),
    "broken": ("three", lambda: (BIG + 1, Broken(), BIG + 3)),
    "failing": ("status", lambda: (-7,)),
    "second buffer is none": ("in_out", lambda: (floats(), object(), 4)),
    "second buffer is read-only": ("in_out", lambda: (floats(), bytes(16), 4)),
    "buffer too short": ("in_out", lambda: (floats(), floats(), 5)),
    "count is broken": ("in_out", lambda: (floats(), floats(), Broken())),
    "buffer of another type": ("scaled", lambda: (REAL, array.array("d", [1, 2, 3, 4]), 4)),
    "real before a buffer is broken": ("scaled", lambda: (Broken(), floats(), 4)),
}


@pytest.fixture(params=[False, True], ids=["keeps the GIL", "blocking"])
def served(request: pytest.FixtureRequest) -> Any:
    """The same plugin through the shaped bodies and through the one that lets go of the GIL."""
    _core._seams.count_services(True)
    try:
        yield scene(SOURCE, *SIGNATURES, blocking=request.param)
    finally:
        gc.collect()
        _core._seams.count_services(False)


def repeat(function: Any, arguments: tuple[Any, ...], times: int) -> None:
    """Call that often; what is raised is dropped."""
    for _ in range(times):
        with contextlib.suppress(Exception):
            function(*arguments)


def is_own(one: object) -> bool:
    """Is it this test's alone? Small integers and None are everybody's."""
    return not isinstance(one, int) or one > BIG


def leaked(served: Scene, name: str, times: int) -> list[str]:
    """Call that often and say what is counted otherwise than before."""
    which, make = CALLS[name]
    function, arguments = getattr(served.plugin, which), make()
    watched = [*filter(is_own, arguments), function, served.plugin, served.call_type, Broken, Indexed]
    repeat(function, arguments, 10)
    gc.collect()
    counts = [sys.getrefcount(one) for one in watched]
    of_none, blocks = sys.getrefcount(None), sys.getallocatedblocks()

    repeat(function, arguments, times)

    gc.collect()
    after = [sys.getrefcount(one) for one in watched]
    found = [f"{one!r}" for one, *both in zip(watched, counts, after, strict=True) if both[0] != both[1]]
    found += ["None"] * (abs(sys.getrefcount(None) - of_none) > times // 10)  # others use it too
    found += ["blocks"] * (abs(sys.getallocatedblocks() - blocks) > times // 10)
    for one in arguments:
        if isinstance(one, array.array):
            one.append(0)  # not held: it may grow
    return found


@pytest.mark.parametrize("is_empty", [False, True], ids=["served", "not loaded"])
def test_no_call_gains_or_loses_a_reference(served: Scene, is_empty: bool, sized: Sized) -> None:
    """One reference a call is a leak in a service that makes a million, and one too few a crash."""
    if is_empty:
        served.withdraw()

    assert {name: leaked(served, name, sized(quick=300, full=100_000, soak=1_000_000)) for name in CALLS} == {
        name: [] for name in CALLS
    }


def test_an_answer_belongs_to_its_caller_alone(served: Scene) -> None:
    """A result that somebody else still counted on would never be freed."""
    answers = [
        served.plugin.none(),
        served.plugin.reals(REAL, REAL),
        served.plugin.small(REAL),
        served.plugin.text(),
        served.plugin.owned(40),
        served.plugin.window(),
        served.plugin.count(None, 1),
    ]

    counts = [sys.getrefcount(answers[index]) for index in range(len(answers))]
    assert counts == [2] * len(answers), answers
