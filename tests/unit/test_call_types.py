"""The type of a plugin's handle: one method per function, the same type while the set of functions is the same."""

from __future__ import annotations

import copy
import gc
import inspect
import sys
import weakref
from typing import Any

import pytest
from call_scene import Owner, build, function, scene
from hotgraft import _core

SOURCE = """
int64_t add(void *self, int64_t a, int64_t b) { return a + b; }
int64_t sub(void *self, int64_t a, int64_t b) { return a - b; }
int64_t neg(void *self, int64_t a) { return -a; }
"""
ADD, SUB, NEG = "add(i64 a, i64 b) -> i64", "sub(i64 a, i64 b) -> i64", "neg(i64 a) -> i64"


def functions(*signatures: str) -> list[dict[str, Any]]:
    return [function(text, index=index) for index, text in enumerate(signatures)]


class Mixin(_core.CallBase):
    """As the host writes it: no instance dict."""

    __slots__ = ()

    @property
    def generation(self) -> int:
        return 1

    def reload(self) -> None:
        """A method that a plugin's function must not hide."""


class Loose(_core.CallBase):
    """A base with an instance dict: slower, and it must work."""


def test_functions_are_method_descriptors_with_a_signature() -> None:
    """CPython specialises calls of method descriptors and of nothing else that we could make."""
    served = scene(SOURCE, ADD, NEG)

    descriptor = served.call_type.__dict__["add"]
    assert type(descriptor).__name__ == "method_descriptor"
    assert str(inspect.signature(served.plugin.add)) == "(a, b, /)"
    assert str(inspect.signature(served.call_type.neg)) == "(self, a, /)"  # type: ignore[attr-defined] # made at run time
    assert "a: i64" in (served.plugin.add.__doc__ or "")


def test_a_parameter_named_by_a_keyword_gets_an_underscore() -> None:
    """`in` is the natural name of an input buffer in C, and no name in Python."""
    made = _core.make_call_type("gain", functions("scale(f32* in in(n), u64 n) -> status"), ())

    assert str(inspect.signature(made.scale)) == "(self, in_, n, /)"


def test_the_type_cannot_be_instantiated_copied_or_derived_from() -> None:
    """An instance without slots behind it would crash at its first call."""
    served = scene(SOURCE, ADD, bases=(Mixin,))

    makers: tuple[Any, ...] = (served.call_type, Mixin, _core.CallBase, lambda: object.__new__(served.call_type))
    for make in makers:
        with pytest.raises(TypeError):
            make()
    with pytest.raises(TypeError):
        copy.copy(served.plugin)
    with pytest.raises(TypeError):
        type("Derived", (served.call_type,), {})


@pytest.mark.parametrize("base", [Mixin, Loose])
def test_a_python_base_gives_the_other_attributes(base: type) -> None:
    """The handle is one object: functions from the plugin, the rest from the host."""
    served = scene(SOURCE, ADD, bases=(base,))

    handle: Any = served.plugin
    assert issubclass(type(handle), base)
    assert handle.add(2, 3) == 5
    if base is Loose:
        handle.note = 1
        assert handle.note == 1
    else:
        assert handle.generation == 1
        with pytest.raises(AttributeError):
            handle.note = 1
    weakref.ref(served.plugin)


def test_calls_of_a_type_stay_specialised() -> None:
    """The whole point of the type: a call site that the interpreter cannot cache costs twice as much."""
    import dis

    served = scene(SOURCE, ADD, bases=(Mixin,))

    def caller(plugin: Any) -> int:
        total: int = plugin.add(2, 3)
        return total

    for _ in range(2000):
        caller(served.plugin)
    names = {instruction.opname for instruction in dis.get_instructions(caller, adaptive=True)}

    assert any("METHOD_DESCRIPTOR_FAST" in name for name in names), sorted(names)
    assert any(name.startswith(("LOAD_METHOD_", "LOAD_ATTR_METHOD_")) for name in names), sorted(names)


