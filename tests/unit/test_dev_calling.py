"""`--call`: from text to a call, and from its answer to text."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import hotgraft
import pytest
from hotgraft.core.descriptor import Descriptor, Function, Interface, Parameter, Returns, State
from hotgraft.dev.calling import Call, make_call, parse_call, sample_call


def parameter(name: str, kind: str, **more: Any) -> Parameter:
    """Return a parameter; a plain scalar unless said."""
    plain = {"pointer": 0, "direction": None, "count": None, "nullable": False, "const": False}
    return Parameter(name=name, type=kind, **{**plain, **more})


def buffer(name: str, kind: str, direction: str, count: str) -> Parameter:
    """Return a buffer."""
    return parameter(name, kind, pointer=1, direction=direction, count=count)


def described(*parameters: Parameter, returns: str = "status") -> Descriptor:
    """Return a descriptor with one function f."""
    answer = Returns(kind=returns, type="i32", ownership=None, count=None)  # type: ignore[arg-type] # one of three
    function = Function(
        name="f", offset=8, since=(1, 0), blocking=False, idempotent=False, returns=answer, parameters=parameters
    )
    interface = Interface(interface="i", version=(1, 0), struct="i_v1", bytes=16, functions=(function,))
    state = State(kind="none", schema=0, layout_id=0, handover=False, save=False)
    return Descriptor(
        hotgraft=1, name="p", version="1.0.0", abi=(1, 0), provides=(interface,), requires=(), structs={}, state=state,
        config_schema={}, pins="wait",
    )  # fmt: skip


def test_text_becomes_a_call() -> None:
    """Plain values only: what is typed is not run."""
    assert parse_call(" process([1, 2.5], 'x') ") == Call("process([1, 2.5], 'x')", "process", ([1, 2.5], "x"))


@pytest.mark.parametrize("text", ["", "process", "process(", "a.b()", "f(x=1)", "f(g())", "f(open('x'))", "f();g()"])
def test_text_that_is_no_plain_call_is_refused(text: str) -> None:
    """With the words that help."""
    with pytest.raises(hotgraft.ConfigError, match=r"process\(\[1, 2, 3\]\)"):
        parse_call(text)


def answer(descriptor: Descriptor, text: str, function: Any) -> str:
    """Call `function` as a plugin's f."""
    return make_call(SimpleNamespace(f=function), descriptor, parse_call(text))


def test_a_value_is_shown() -> None:
    """The plain case."""
    assert answer(described(parameter("a", "i64"), returns="value"), "f(20)", lambda a: a + 1) == "21"


def test_lengths_are_filled_in_and_what_was_written_is_shown() -> None:
    """process([1, 2, 3]) is what a person types; the length is in it."""

    def double(samples: Any, n: int) -> None:
        assert n == 3
        for index in range(n):
            samples[index] *= 2

    descriptor = described(buffer("samples", "f32", "inout", "n"), parameter("n", "u64"))
    assert answer(descriptor, "f([1, 2, 3])", double) == "samples = [2, 4, 6]"
    assert answer(descriptor, "f([1, 2, 3], 3)", double) == "samples = [2, 4, 6]"


def test_buffers_that_are_only_written_are_made() -> None:
    """Their length is that of the buffer they belong to, or a number."""

    def copy(source: Any, out: Any, n: int, total: Any) -> None:
        for index in range(n):
            out[index] = source[index]
        total[0] = sum(source)

    descriptor = described(
        buffer("source", "i32", "in", "n"), buffer("out", "i32", "out", "n"), parameter("n", "u64"),
        buffer("total", "u64", "out", "1"),
    )  # fmt: skip
    assert answer(descriptor, "f([4, 5])", copy) == "out = [4, 5], total = [9]"


def test_text_is_lent_as_bytes() -> None:
    """And a long buffer is cut when it is shown."""
    descriptor = described(buffer("text", "u8", "in", "n"), parameter("n", "u64"), buffer("out", "u8", "out", "40"))
    lent: list[tuple[bytes, int]] = []
    shown = answer(descriptor, "f('äb')", lambda text, n, _out: lent.append((bytes(text), n)))
    assert lent == [("äb".encode(), 3)]
    assert shown.startswith("out = [0, 0,")
    assert shown.endswith("40 in all]")


def test_a_wrong_number_of_values_names_the_parameters() -> None:
    """What to type instead."""
    with pytest.raises(TypeError, match=r"f\(a, b\) was given 1 values"):
        answer(described(parameter("a", "i64"), parameter("b", "i64")), "f(1)", lambda *_: None)


def test_an_unknown_function_names_those_there_are() -> None:
    """A typing error, or a function that was removed."""
    with pytest.raises(AttributeError, match="it has f"):
        answer_text = parse_call("g()")
        make_call(SimpleNamespace(), described(), answer_text)


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ((), "f()"),
        ((parameter("a", "i64"), parameter("b", "f32")), "f(1, 1)"),
        ((buffer("in", "f32", "in", "n"), buffer("out", "f32", "out", "n"), parameter("n", "u64")), "f([1, 2, 3])"),
        ((buffer("in", "f32", "in", "4"),), "f([1, 2, 3, 4])"),
        ((buffer("out", "u8", "out", "n"), parameter("n", "u64")), "f([1, 2, 3])"),
        ((buffer("a", "pair", "in", "n"), parameter("n", "u64")), ""),
    ],
)
def test_the_call_that_is_suggested_is_one_that_can_be_made(parameters: tuple[Parameter, ...], text: str) -> None:
    """Who was told to type it must not meet an error; where a struct is needed, nothing is suggested."""
    found = sample_call(described(*parameters))
    assert found == text
    if found:
        assert answer(described(*parameters), found, lambda *values: None)
