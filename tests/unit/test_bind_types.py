"""Unions, enums, typedefs, nested arrays and call-backs of headers: read as every compiler reads them."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft.core.descriptor import read_descriptor, signature, write_descriptor
from hotgraft.core.errors import BindError
from hotgraft.core.surface_descriptor import surface_of
from hotgraft.engine.bind import bind
from hotgraft.engine.build import write_bound
from hotgraft.engine.places import include_dir
from test_bind_headers import MANIFEST, PAIR, header, taking, write

if TYPE_CHECKING:
    from pathlib import Path


STATE = '\n[state]\nkind = "single"\nstruct = "gain_state"\n'
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wswitch-default", "-Werror")
LANGUAGES = {
    "C11": ("-xc", "-std=c11"),
    "C++17": ("-xc++", "-std=c++17", "-Wold-style-cast"),
    "C++11": ("-xc++", "-std=c++11"),
}
MODE = "typedef enum mode { SLOW = -1, FAST = 4, FASTER } mode;"
POINT = "typedef struct point { int32_t x, y; } point;"
VALUE = "typedef union value { int64_t i; double d; point p; } value;"
TABLE = (
    "typedef struct table { int32_t cells[2][4]; value of; mode how[2]; "
    "union { int32_t a; float b; struct { int16_t c, d; }; }; uint8_t e; } table;"
)
DONE = "void (*done)(void *user, mode how, const point *at)"

READ = {
    "union": (header(PAIR, "typedef union pair { int32_t a; } pair;"), ["f(self, p: pair[1] in) -> void"]),
    "call-back": (taking("void (*x)(int32_t)"), ["f(self, x: (fn(i32) -> void)*) -> void"]),
    "call-back with what is passed to it": (
        taking("void (*x)(void *user) HOTGRAFT_NULLABLE, void *user"),
        ["f(self, x: (fn(void*) -> void)* or NULL, user: void* or NULL) -> void"],
    ),
    "call-back behind a typedef": (
        taking("done x, void *y, int8_t z", "typedef int32_t (*done)(void *, uint8_t *bytes, const char *);"),
        ["f(self, x: (fn(void*, u8*, i8 const*) -> i32)*, y: void* or NULL, z: i8) -> void"],
    ),
    "call-back without parameters": (taking("double (*x)(void)"), ["f(self, x: (fn() -> f64)*) -> void"]),
    "call-back that takes an array": (taking("void (*x)(int32_t a[4])"), ["f(self, x: (fn(i32*) -> void)*) -> void"]),
    "enum by value, in buffers, as a result": (
        header("mode (*f)(void *self, mode m, mode *all HOTGRAFT_OUT(3));", MODE),
        ["f(self, m: mode, all: mode[3] out) -> mode"],
    ),
    "enum by its tag": (header("enum mode (*f)(void *self);", "enum mode { A, B };"), ["f(self) -> mode"]),
    "enum whose values are computed": (
        header("mode (*f)(void *self);", "#define N 3\ntypedef enum mode { A = 1 << N, B = A | 1, C = -B } mode;"),
        ["f(self) -> mode"],
    ),
    "enum as large as it may be": (
        header("mode (*f)(void *self);", "typedef enum mode { A = 0xFFFFFFFF } mode;"), ["f(self) -> mode"]
    ),
    "enum with a value twice": (
        header("mode (*f)(void *self);", "typedef enum mode { A, B = 0 } mode;"), ["f(self) -> mode"]
    ),
    "array of arrays": (
        header(PAIR, "typedef struct pair { float a[2][3]; } pair;"), ["f(self, p: pair[1] in) -> void"]
    ),
    "array at the begin of a struct inside": (
        header(PAIR, "typedef struct more { double a[2][2]; } more; typedef struct pair { more m; int8_t b; } pair;"),
        ["f(self, p: pair[1] in) -> void"],
    ),
    "array of an enumerator": (
        header(PAIR, "enum { N = 4 }; typedef struct pair { float b[N]; } pair;"), ["f(self, p: pair[1] in) -> void"]
    ),
    "array behind a typedef": (
        header(PAIR, "typedef float vec[3]; typedef struct pair { vec a[2], b; } pair;"),
        ["f(self, p: pair[1] in) -> void"],
    ),
    "typedef of a typedef": (
        taking(
            "b x, const b *y HOTGRAFT_IN(1), d z HOTGRAFT_IN(2)", "typedef float a; typedef a b; typedef const b *d;"
        ),
        ["f(self, x: f32, y: f32[1] in, z: f32[2] in) -> void"],
    ),
    "typedef that stands twice": (taking("a x", "typedef float a; typedef float a;"), ["f(self, x: f32) -> void"]),
    "struct that is declared before its typedef": (
        header(PAIR, "struct pair { int8_t a; }; typedef struct pair pair;"), ["f(self, p: pair[1] in) -> void"]
    ),
    "struct that is declared after its typedef": (
        header(PAIR, "typedef struct pair pair; struct pair { int8_t a; };"), ["f(self, p: pair[1] in) -> void"]
    ),
    "struct without a typedef": (
        taking("const struct pair *p HOTGRAFT_IN(1)", "struct pair { int8_t a; };"), ["f(self, p: pair[1] in) -> void"]
    ),
    "everything inside everything": (
        taking("table *t HOTGRAFT_INOUT(1)", f"{MODE} {POINT} {VALUE} {TABLE}"), ["f(self, t: table[1] inout) -> void"]
    ),
    "promises": (
        header("void (*f)(void *self) HOTGRAFT_SERIAL HOTGRAFT_REALTIME; void (*g)(void *self) HOTGRAFT_SERIAL;"),
        ["f(self) -> void, serial, realtime", "g(self) -> void, serial"],
    ),
    "result that may be NULL": (
        header("const char *(*f)(void *self) HOTGRAFT_COPIED HOTGRAFT_NULLABLE;"), ["f(self) -> i8 copied or NULL"]
    ),
    "constants of every kind": (
        header(before='#define A 0x10\n#define B (A << 4)\n#define C "text"\n#define D ((uint32_t)-1)\n'
               "#define E INT64_MIN\n#define F 1.5f\n#define G -3\n#define H UINT64_MAX\nenum { I = B, J }; "),
        ["f(self) -> void"],
    ),
}  # fmt: skip


def compilers() -> list[str]:
    """The families this machine has; a machine that builds plugins has one."""
    return [name for name in ("gcc", "clang") if shutil.which(name)] or ["cc"]


def said(folder: Path, compiler: str, language: str, *flags: str) -> str:
    """What a compiler says about the descriptor that was bound into the folder."""
    command = [compiler, *LANGUAGES[language], "-fsyntax-only", *flags, f"-I{include_dir()}", f"-I{folder}"]
    source = str(folder / "build" / "gain_descriptor.h")
    done = subprocess.run([*command, source], capture_output=True, text=True, check=False)
    return done.stderr


def judges(tier: str, number: int) -> list[tuple[str, str]]:
    """Every compiler and language; quick: one of them for each row."""
    every = [(compiler, language) for language in LANGUAGES for compiler in compilers()]
    return every[number % len(every) :][:1] if tier == "quick" else every


@pytest.mark.parametrize("text", READ)
def test_types_are_read_as_every_compiler_reads_them(tmp_path: Path, text: str, tier: str) -> None:
    """The generated assertions are the judge, and the author's warning flags must not stumble over them."""
    write_bound(write(tmp_path, READ[text][0]), tmp_path / "build")
    bound = bind(tmp_path / "plugin.toml")

    assert [signature(one) for one in bound.descriptor.provides[0].functions] == READ[text][1]
    assert surface_of(read_descriptor(write_descriptor(bound.descriptor))) == surface_of(bound.descriptor)
    for compiler, language in judges(tier, list(READ).index(text)):
        # Structs without a name inside others are C11, and in C++ an extension that both compilers have.
        # An enumerator beyond int is C23.
        quiet = ("-Wno-pedantic",) if text.startswith(("everything", "enum as large")) else ()
        assert said(tmp_path, compiler, language, *WARNINGS, *quiet) == ""


