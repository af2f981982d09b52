"""Two spellings of one type are one contract, and each change of what callers rely on is another."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hotgraft.core.surface_descriptor import surface_of
from hotgraft.engine.bind import bind
from test_bind_headers import write
from test_bind_types import DONE, POINT, SAMPLE

if TYPE_CHECKING:
    from pathlib import Path

    from hotgraft.core.surface import Surface

# Another spelling of the same: what is written, and what is written instead.
SPELLINGS = {
    "struct and its tag": ("const point *in", "const struct point *in"),
    "union and its tag": ("value of;", "union value of;"),
    "enum and its tag": ("mode how,", "enum mode how,"),
    "const behind the type": ("const point *in", "point const *in"),
    "const of a parameter itself": ("mode how,", "const mode how,"),
    "const of a parameter itself, gone": ("const float k", "float k"),
    "const of a pointer itself": ("point *out", "point *const out"),
    "name of a parameter": ("const float k", "float gain"),
    "name of a parameter that counts": (
        "in HOTGRAFT_IN(n), point *out HOTGRAFT_OUT(n), uint32_t n",
        "in HOTGRAFT_IN(z), point *out HOTGRAFT_OUT(z), uint32_t z",
    ),
    "names inside a call-back": ("(void *user, mode how, const point *at)", "(void *, mode, point const *const)"),
    "typedef of a scalar": (POINT, "typedef int32_t coordinate; typedef struct point { coordinate x, y; } point;"),
    "typedef of a pointer": (
        "const point *in", "points in", POINT, POINT + " typedef const point *points;"
    ),
    "typedef of a call-back": (
        DONE, "done done", POINT, POINT + " typedef void (*done)(void *, mode, const point *);"
    ),
    "typedef of an array": ("int32_t cells[2][4];", "row cells[2];", POINT, POINT + " typedef int32_t row[4];"),
    "struct declared before its typedef": (
        POINT, "struct point { int32_t x; int32_t y; }; typedef struct point point;"
    ),
    "struct declared without a tag": (POINT, "typedef struct { int32_t x, y; } point;"),
    "length of an array computed": ("cells[2][4]", "cells[1 + 1][1 << 2]"),
    "length behind a macro": ("cells[2][4]", "cells[2][WIDE]", "#define SIZE 16", "#define WIDE 4\n#define SIZE 16"),
    "value of an enum computed": ("FAST = 4", "FAST = 1 << 2"),
    "value of an enum written out": ("FASTER }", "FASTER = 5 }"),
    "number of a constant": ("SIZE 16", "SIZE (0x8 * 2u)"),
    "constant that is an enumerator": ("#define SIZE 16", "enum { SIZE = 16 };"),
    "status behind a typedef": (
        "hotgraft_status (*f)", "answer (*f)", POINT, POINT + " typedef hotgraft_status answer;"
    ),
    "comments and lines": ("uint32_t n,", "/* how many */\n uint32_t\n n, // so\n"),
}  # fmt: skip
NEUTRAL = {"WIDE"}  # what a spelling adds to the constants
# A change of what callers rely on.
CHANGES = {
    "const of a pointee": ("const point *in", "point *in"),
    "const of a pointee in a call-back": ("const point *at)", "point *at)"),
    "signedness of a parameter": ("uint32_t n,", "int32_t n,"),
    "width of a parameter": ("uint32_t n,", "uint64_t n,"),
    "kind of a parameter": ("const float k", "int32_t k"),
    "width of a field": ("uint8_t e;", "uint16_t e;"),
    "signedness of a field": ("uint8_t e;", "int8_t e;"),
    "depth of a pointer": ("const float k", "const float *k HOTGRAFT_IN(1)"),
    "length of an array": ("cells[2][4]", "cells[2][5]"),
    "shape of an array": ("cells[2][4]", "cells[4][2]"),
    "array for arrays": ("cells[2][4]", "cells[8]"),
    "order of fields": ("int32_t x, y;", "int32_t y, x;"),
    "field that is new": ("int32_t x, y;", "int32_t x, y, z;"),
    "field of a union that is new": ("double d;", "double d; uint8_t u;"),
    "struct for a union": ("union { int32_t a; float b; struct", "struct { int32_t a; float b; struct"),
    "value of an enum": ("FAST = 4", "FAST = 3"),
    "value of an enum that is new": ("FASTER }", "FASTER, FASTEST }"),
    "name of an enum's value": ("SLOW = -1", "SLOWER = -1"),
    "integer of an enum": ("SLOW = -1", "SLOW = 1"),
    "direction of a buffer": ("*t HOTGRAFT_INOUT(1)", "*t HOTGRAFT_OUT(1)"),
    "length of a buffer": ("*t HOTGRAFT_INOUT(1)", "*t HOTGRAFT_INOUT(2)"),
    "what counts a buffer": ("*t HOTGRAFT_INOUT(1)", "*t HOTGRAFT_INOUT(n)"),
    "NULL for a buffer": ("*t HOTGRAFT_INOUT(1)", "*t HOTGRAFT_INOUT(1) HOTGRAFT_NULLABLE"),
    "NULL for a call-back": (DONE, DONE + " HOTGRAFT_NULLABLE"),
    "NULL for a result": ("(*made)(void *self) HOTGRAFT_OWNED", "(*made)(void *self) HOTGRAFT_OWNED HOTGRAFT_NULLABLE"),
    "const of a result": ("float *(*made)", "const float *(*made)"),
    "const of a result, gone": ("const double *(*view)", "double *(*view)"),
    "ownership of a result": (
        "const char *(*title)(void *self) HOTGRAFT_COPIED", "const char *(*title)(void *self) HOTGRAFT_OWNED"
    ),
    "status for a number": ("hotgraft_status (*f)", "int32_t (*f)"),
    "parameter of a call-back": ("(void *user, mode how,", "(void *user, int32_t how,"),
    "result of a call-back": ("void (*done)", "int32_t (*done)"),
    "serial": ("HOTGRAFT_COPIED;", "HOTGRAFT_COPIED HOTGRAFT_SERIAL;"),
    "realtime": ("HOTGRAFT_COPIED;", "HOTGRAFT_COPIED HOTGRAFT_REALTIME;"),
    "blocking": ("HOTGRAFT_COPIED;", "HOTGRAFT_COPIED HOTGRAFT_BLOCKING;"),
    "idempotent": ("HOTGRAFT_COPIED;", "HOTGRAFT_COPIED HOTGRAFT_IDEMPOTENT;"),
    "constant": ("SIZE 16", "SIZE 17"),
    "constant that is new": ("#define SIZE 16", "#define SIZE 16\n#define MORE 1"),
    "name of a function": ("(*title)", "(*name_of)"),
}  # fmt: skip


def anonymous(surface: Surface) -> Surface:
    """The surface without the names of parameters, which are there for messages, and without neutral constants."""
    interfaces = tuple(
        replace(one, functions=tuple(
            replace(function, parameters=tuple(replace(p, name="") for p in function.parameters))
            for function in one.functions
        ))
        for one in surface.interfaces
    )  # fmt: skip
    constants = {name: text for name, text in surface.constants.items() if name not in NEUTRAL}
    return replace(surface, interfaces=interfaces, constants=constants)


def surface(folder: Path, *changes: str) -> Surface:
    """The surface of the sample with texts exchanged, two by two."""
    text = SAMPLE
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    return anonymous(surface_of(bind(write(folder, text)).descriptor))


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Surface:
    """The surface of the sample as it stands."""
    return surface(tmp_path_factory.mktemp("sample"))


@pytest.mark.parametrize("what", SPELLINGS)
def test_two_spellings_of_one_type_are_one_contract(tmp_path: Path, sample: Surface, what: str) -> None:
    """A tidied header must not stop a reload."""
    assert surface(tmp_path, *SPELLINGS[what]) == sample


@pytest.mark.parametrize("what", CHANGES)
def test_each_change_of_what_callers_rely_on_is_another_contract(tmp_path: Path, sample: Surface, what: str) -> None:
    """What the surface does not show nobody can refuse."""
    assert surface(tmp_path, *CHANGES[what]) != sample
