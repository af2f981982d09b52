"""c_types.py: canonical C types, and their text."""

from __future__ import annotations

import pytest
from hotgraft.core.c_types import (
    SCALAR_BYTES,
    VOID,
    Array,
    Atomic,
    CType,
    FunctionType,
    Named,
    Pointer,
    Scalar,
    names_in,
    parse_type,
    type_text,
)
from hypothesis import given
from hypothesis import strategies as st

LEAVES = st.one_of(st.sampled_from([*SCALAR_BYTES]).map(Scalar), st.sampled_from(["point", "mode", "fnord"]).map(Named))


def _larger(inner: st.SearchStrategy[CType]) -> st.SearchStrategy[CType]:
    return st.one_of(
        st.builds(Pointer, inner, st.booleans(), st.booleans()),
        st.builds(Array, inner, st.one_of(st.none(), st.integers(0, 99))),
        st.builds(Atomic, inner),
        st.builds(FunctionType, st.lists(inner, max_size=3).map(tuple), inner, st.booleans()),
    )


@pytest.mark.larger
@given(st.recursive(LEAVES, _larger, max_leaves=6))
def test_the_text_of_a_type_is_read_back_as_that_type(kind: CType) -> None:
    """A descriptor holds types as text: two types with one text would be called equal."""
    assert parse_type(type_text(kind)) == kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("i32", Scalar("i32")),
        ("u8 const*", Pointer(Scalar("u8"), const=True)),
        ("point**", Pointer(Pointer(Named("point")))),
        ("i32[2][4]", Array(Array(Scalar("i32"), 4), 2)),
        ("u8[]", Array(Scalar("u8"), None)),
        ("(i32[4])*", Pointer(Array(Scalar("i32"), 4))),
        ("(fn(void*, i32) -> void)*", Pointer(FunctionType((Pointer(VOID), Scalar("i32")), VOID))),
        ("fn(u8 const*, ...) -> i32", FunctionType((Pointer(Scalar("u8"), const=True),), Scalar("i32"), True)),
    ],
)
def test_a_type_is_written_as_people_read_it(text: str, kind: CType) -> None:
    """These texts stand in reports and in descriptors that are kept for years."""
    assert type_text(kind) == text
    assert parse_type(text) == kind


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "expected a type"),
        ("i32 const", "expected \\* after const"),
        ("fn(i32", "expected ','"),
        ("i32]", "expected the end"),
        ("i32[" + "9" * 40 + "]", "an array of 99999"),
        ("(" * 100 + "i32" + ")" * 100, "deeper than 24"),
        ("i32 $", "is no part of a type"),
        ("i32" + "*" * 5000, "the longest is 4096"),
    ],
)
def test_what_is_no_type_is_refused_by_what_stands_there(text: str, sentence: str) -> None:
    """The text comes out of an image, which may be anybody's."""
    with pytest.raises(ValueError, match=sentence):
        parse_type(text)


def test_the_names_in_a_type_are_found_wherever_they_stand() -> None:
    """What a call passes is found by them, and so is which consumer a changed struct breaks."""
    assert [*names_in(parse_type("(fn(point*, i32) -> mode)*"))] == ["point", "mode"]
