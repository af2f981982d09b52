"""What a verdict costs: from two surfaces of a large plugin, and from two headers with the compiler's part."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest
from hotgraft.core.c_types import parse_type
from hotgraft.core.contract_judge import compare
from hotgraft.core.surface import Function, Interface, Member, Parameter, Record, Surface
from hotgraft.engine.comparison import compare_headers

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.python.conftest import Benchmark

INTERFACES: Final = 5
FUNCTIONS: Final = 20  # of each interface
STRUCTS: Final = 20  # each function passes one; every fourth holds a pointer to the next
HEADER: Final = "".join(
    f"struct s{n} {{ int a; double b; struct s{n} *next; }};\nint f{n}(const struct s{n} *it, unsigned long count);\n"
    for n in range(FUNCTIONS * INTERFACES)
)


def _struct(number: int) -> Record:
    fields = ["i32", "i32", "f64", "u8[16]", f"s{number + 1}*" if number % 4 != 3 else "void*"]
    members = tuple(
        Member(name=f"m{place}", type=parse_type(kind), offset_bits=128 * place) for place, kind in enumerate(fields)
    )
    return Record(kind="struct", bytes=16 * len(fields), align=8, members=members)


def _function(number: int) -> Function:
    parameters = (
        Parameter(name="it", type=parse_type(f"s{number}*"), direction="inout"),
        Parameter(name="in", type=parse_type("f32 const*"), direction="in", count="#2"),
        Parameter(name="n", type=parse_type("u64")),
    )
    return Function(name=f"f{number}", parameters=parameters, result=parse_type("i32"), offset=8 + 8 * number)


def _surface() -> Surface:
    """Return it anew each time: two images share no object."""
    functions = tuple(_function(number) for number in range(FUNCTIONS))
    interfaces = tuple(
        Interface(name=f"gain{number}", version=(1, 0), bytes=8 + 8 * FUNCTIONS, functions=functions)
        for number in range(INTERFACES)
    )
    types = {f"s{number}": _struct(number) for number in range(STRUCTS)}
    return Surface(label="gain 1.0.0", version="1.0.0", interfaces=interfaces, types=types)


@pytest.mark.parametrize("changed", [0, 1, STRUCTS])
def test_verdict_from_surfaces(benchmark: Benchmark, changed: int) -> None:
    """Nothing changed is the usual reload; one struct that grew is the usual mistake."""
    benchmark.group = f"verdict, {INTERFACES} interfaces, {FUNCTIONS} functions each, {STRUCTS} structs"
    old, new = _surface(), _surface()
    grown = {f"s{number}": replace(_struct(number), bytes=96) for number in range(changed)}
    new = replace(new, types={**new.types, **grown})
    assert len(compare(old, new).facts) == changed
    benchmark(compare, old, new)


def test_verdict_from_headers(benchmark: Benchmark, tmp_path: Path) -> None:
    """The compiler runs twice for each side, both sides at the same time."""
    benchmark.group = "verdict, two headers of 100 functions and structs"
    old, new = tmp_path / "old.h", tmp_path / "new.h"
    old.write_text(HEADER)
    new.write_text(HEADER.replace("int a;", "long a;", 1))
    benchmark.pedantic(lambda: compare_headers(old, new), rounds=5)