def test_layouts_and_values_are_described(tmp_path: Path) -> None:
    """What a compiler agreed to is what stands in the descriptor."""
    found = bind(write(tmp_path, READ["everything inside everything"][0])).descriptor

    assert [f"{one.name} {one.type}*{one.count} {one.offset}+{one.bytes}{' shares' * one.shares}"
            for one in found.structs["table"].fields] == [
        "cells i32[2][4]*1 0+32", "of value*1 32+8", "how mode*2 40+8", "a i32*1 48+4", "b f32*1 48+4 shares",
        "c i16*1 48+2 shares", "d i16*1 50+2 shares", "e u8*1 52+1",
    ]  # fmt: skip
    assert [(one.name, one.offset) for one in found.unions["value"].fields] == [("i", 0), ("d", 0), ("p", 0)]
    assert (found.enums["mode"].type, found.enums["mode"].values) == ("i32", (("SLOW", -1), ("FAST", 4), ("FASTER", 5)))
    assert found.constants == {}


def test_constants_of_the_headers_are_described_by_value(tmp_path: Path) -> None:
    """Include guards and macros with arguments are no constants; enumerators are."""
    before = "#ifndef GAIN_H\n#define GAIN_H 1\n#endif\n#define MAX(a, b) a\n#define EMPTY\n"
    before += "#ifdef WIDE\n#define W 4\n#endif\n"
    text = (
        before
        + READ["constants of every kind"][0]
        + "#define GONE 1\n#undef GONE\n#define ATTRIBUTE __attribute__((unused))\n"
    )

    assert bind(write(tmp_path, text)).descriptor.constants == {
        "A": "16", "B": "256", "C": '"text"', "D": "4294967295", "E": "-9223372036854775808", "F": "1.5", "G": "-3",
        "H": "18446744073709551615", "I": "256", "J": "257", "ATTRIBUTE": "__attribute__ ( ( unused ) )",
    }  # fmt: skip


