"""hotgraft.demo.filters and hotgraft.demo.source: every build is another filter, written into real source."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

import pytest
from hotgraft.core.errors import HotgraftError
from hotgraft.demo.filters import filter_of
from hotgraft.demo.source import Source

if TYPE_CHECKING:
    import pathlib


def test_every_build_is_a_stable_filter_and_neighbours_differ() -> None:
    """Equal neighbours would hide a swap that did nothing; an unstable one would end in infinities."""
    filters = [filter_of(build) for build in range(1, 61)]

    for before, after in itertools.pairwise(filters):
        assert before.coefficients != after.coefficients and before.name != after.name
    for one in filters:
        _, _, _, a1, a2 = one.coefficients
        assert abs(a2) < 1 and abs(a1) < 1 + a2  # the triangle of stability


def test_a_build_s_coefficients_are_in_its_source_to_the_last_bit(tmp_path: pathlib.Path) -> None:
    """The reference gets the numbers, the compiler gets the text: they must be the same numbers."""
    source = Source(tmp_path / "biquad")
    for build in (1, 2, 7):
        source.write_build(build, filter_of(build))
        text = (tmp_path / "biquad" / "biquad.c").read_text()

        written = [float(value) for value in re.findall(r"double [AB]\d = ([^;]+);", text)]
        assert tuple(written) == filter_of(build).coefficients
        assert re.findall(r"#define BUILD (\d+)", text) == [str(build)]


def test_bad_builds_are_bad_and_the_next_good_one_is_whole_again(tmp_path: pathlib.Path) -> None:
    """A refusal counts only if the source had the fault, and later swaps only if it is gone."""
    source = Source(tmp_path / "biquad")
    header, code = tmp_path / "biquad" / "biquad.h", tmp_path / "biquad" / "biquad.c"
    source.write_build(2, filter_of(2))
    good = code.read_text(), header.read_text()

    source.break_grammar()
    assert "B0 * x +;" in code.read_text()
    source.write_build(2, filter_of(2))
    source.drop_function()
    assert "blocks)" not in header.read_text() and "blocks(" not in code.read_text()
    source.write_build(2, filter_of(2))

    assert (code.read_text(), header.read_text()) == good


def test_an_edit_that_finds_nothing_to_change_is_an_error(tmp_path: pathlib.Path) -> None:
    """Otherwise a changed plugin would make the demo swap equal builds and call them new."""
    source = Source(tmp_path / "biquad")
    (tmp_path / "biquad" / "biquad.c").write_text("int nothing;\n")

    with pytest.raises(HotgraftError, match="nothing in it matches"):
        source.break_grammar()