def test_an_equal_set_of_functions_gives_the_same_type() -> None:
    """A type that changed with every reload would never stay in the interpreter's caches."""
    first = _core.make_call_type("gain", functions(ADD, NEG), (Mixin,))

    assert _core.make_call_type("gain", functions(ADD, NEG), (Mixin,), {}, first) is first
    assert _core.make_call_type("gain", list(reversed(functions(ADD, NEG))), (Mixin,), {}, first) is first
    assert _core.make_call_type("gain", functions("add(i64 x, i64 y) -> i64", NEG), (Mixin,), {}, first) is first
    assert _core.make_call_type("gain", functions(ADD, NEG, SUB), (Mixin,), {}, first) is not first
    assert _core.make_call_type("gain", functions(ADD), (Mixin,), {}, first) is not first
    assert _core.make_call_type("gain", functions(ADD, "neg(i32 a) -> i64"), (Mixin,), {}, first) is not first
    assert _core.make_call_type("gain", functions(ADD, NEG), (Loose,), {}, first) is not first


@pytest.mark.parametrize("base", [Mixin, Loose])
def test_a_handle_takes_a_further_function_and_methods_bound_before_go_on(base: type) -> None:
    """`f = plugin.add` is kept across swaps."""
    served = scene(SOURCE, ADD, NEG, bases=(base,))
    add, handle = served.plugin.add, served.plugin
    more = functions(SUB, ADD, NEG)  # listed elsewhere, at another place of the struct
    for entry, index in zip(more, (2, 0, 1), strict=True):
        entry["offset"] = 8 + 8 * index
    further = _core.make_call_type("gain", more, (base,), {}, served.call_type)
    served.functions[:] = [more[1], more[2], more[0]]
    served.publish(build(SOURCE), 2)

    _core._seams.retype(handle, further, [served.slot])

    assert type(handle) is further
    assert (add(2, 3), handle.add(2, 3), handle.sub(2, 3), handle.neg(1)) == (5, 5, -1, -1)


def test_a_method_bound_before_raises_when_its_function_is_gone() -> None:
    """It says which generation has none."""
    served = scene(SOURCE, ADD, NEG, bases=(Mixin,))
    neg = served.plugin.neg
    further = _core.make_call_type("gain", functions(ADD), (Mixin,), {}, served.call_type)

    _core._seams.retype(served.plugin, further, [served.slot])

    with pytest.raises(AttributeError, match=r"gain: could not call neg: generation 1, which serves, .* no longer"):
        neg(1)
    assert served.plugin.add(2, 3) == 5
    assert not hasattr(served.plugin, "neg")


def test_a_method_bound_before_follows_a_function_that_changed() -> None:
    """Its C function was chosen for the old signature: the new one gets the arguments by its own rules."""
    served = scene(SOURCE, ADD, NEG, bases=(Mixin,))
    neg = served.plugin.neg
    further = _core.make_call_type("gain", functions(ADD, "neg(i32 a) -> i64"), (Mixin,), {}, served.call_type)

    _core._seams.retype(served.plugin, further, [served.slot])

    assert (neg(1), served.plugin.neg(1)) == (-1, -1)
    with pytest.raises(OverflowError, match="i32"):
        neg(2**40)


def test_a_function_that_comes_back_has_its_old_place() -> None:
    """Forth and back between two versions must not use up places."""
    made = first = _core.make_call_type("gain", functions(ADD, NEG), ())
    served = scene(SOURCE, ADD, NEG)
    handle = _core._seams.call_object(first, [served.slot], Owner())
    neg = handle.neg

    for _ in range(600):
        for signatures in ((ADD,), (ADD, NEG)):
            made = _core.make_call_type("gain", functions(*signatures), (), {}, made)
    _core._seams.retype(handle, made, [served.slot])

    assert neg(1) == handle.neg(1) == -1


def test_a_foreign_type_is_no_type_to_change_to() -> None:
    """Places would not match, and a bound method would reach another function."""
    served = scene(SOURCE, ADD, NEG)
    foreign = _core.make_call_type("gain", functions(NEG, ADD), ())

    with pytest.raises(ValueError, match="was not made with this handle's type as previous"):
        _core._seams.retype(served.plugin, foreign, [served.slot])
    with pytest.raises(TypeError, match="is no type made by make_call_type"):
        _core._seams.retype(served.plugin, Mixin, [served.slot])
    assert served.plugin.add(2, 3) == 5