REFUSED = {
    "enum beyond 32 bits": (
        header("mode (*f)(void *self);", "typedef enum mode { A = 1ll << 40 } mode;"), 2, "has 32 bits"
    ),
    "enum beyond both ends": (
        header("mode (*f)(void *self);", "typedef enum mode { A = -1, B = 0x80000000 } mode;"), 2, "has 32 bits"
    ),
    "enum whose value is not certain": (
        header("mode (*f)(void *self);", "typedef enum mode { A = sizeof(int) } mode;"), 2, "its value is not certain"
    ),
    "enum of nothing": (header("mode (*f)(void *self);", "typedef enum mode { } mode;"), 2, "enum mode"),
    "enum that is packed": (
        header("mode (*f)(void *self);", "typedef enum __attribute__((packed)) mode { A } mode;"), 2, "an attribute"
    ),
    "enum as a count": (taking("float *x HOTGRAFT_IN(m), mode m", MODE), 5, "m is not an integer"),
    "union by value": (taking("value v", f"{POINT} {VALUE}"), 5, "by value"),
    "union of pointers": (header(PAIR, "typedef union pair { float *a; } pair;"), 2, "a pointer inside a struct"),
    "union of bitfields": (header(PAIR, "typedef union pair { uint32_t a : 3; } pair;"), 2, "bitfields"),
    "union that contains itself": (header(PAIR, "typedef union pair { union pair a; } pair;"), 2, "recursive"),
    "call-back in a struct": (header(PAIR, "typedef struct pair { void (*a)(void); } pair;"), 2, "does not outlive"),
    "call-back in a struct behind a typedef": (
        header(PAIR, "typedef void (*fn)(void); typedef struct pair { fn a; } pair;"), 2, "does not outlive"
    ),
    "call-back as a result": (header("fn (*f)(void *self);", "typedef void (*fn)(void);"), 5, "does not cross"),
    "call-back that takes a call-back": (taking("void (*x)(void (*y)(void))"), 5, "pass void * instead"),
    "call-back that takes a struct": (taking("void (*x)(point p)", POINT), 5, "by pointer, not by value"),
    "call-back that takes a long": (taking("void (*x)(long n)"), 5, "use int64_t"),
    "call-back that answers an int": (taking("int (*x)(void)"), 5, "use int32_t"),
    "call-back of what is not known": (taking("void (*x)(FILE *f)"), 5, "does not cross"),
    "call-back with variable arguments": (taking("void (*x)(void *user, ...)"), 5, "variable number"),
    "call-back with an annotation inside": (taking("void (*x)(float *a HOTGRAFT_IN(1))"), 5, "does not belong here"),
    "call-back as a buffer": (taking("void (*x)(void) HOTGRAFT_IN(1)"), 5, "the address of a function"),
    "call-backs in call-backs": (taking("void (*a)(void (*b)(" * 2000 + "void" + "))" * 2000), 5, "call-backs"),
    "pointer to a call-back": (taking("fn *x HOTGRAFT_OUT(1)", "typedef void (*fn)(void);"), 5, "pointer to a pointer"),
    "user pointer without a call-back": (taking("void *user"), 5, "how many elements, which way"),
    "user pointer before its call-back": (taking("void *user, void (*x)(void *)"), 5, "how many elements"),
    "typedef of a long": (taking("word w", "typedef unsigned long word;"), 5, "its width depends"),
    "typedef of another": (taking("a x", "typedef float a; typedef double a;"), 2, "declared twice"),
    "array behind a typedef as a parameter": (taking("vec v", "typedef float vec[3];"), 5, "instead of an array"),
    "pointer to an array behind a typedef": (
        taking("vec *v HOTGRAFT_IN(1)", "typedef float vec[3];"), 5, "to an array"
    ),
    "realtime and blocking": (header("void (*f)(void *self) HOTGRAFT_REALTIME HOTGRAFT_BLOCKING;"), 5, "may take long"),
    "NULL for a result that is no pointer": (
        header("double (*f)(void *self) HOTGRAFT_NULLABLE;"), 5, "is for a result"
    ),
    "annotation of a function beside a parameter": (taking("int32_t x HOTGRAFT_SERIAL"), 5, "does not belong here"),
    "enumerator of two enums": (
        header("mode (*f)(void *self);", "enum { A }; typedef enum mode { A } mode;"), 2, "A is declared twice"
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_does_not_cross_is_refused_at_its_line(tmp_path: Path, what: str) -> None:
    """An author mends a line, not a traceback."""
    text, line, sentence = REFUSED[what]

    with pytest.raises(BindError) as caught:
        bind(write(tmp_path, text))

    assert any(one.startswith(f"gain.h:{line}: ") and sentence in one for one in caught.value.found), caught.value.found
    for one in caught.value.found:
        assert re.match(r"gain\.h:\d+: ", one), one
        assert len(one) < 600


FUNCTION = (
    "hotgraft_status (*f)(void *self, const point *in HOTGRAFT_IN(n), point *out HOTGRAFT_OUT(n), uint32_t n, "
    f"mode how, table *t HOTGRAFT_INOUT(1), {DONE}, void *user, const float k);"
)  # fmt: skip
SAMPLE = header(
    FUNCTION + "\n const char *(*title)(void *self) HOTGRAFT_COPIED; float *(*made)(void *self) HOTGRAFT_OWNED;"
    "\n const double *(*view)(void *self, uint64_t *m HOTGRAFT_OUT(1)) HOTGRAFT_LEASED(m);",
    f"#define SIZE 16\n{MODE}\n{POINT}\n{VALUE}\n{TABLE}",
)
LAYOUTS = {
    "known before": "int64_t a; float b[3]; inner c[2]; inner d; char e;",
    "plain": "int64_t a; float b[3];",
    "array of arrays": "int64_t a; int32_t b[2][3];",
    "array of arrays the other way": "int64_t a; int32_t b[3][2];",
    "array": "int64_t a; int32_t b[6];",
    "union": "value a;",
    "another union": "other a;",
    "struct of the same size": "point a;",
    "enum": "mode a;",
    "another enum": "speed a;",
    "integer": "int32_t a;",
    "union without a name": "union { int32_t a; float b; };",
    "struct without a name": "struct { int32_t a; float b; };",
}


def test_each_layout_of_state_has_a_number_of_its_own(tmp_path: Path) -> None:
    """Hand over goes by this number alone. That of a layout which was known before unions is the one it was."""
    types = f"{MODE} {POINT} {VALUE} typedef union other {{ int64_t i; float d; point p; }} other; "
    types += "typedef enum speed { LOW = -1, HIGH = 4 } speed; "
    types += "typedef struct inner { uint8_t a; int16_t b[2]; } inner;"
    ids = {}
    for name, fields in LAYOUTS.items():
        path = write(tmp_path, header(before=f"{types} typedef struct gain_state {{ {fields} }} gain_state;"))
        path.write_text(MANIFEST + STATE)
        ids[name] = bind(path).descriptor.state.layout_id

    assert len(set(ids.values())) == len(LAYOUTS)
    assert ids["known before"] == 0x0BA8_2541_2D36_0BBD


STALE = {
    "value of an enum": ("FAST = 4", "FAST = 3", "FAST of mode"),
    "value of an enum that is new": ("FASTER }", "FASTER, FASTEST }", "FASTEST"),
    "integer of an enum": ("SLOW = -1", "SLOW = 1", "mode changed its integer"),
    "member of a union": ("double d;", "uint64_t d;", "value.d"),
    "size of a union": ("double d;", "double d[2];", "value changed its size"),
    "shape of an array": ("cells[2][4]", "cells[4][2]", "table.cells"),
    "member of a union without a name": ("float b;", "uint32_t b;", "table.b"),
    "field put into padding": ("uint8_t e;", "uint8_t e, g;", "table is new"),
    "typedef": ("typedef float real;", "typedef double real;", "gain_v1.f"),
    "call-back": ("(void *user, mode how,", "(void *user, int64_t how,", "gain_v1.f"),
    "constant": ("SIZE 16", "SIZE 17", "SIZE changed its value"),
}


@pytest.mark.parametrize("what", STALE)
def test_a_type_that_changed_without_bind_does_not_compile(tmp_path: Path, what: str, tier: str) -> None:
    """A stale descriptor describes another program."""
    old, new, named = STALE[what]
    sample = SAMPLE.replace("const float k", "const real k").replace(POINT, POINT + " typedef float real;")
    write_bound(write(tmp_path, sample), tmp_path / "build")
    assert sample.count(old) >= 1
    (tmp_path / "gain.h").write_text(sample.replace(old, new, 1))

    for compiler, language in judges(tier, list(STALE).index(what)):
        text = said(tmp_path, compiler, language)
        assert "run hotgraft bind again" in text, (compiler, language, text)
        assert named in text, (compiler, language, text)


def test_short_enums_do_not_compile(tmp_path: Path) -> None:
    """With -fshort-enums an enum is as wide as its values need; callers of the descriptor pass 32 bits."""
    write_bound(write(tmp_path, SAMPLE), tmp_path / "build")

    for compiler in compilers():
        for language in ("C11", "C++17"):
            assert said(tmp_path, compiler, language) == ""
            assert "mode changed its integer" in said(tmp_path, compiler, language, "-fshort-enums")


def described(folder: Path, function: str, before: str = "") -> dict[str, Any]:
    """The first function of a header, as the descriptor has it."""
    import msgspec

    found = bind(write(folder, header(function, before))).descriptor
    described: dict[str, Any] = msgspec.to_builtins(found.provides[0].functions[0])
    return described


def test_what_is_as_usual_is_not_written_down(tmp_path: Path) -> None:
    """A host of before reads what uses nothing new: const of a result is written only where it is unusual."""
    text = "const char *(*f)(void *self) HOTGRAFT_COPIED;"

    assert described(tmp_path, text)["returns"] == {
        "kind": "pointer", "type": "i8", "ownership": "copied", "count": None,
    }  # fmt: skip
    assert described(tmp_path, text.replace("const ", ""))["returns"]["const"] is False
    assert described(tmp_path, "const float *(*f)(void *self) HOTGRAFT_OWNED;")["returns"]["const"] is True
    assert set(described(tmp_path, "void (*f)(void *self);")) == {
        "name", "offset", "since", "blocking", "idempotent", "returns", "parameters",
    }  # fmt: skip
