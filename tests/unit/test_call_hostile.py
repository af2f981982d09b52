"""Callers that do what no manual foresees: they get an exception or a right answer, never a crash or a wrong number."""

from __future__ import annotations

import array
import ctypes
import threading
from typing import Any

import numpy
import pytest
from call_scene import Owner, Scene, build, function, scene
from hotgraft import _core
from hotgraft.core import errors

DEADLINE_S = 20.0
SOURCE = """
#include <semaphore.h>
#include <time.h>
static sem_t inside, go_on;
__attribute__((constructor)) static void prepare(void) { sem_init(&inside, 0, 0); sem_init(&go_on, 0, 0); }
int64_t add(void *self, int64_t a, int64_t b) { return a + b; }
int64_t sub(void *self, int64_t a, int64_t b) { return a - b; }
double half(void *self, double a) { return a / 2; }
double blend(void *self, int64_t a, double b, int32_t c) { return a + b + c; }
int64_t first(void *self, const uint8_t *data, uint64_t n) { return n ? data[0] : -1; }
int64_t bytes_of(void *self, void *data, uint64_t n) { return (int64_t)n; }
struct cell { void *value; };
int64_t cells(void *self, struct cell *data, uint64_t n) { return (int64_t)n; }
int64_t hold(void *self, const uint8_t *data, uint64_t n)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 20;
    sem_post(&inside);
    return sem_timedwait(&go_on, &until) == 0 ? data[n - 1] : -1;
}
int64_t wait_inside(void *self) { return sem_wait(&inside); }
int64_t let_go(void *self) { return sem_post(&go_on); }
int64_t call_back(void *self, const uint64_t *to, int64_t depth) { return ((int64_t (*)(int64_t))*to)(depth); }
"""
SIGNATURES = (
    "add(i64 a, i64 b) -> i64",
    "sub(i64 a, i64 b) -> i64",
    "half(f64 a) -> f64",
    "blend(i64 a, f64 b, i32 c) -> f64",
    "first(u8* data in(n), u64 n) -> i64",
    "bytes_of(void* data inout(n), u64 n) -> i64",
    "cells(cell* data inout(n), u64 n) -> i64",
    "call_back(u64* to in(1), i64 depth) -> i64",
)
STRUCTS = {"cell": {"bytes": 8, "align": 8, "fields": []}}


@pytest.fixture
def served() -> Scene:
    return scene(SOURCE, *SIGNATURES, structs=STRUCTS)


class Acts:
    """A number that does something first."""

    def __init__(self, act: Any, value: int = 3) -> None:
        self.act, self.value = act, value

    def __index__(self) -> int:
        self.act()
        return self.value


class Real(float):
    """A float subclass whose conversions lie."""

    def __float__(self) -> float:
        raise LookupError("not asked")


def test_a_handle_cannot_be_made_another_plugins(served: Scene) -> None:
    """Its cells would be read by the other type's numbers: another function, or memory that is none."""
    other = scene(SOURCE, *SIGNATURES[:1], name="other")
    plugin: Any = other.plugin
    with pytest.raises(TypeError):
        plugin.__class__ = served.call_type
    with pytest.raises(TypeError):
        object.__setattr__(plugin, "__class__", served.call_type)

    assert (type(plugin), plugin.add(2, 3)) == (other.call_type, 5)
    assert plugin.add(2, 3) == 5


@pytest.mark.parametrize("name", ["add", "_call_type"])
def test_a_call_type_cannot_be_changed_by_hand(served: Scene, name: str) -> None:
    """It owns the texts and tables that its methods read, and every change costs the interpreter's caches."""
    with pytest.raises(TypeError):
        setattr(served.call_type, name, None)
    with pytest.raises(TypeError):
        delattr(served.call_type, name)

    assert served.plugin.add(2, 3) == 5


@pytest.mark.parametrize("act", ["withdraw", "republish", "retype", "call"])
def test_a_number_may_change_the_plugin_while_it_is_taken(served: Scene, act: str) -> None:
    """Arguments are taken before the guard: what the conversion does, the call meets."""
    more = [function(text, index=index) for index, text in enumerate((*SIGNATURES, "more() -> i64"))]
    further = _core.make_call_type("gain", more, (), STRUCTS, served.call_type)
    acts: dict[str, Any] = {
        "withdraw": served.withdraw,
        "republish": lambda: served.publish(build(SOURCE), 2),
        "retype": lambda: _core._seams.retype(served.plugin, further, [served.slot]),
        "call": lambda: served.plugin.add(1, 1),
    }

    if act == "withdraw":
        with pytest.raises(errors.HostClosed):
            served.plugin.add(Acts(acts[act]), 4)
        with pytest.raises(errors.HostClosed):
            served.plugin.first(b"a", Acts(acts[act], 1))
    else:
        assert served.plugin.add(Acts(acts[act]), 4) == 7
        assert served.plugin.blend(Acts(acts[act]), 4.0, Acts(acts[act])) == 10.0
        assert served.plugin.first(b"a", Acts(acts[act], 1)) == ord("a")
    assert not _core._seams.is_inside()


def test_the_handle_may_go_while_its_arguments_are_taken() -> None:
    """The call itself must keep it."""
    box = [scene(SOURCE, *SIGNATURES, structs=STRUCTS)]

    assert box[0].plugin.add(Acts(box.clear), 4) == 7


