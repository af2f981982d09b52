"""What a call raises instead of an answer, and that it leaves nothing behind."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
from call_scene import Owner, Scene, build, scene
from hotgraft import _core
from hotgraft.core import errors

SOURCE = """
int32_t answer(void *self, int32_t status) { return status; }
int32_t answer_with(void *self, const uint8_t *data, uint64_t n, int32_t status) { return status; }
int64_t add(void *self, int64_t a, int64_t b) { return a + b; }
const char *greet(void *self) { return "hello"; }
"""
SIGNATURES = (
    "answer(i32 status) -> status",
    "answer_with(u8* data in(n), u64 n, i32 status) -> status",
    "add(i64 a, i64 b) -> i64",
    "greet() -> char copied",
)
CALLS: dict[str, tuple[Any, ...]] = {"answer": (0,), "answer_with": (b"ab", 2, 0), "add": (2, 3), "greet": ()}


@pytest.fixture(params=[False, True], ids=["keeps the GIL", "blocking"])
def served(request: pytest.FixtureRequest) -> Scene:
    """The same plugin through the shaped bodies and through the one that lets go of the GIL."""
    return scene(SOURCE, *SIGNATURES, blocking=request.param)


def call(served: Scene, name: str) -> Any:
    return getattr(served.plugin, name)(*CALLS[name])


@pytest.mark.parametrize("name", ["answer", "answer_with"])
def test_status_zero_is_none_and_a_positive_one_is_its_number(served: Scene, name: str) -> None:
    """HOTGRAFT_OK says nothing beyond "done"; a positive status is an answer."""
    function = getattr(served.plugin, name)

    assert function(*CALLS[name][:-1], 0) is None
    assert function(*CALLS[name][:-1], 1) == 1
    assert function(*CALLS[name][:-1], 2**31 - 1) == 2**31 - 1


@pytest.mark.parametrize("name", ["answer", "answer_with"])
@pytest.mark.parametrize(
    ("status", "meaning"), [(-1, "FAILED"), (-3, "INVALID"), (-2, "UNSUPPORTED"), (-99, "unknown")]
)
def test_a_negative_status_is_an_exception_with_code_function_and_generation(
    served: Scene, name: str, status: int, meaning: str
) -> None:
    """A status that the caller forgets to look at would be a lost failure."""
    with pytest.raises(
        errors.PluginError, match=rf"gain: could not call {name}: it returned {status} \(.*{meaning}"
    ) as caught:
        getattr(served.plugin, name)(*CALLS[name][:-1], status)

    assert (caught.value.code, caught.value.function) == (status, name)
    assert caught.value.generation == 1  # type: ignore[attr-defined] # set by the call path
    assert "generation 1 serves" in str(caught.value)
    assert not _core._seams.is_inside()


@pytest.mark.parametrize("name", CALLS)
def test_a_function_that_the_serving_generation_lacks_is_an_attribute_error(served: Scene, name: str) -> None:
    """After a rollback to an older generation the type still has the function."""
    served.publish(build("int32_t other(void *self) { return 0; }"), 7)

    with pytest.raises(
        AttributeError, match=f"gain: could not call {name}: generation 7, which serves, does not offer it"
    ):
        call(served, name)

    assert not _core._seams.is_inside()
    served.publish(build(SOURCE), 8)
    call(served, name)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    ("kind", "error", "found"),
    [
        ("none", errors.HostClosed, "no generation of it is loaded"),
        ("closed", errors.HostClosed, "the host is closed"),
        ("pin_expired", errors.PinExpired, "the deadline of 60 s passed"),
    ],
)
def test_an_empty_slot_raises_what_the_control_plane_said(
    served: Scene, name: str, kind: str, error: type[errors.HotgraftError], found: str
) -> None:
    """Only the control plane knows why nothing serves."""
    _core.refuse_calls(served.plugin, kind, found if kind == "pin_expired" else None)
    served.withdraw()

    with pytest.raises(error, match=f"gain: could not call {name}: {found}"):
        call(served, name)

    assert not _core._seams.is_inside()


def test_an_unbound_interface_refuses_and_the_bound_one_answers() -> None:
    """An optional requirement may stay without a provider."""
    served = scene(SOURCE, *SIGNATURES)
    half = _core._seams.call_object(served.call_type, [None], Owner())

    with pytest.raises(errors.HostClosed, match="no generation of it is loaded"):
        half.add(1, 2)
    assert served.plugin.add(1, 2) == 3


@pytest.mark.parametrize("name", CALLS)
def test_a_call_by_the_thread_that_carries_out_the_swap_is_busy(served: Scene, name: str) -> None:
    """It would wait for itself at its own gate."""
    gate = _core._seams.close([served.slot])
    try:
        with pytest.raises(errors.Busy, match=f"gain: could not call {name}"):
            _core._seams.carry_out(gate, lambda: call(served, name))
        assert not _core._seams.is_inside()
    finally:
        _core._seams.reopen(gate)
    call(served, name)


def test_set_call_errors_wants_every_class() -> None:
    """A missing class would show only when a call fails."""
    for wrong in ({}, {"plugin": errors.PluginError}, {"plugin": 1}, None):
        with pytest.raises(TypeError, match="set_call_errors takes a dict of exception classes"):
            _core.set_call_errors(wrong)  # type: ignore[arg-type] # wrong on purpose


def test_an_object_keeps_its_owner_and_lets_it_go() -> None:
    """The owner keeps slots and generations alive: too short is a crash, too long is a leak."""
    owner = Owner()
    gone = weakref.ref(owner)
    served = scene(SOURCE, *SIGNATURES, owner=owner)
    bound = served.plugin.add
    del owner, served
    gc.collect()
    assert gone() is not None
    assert bound(2, 3) == 5

    del bound
    gc.collect()

    assert gone() is None


def test_garbage_that_still_calls_is_refused() -> None:
    """A __del__ in a cycle with the handle runs after the collector took the handle apart."""
    heard: list[object] = []

    class Last:
        handle: Any

        def __del__(self) -> None:
            try:
                heard.append(self.handle.add(2, 3))
            except errors.HostClosed as error:
                heard.append(error)

    owner = Last()
    owner.handle = scene(SOURCE, *SIGNATURES, owner=owner).plugin
    del owner
    gc.collect()

    assert heard == [5] or isinstance(heard[0], errors.HostClosed)