def test_types_and_objects_are_freed() -> None:
    """A plugin whose functions change often must not leave a type per version."""
    served = scene(SOURCE, ADD, NEG)
    kept, handle = served.slot, weakref.ref(served.plugin)
    call_type, bound = weakref.ref(served.call_type), served.plugin.add
    del served
    gc.collect()
    assert bound(2, 3) == 5

    del bound
    gc.collect()

    assert (handle(), call_type()) == (None, None)
    assert kept is not None


def test_methods_outlive_their_type_in_a_cycle() -> None:
    """The collector may take type, handle and bound method apart in any order."""

    class Holder(Mixin):
        __slots__ = ("bound",)

    for _ in range(50):
        handle = scene(SOURCE, ADD, bases=(Holder,)).plugin
        handle.bound = handle.add
        del handle
    gc.collect()

    assert scene(SOURCE, ADD).plugin.add(2, 3) == 5


FAULTS = [
    ("f(pair a) -> i64", "of type pair is passed by value"),
    ("f(nothing a) -> i64", 'has unknown type "nothing"'),
    ("f(i64* a) -> i64", "says neither IN, OUT nor INOUT"),
    ("f(f32* a in(n)) -> i64", 'counted by "n", which is no integer parameter'),
    ("f(f32* a in(n), f64 n) -> i64", 'counted by "n", which is no integer parameter'),
    ("f() -> f32 copied", "COPIED, which is for terminated text"),
    ("f() -> f32 leased", "LEASED without a count"),
    ("f() -> f32 mine", "says neither COPIED, OWNED nor LEASED"),
    ("f() -> pair", "is returned by value"),
    ("f() -> nothing", 'unknown type "nothing"'),
    (f"f({', '.join(f'i64 a{index}' for index in range(22))}) -> i64", "needs 17 arguments on the stack"),
    ("reload(i64 a) -> i64", 'would hide the handle\'s own "reload"'),
    ("__class__(i64 a) -> i64", 'would hide the handle\'s own "__class__"'),
]


@pytest.mark.parametrize(("signature", "fault"), FAULTS)
def test_a_function_that_cannot_be_called_is_refused_by_name(signature: str, fault: str) -> None:
    """A descriptor is a claim: what the call path cannot keep must not become a method."""
    structs = {"pair": {"bytes": 16, "align": 8}}

    with pytest.raises(ValueError, match="gain: could not make its call type; nothing changed") as caught:
        _core.make_call_type("gain", functions(signature), (Mixin,), structs)

    assert fault in str(caught.value)


def test_all_faults_are_named_at_once() -> None:
    """An author mends them in one build."""
    with pytest.raises(ValueError, match="its call type") as caught:
        _core.make_call_type("gain", functions("f(nothing a) -> i64", "f(i64 a) -> nothing", ADD), ())

    assert str(caught.value).count("\n  - ") == 3
    assert 'function "f" is offered by interface 0 and by interface 0' in str(caught.value)


def test_more_functions_than_places_are_refused() -> None:
    """There is one C function per place, and 512 places."""
    too_many = [f"f{index}() -> i64" for index in range(513)]

    with pytest.raises(ValueError, match="513 different functions so far, and a call type has room for 512"):
        _core.make_call_type("gain", functions(*too_many), ())


def test_make_call_type_leaks_nothing() -> None:
    """It runs at every reload."""

    def once() -> None:
        made = _core.make_call_type("gain", functions(ADD, NEG), (Mixin,))
        assert _core.make_call_type("gain", functions(ADD, NEG), (Mixin,), {}, made) is made

    for _ in range(5):
        once()
    gc.collect()
    before = len(gc.get_objects()), sys.getrefcount(Mixin)
    for _ in range(100):
        once()
    gc.collect()

    assert len(gc.get_objects()) - before[0] < 50
    assert sys.getrefcount(Mixin) == before[1]
