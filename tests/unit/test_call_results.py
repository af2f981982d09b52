"""Pointers that come back: text is copied, owned memory is copied and freed, leased memory is held."""

from __future__ import annotations

import array
import ctypes
import gc
from typing import TYPE_CHECKING, Any

import pytest
from call_scene import Scene, build, scene
from hotgraft import _core
from hotgraft.core import errors

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = """
static char text[16] = "gr\\xc3\\xbc\\xc3\\x9f";
static float samples[4] = {1, 2, 3, 4};
const char *greet(void *self) { return text; }
const char *nothing(void *self) { return 0; }
const char *broken(void *self) { return "\\xff\\xfe"; }
int32_t rename_it(void *self, uint8_t to) { text[0] = (char)to; return 0; }
char *owned_text(void *self) { return strcpy(malloc(8), "mine"); }
int16_t *owned_items(void *self, uint32_t n)
    { int16_t *made = malloc(2 * n + 1); for (uint32_t i = 0; i < n; i++) made[i] = i; return made; }
int64_t *owned_one(void *self) { int64_t *made = malloc(8); *made = 7; return made; }
const float *window(void *self, uint64_t *n) { *n = 4; return samples; }
const float *window_of(void *self, uint64_t n) { return samples; }
const int8_t *too_few(void *self, int32_t *n) { *n = -1; return (const int8_t *)samples; }
int32_t set_sample(void *self, uint64_t at, float value) { samples[at] = value; return 0; }
"""
SIGNATURES = (
    "greet() -> char copied",
    "nothing() -> char copied",
    "broken() -> char copied",
    "rename_it(u8 to) -> status",
    "owned_text() -> char owned",
    "owned_items(u32 n) -> i16 owned(n)",
    "owned_one() -> i64 owned",
    "window(u64* n out(1)) -> f32 leased(n)",
    "window_of(u64 n) -> f32 leased(n)",
    "too_few(i32* n out(1)) -> i8 leased(n)",
    "set_sample(u64 at, f32 value) -> status",
)


@pytest.fixture(params=[False, True], ids=["keeps the GIL", "blocking"])
def served(request: pytest.FixtureRequest) -> Iterator[Scene]:
    """Served with leases and freed results that are only counted."""
    _core._seams.count_services(True)
    try:
        yield scene(SOURCE, *SIGNATURES, blocking=request.param)
        gc.collect()
    finally:
        _core._seams.count_services(False)


def counts() -> tuple[int, int]:
    """Leases that are open, owned results freed so far."""
    found: tuple[int, int] = _core._seams.count_services(True)
    return found


def test_copied_text_is_the_callers_own(served: Scene) -> None:
    """The plugin may overwrite or unload its text as soon as the guard is left."""
    before = served.plugin.greet()
    served.plugin.rename_it(ord("G"))

    assert (before, served.plugin.greet()) == ("grüß", "Grüß")
    served.plugin.rename_it(ord("g"))


def test_null_is_none(served: Scene) -> None:
    """A pointer result may be NULL; whether that is an error is the interface's affair."""
    assert served.plugin.nothing() is None


def test_text_that_is_no_utf8_is_an_error(served: Scene) -> None:
    """All text that crosses is UTF-8; guessing would hide the plugin's mistake."""
    with pytest.raises(UnicodeDecodeError):
        served.plugin.broken()
    assert not _core._seams.is_inside()


def test_owned_results_are_copied_and_freed_once(served: Scene) -> None:
    """Memory that the caller owns must not wait for a garbage collector that never sees it."""
    _, before = counts()

    assert served.plugin.owned_text() == "mine"
    assert served.plugin.owned_items(4) == array.array("h", [0, 1, 2, 3]).tobytes()
    assert served.plugin.owned_items(0) == b""
    assert served.plugin.owned_one() == (7).to_bytes(8, "little")
    assert counts()[1] - before == 4


def test_a_leased_result_is_a_view_that_holds_a_lease(served: Scene) -> None:
    """The memory is the plugin's own: it must stay mapped as long as anybody looks at it."""
    before, _ = counts()
    view = served.plugin.window()
    further = view[1:3]

    assert (view.format, view.itemsize, view.readonly, list(view)) == ("f", 4, True, [1, 2, 3, 4])
    served.plugin.set_sample(1, 9.0)
    assert further[0] == 9.0
    served.plugin.set_sample(1, 2.0)
    assert counts()[0] - before == 1
    del view
    assert counts()[0] - before == 1
    del further
    assert counts()[0] == before


def test_the_count_of_a_leased_result_may_be_an_argument(served: Scene) -> None:
    """Then the caller says how much it wants to see."""
    assert list(served.plugin.window_of(2)) == [1, 2]
    with pytest.raises(TypeError, match=r"takes (no|0) arguments"):
        served.plugin.window(1)


def test_a_negative_count_of_a_result_is_the_plugins_error(served: Scene) -> None:
    """Nothing may be read with it, and no lease taken."""
    before, _ = counts()

    with pytest.raises(errors.PluginError, match="it says that its result has -1 elements"):
        served.plugin.too_few()
    assert counts()[0] == before


def test_a_function_that_leases_is_refused_while_nobody_can_lease() -> None:
    """Without the services there would be nothing to hold the memory."""
    served = scene("int64_t f(void *self) { return 1; }", "f() -> i64")
    assert served.plugin.f() == 1


@pytest.mark.control
def test_a_result_view_without_a_lease_does_not_keep_its_memory() -> None:
    """Control: with leases taken out, nothing counts the view, so its generation could leave under it."""
    _core._seams.count_services(True)
    _core._seams.lease_results(False)
    try:
        before, _ = counts()
        view: Any = scene(SOURCE, *SIGNATURES).plugin.window()
        held = counts()[0] - before
    finally:
        _core._seams.lease_results(True)
        _core._seams.count_services(False)

    assert list(view) == [1, 2, 3, 4]
    assert held == 0
    assert ctypes.sizeof(ctypes.c_float) == view.itemsize
    assert build(SOURCE) is not None


@pytest.mark.parametrize("blocking", [False, True])
@pytest.mark.parametrize("length", [0, 1, 95, 96, 97, 5000])
def test_texts_of_every_length_are_copied_whole(length: int, blocking: bool) -> None:
    """Short ones take no memory of their own between the guard and Python: both ways must end where the text does."""
    source = f"const char *text(void *self) {{ static char of[{length + 1}]; return memset(of, 97, {length}); }}"
    served = scene(source, "text() -> char copied", blocking=blocking)

    assert served.plugin.text() == "a" * length