def test_a_buffer_that_is_held_cannot_be_resized_by_a_later_argument(served: Scene) -> None:
    """The address was read already."""
    data = bytearray(b"abc")
    refused: list[BaseException] = []

    def grow() -> None:
        try:
            data.extend(bytes(4096))
        except BufferError as error:
            refused.append(error)

    assert served.plugin.first(data, Acts(grow)) == ord("a")
    assert len(refused) == 1
    data.extend(b"now")


@pytest.mark.parametrize("kind", ["bytearray", "memoryview", "array"])
def test_a_buffer_stays_while_a_blocking_call_works_on_it(kind: str) -> None:
    """Other Python threads run meanwhile and may resize or release whatever they hold."""
    slow = scene(SOURCE, "hold(u8* data in(n), u64 n) -> i64", name="slow", blocking=True)
    sync = scene(SOURCE, "wait_inside() -> i64", "let_go() -> i64", name="sync")
    made: dict[str, Any] = {
        "bytearray": bytearray(b"abc"),
        "memoryview": memoryview(bytearray(b"abc")),
        "array": array.array("B", b"abc"),
    }
    data = made[kind]
    answers: list[int] = []
    worker = threading.Thread(target=lambda: answers.append(slow.plugin.hold(data, 3)), daemon=True)
    worker.start()
    sync.plugin.wait_inside()

    with pytest.raises(BufferError):
        data.release() if kind == "memoryview" else data.extend(b"more")
    sync.plugin.let_go()

    worker.join(DEADLINE_S)
    assert answers == [ord("c")]
    data.release() if kind == "memoryview" else data.extend(b"more")


def test_python_objects_are_no_bytes_that_a_plugin_may_have(served: Scene) -> None:
    """A plugin that writes into references crashes the interpreter long after."""
    mixed = numpy.zeros(1, dtype=[("count", "i8"), ("value", "O")])
    plain = numpy.zeros(1, dtype=[("Offset", "i8")])
    references: Any = ctypes.py_object * 1
    for data in (numpy.array([None]), references(None), mixed):
        for name in ("bytes_of", "cells"):
            with pytest.raises(TypeError, match=r'parameter "data" takes a writable (void|cell) buffer, got items'):
                getattr(served.plugin, name)(data, 1)

    assert served.plugin.bytes_of(plain, 8) == 8
    assert served.plugin.cells(plain, 1) == 1


def test_keywords_are_refused_and_nothing_is_called(served: Scene) -> None:
    """The names in a C declaration are no promise."""
    calls: list[tuple[Any, ...]] = [(served.plugin.add, (2,), {"b": 3}), (served.plugin.half, (), {"a": 1.0})]
    for call, arguments, keywords in calls:
        with pytest.raises(TypeError, match="takes no keyword arguments"):
            call(*arguments, **keywords)


@pytest.mark.parametrize("count", [0, 1, 3, 29, 30, 300, 70_000])
def test_any_number_of_arguments_is_counted_before_one_is_read(served: Scene, count: int) -> None:
    """There is room for those that belong."""
    for name in ("add", "blend", "first"):
        wanted = 2 if name != "blend" else 3
        if count != wanted:
            with pytest.raises(TypeError, match=rf"gain\.{name} takes {wanted} arguments"):
                getattr(served.plugin, name)(*[1] * count)


def test_a_subclass_of_float_is_its_own_value(served: Scene) -> None:
    """As math functions have it: the stored value counts."""
    assert served.plugin.half(Real(3.0)) == 1.5
    assert served.plugin.blend(1, Real(3.0), 2) == 6.0


def test_an_int_too_large_for_a_real_names_its_parameter(served: Scene) -> None:
    """The interpreter's own sentence says neither which function nor which argument."""
    for name, arguments in (("half", (10**400,)), ("blend", (1, -(10**400), 2))):
        with pytest.raises(OverflowError, match=rf'gain\.{name}: parameter "[ab]" is f64 and .* more than 60 digits'):
            getattr(served.plugin, name)(*arguments)


def test_a_function_may_lead_back_into_itself(served: Scene) -> None:
    """A thread's record has room for 15; what is deeper goes elsewhere and must come back in order."""
    depths: list[int] = []
    make = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)

    def deeper(depth: int) -> int:
        depths.append(depth)
        return 0 if depth == 0 else served.plugin.call_back(to, depth - 1) + served.plugin.sub(3, 2)

    call_back = make(deeper)
    to = (ctypes.c_uint64 * 1)(ctypes.cast(call_back, ctypes.c_void_p).value or 0)

    assert served.plugin.call_back(to, 60) == 60
    assert depths == list(range(60, -1, -1))
    assert not _core._seams.is_inside()


def test_methods_of_a_type_take_only_its_instances(served: Scene) -> None:
    """`type(plugin).add` is an ordinary method descriptor."""
    add: Any = served.call_type.__dict__["add"]
    other = scene(SOURCE, *SIGNATURES[:1], name="other").plugin

    assert add(served.plugin, 2, 3) == 5
    for wrong in (None, other, Owner(), served.call_type):
        with pytest.raises(TypeError):
            add(wrong, 2, 3)
    with pytest.raises(TypeError):
        add()
