"""engine/header_surface*.py: what callers of a C header rely on, as the compiler and the text tell it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

import pytest
from hotgraft.core.c_types import type_text
from hotgraft.core.errors import BindError, BuildError
from hotgraft.core.surface import Enumeration, Record
from hotgraft.engine.header_surface import read_headers
from hotgraft.engine.header_surface_macros import is_release

if TYPE_CHECKING:
    from pathlib import Path

    from hotgraft.core.surface import Function, Surface

COMPILERS: Final = [name for name in ("gcc", "clang") if shutil.which(name)]
EVERYTHING: Final = """
#include <stdint.h>
#include <stdio.h>
#define LIB_API __attribute__((visibility("default")))
#define LIB_FLAG (1u << 3)
#define LIB_BIG UINT64_C(0xffffffffffffffff)
#define LIB_NONE (-5)
#define LIB_RATE (3.0f / 2)
#define LIB_TEXT "one" "two"
#define LIB_WRONG (1 / 0)
#define LIB_MIN(a, b) ((a) < (b) ? (a) : (b))
#define LIB_VERSION "1.2"
#define LIB_ABI_VERSION 3
enum { LIB_LOOSE = 7 };
enum mode { MODE_A = -1, MODE_B };
struct bits { unsigned a : 3, b : 5; };
struct __attribute__((packed)) tight { char c; int v; };
struct __attribute__((packed)) crossing { unsigned a : 5, b : 30; unsigned long c : 60; _Bool d : 1; };
typedef struct { char c; struct { int in; } named; union { int i; float f; }; char tail[]; } nested;
struct node { struct node *next; _Atomic int n; };
LIB_API void (*on_signal(int sig, void (*handler)(int)))(int);
int (*rows(int n))[3];
int many(int), more(char *s __attribute__((unused))), number, *at, table[4];
int renamed(void) __asm__("renamed_v2");
extern _Thread_local int each;
__attribute__((nonnull(1), returns_nonnull, noreturn)) void *end(void *a, void *b);
int sized(float v[static 4], int n, const int of[n]);
void sort(int (*compare)(const void *, const void *), FILE *log);
enum mode mode(struct bits b, struct tight *t, nested *n, struct node *list, ...);
typedef struct __attribute__((packed)) { int a, b; } loose, *loose_ref;
extern struct { loose_ref at; } lone;
static inline int twice(int x) { return 2 * x; }
static const int LIB_STEP = 0x20;
"""


def read(folder: Path, text: str, compiler: str | None = None) -> Surface:
    """Return what a header of this text declares."""
    header = folder / "lib.h"
    header.write_text(text)
    return read_headers([header], compiler=compiler)


def shown(function: Function) -> str:
    """Return a function as text, ? for what may be NULL and the length of arrays in brackets."""
    parameters = [
        type_text(one.type) + f"[{one.count}]" * (one.count is not None) + "?" * one.is_nullable
        for one in function.parameters
    ]
    return f"({', '.join(parameters + ['...'] * function.is_variadic)}) -> {type_text(function.result)}"


@pytest.mark.parametrize("compiler", COMPILERS)
def test_every_kind_of_declaration_is_read(compiler: str, tmp_path: Path) -> None:
    """What is not read cannot be missed by a comparison, and so would break callers."""
    found = read(tmp_path, EVERYTHING, compiler)

    assert {name: shown(one) for name, one in found.functions.items()} == {
        "end": "(void*, void*?) -> void*",
        "many": "(i32) -> i32",
        "mode": "(bits, tight*?, nested*?, node*?, ...) -> mode",
        "more": "(i8*?) -> i32",
        "on_signal": "(i32, (fn(i32) -> void)*?) -> (fn(i32) -> void)*",
        "renamed_v2": "() -> i32",
        "rows": "(i32) -> (i32[3])*",
        "sized": "(f32*[4], i32, i32 const*[#1]?) -> i32",
        "sort": "((fn(void const*, void const*) -> i32)*?, _IO_FILE*?) -> void",
    }
    assert {name: type_text(one.type) for name, one in found.variables.items()} == {
        "at": "i32*", "each": "i32", "lone": "lone", "number": "i32", "table": "i32[4]",
    }  # fmt: skip
    numbers = {name: value for name, value in found.constants.items() if name.startswith("LIB_")}
    assert numbers == {
        "LIB_ABI_VERSION": "3", "LIB_BIG": str(2**64 - 1), "LIB_FLAG": "8", "LIB_LOOSE": "7", "LIB_NONE": "-5",
        "LIB_RATE": "1.5", "LIB_STEP": "32", "LIB_TEXT": '"onetwo"', "LIB_WRONG": "( 1 / 0 )",
    }  # fmt: skip
    assert found.constants["macro LIB_MIN($0, $1)"] == "( ( $0 ) < ( $1 ) ? ( $0 ) : ( $1 ) )"
    assert found.constants["inline twice"] == "static inline int twice ( int x ) { return 2 * x ; }"
    assert found.constants["promise of end: noreturn"] == "kept"
    assert found.constants["attributes that change a call or a layout"] == "each: thread storage"
    assert found.unseen == ()


@pytest.mark.parametrize("compiler", COMPILERS)
def test_layouts_are_the_compiler_s(compiler: str, tmp_path: Path) -> None:
    """A layout that is counted out by somebody else is wrong where it matters."""
    types = read(tmp_path, EVERYTHING, compiler).types

    def layout(name: str) -> tuple[int, int, list[str]]:
        facts = types[name]
        assert isinstance(facts, Record)
        members = [f"{one.name}: {type_text(one.type)} @{one.offset_bits}" for one in facts.members]
        return facts.bytes, facts.align, members

    assert layout("tight") == (5, 1, ["c: i8 @0", "v: i32 @8"])
    assert layout("bits") == (4, 4, ["a: u32 @0", "b: u32 @3"])
    assert layout("loose") == (8, 1, ["a: i32 @0", "b: i32 @32"])
    assert layout("lone") == (8, 8, ["at: loose* @0"])
    assert layout("crossing") == (12, 1, ["a: u32 @0", "b: u32 @5", "c: u64 @35", "d: bool @95"])
    assert layout("nested") == (
        12, 4, ["c: i8 @0", "named: nested.named @32", "i: i32 @64", "f: f32 @64", "tail: i8[] @96"],
    )  # fmt: skip
    assert layout("node") == (16, 8, ["next: node* @0", "n: atomic(i32) @64"])
    assert types["mode"] == Enumeration(type="i32", values=(("MODE_A", -1), ("MODE_B", 0)))


def test_what_others_declare_is_not_the_library_s(tmp_path: Path) -> None:
    """A newer C library must not change what a plugin's header comes to; its own parts must."""
    (tmp_path / "part.h").write_text("#define PART 5\nint part(void);\n")

    found = read(tmp_path, '#include "part.h"\n#include <stdio.h>\nint whole(void);\n')

    assert list(found.functions) == ["part", "whole"]
    assert [name for name in found.constants if name.isupper()] == ["PART"]
    assert found.types == {}


@pytest.mark.parametrize("compiler", COMPILERS)
def test_macros_of_the_system_in_a_part_of_the_library_stay_in_it(compiler: str, tmp_path: Path) -> None:
    """gcc marks what they stand for as the system's: a result of type bool was lost, and the function with it."""
    text = "#include <stdbool.h>\n#include <stdint.h>\nbool has(int x);\nextern bool flag;\n"
    (tmp_path / "part.h").write_text(text + "static const int64_t far = INT64_C(5);\n")

    found = read(tmp_path, '#include "part.h"\n', compiler)

    assert shown(found.functions["has"]) == "(i32) -> bool"
    assert type_text(found.variables["flag"].type) == "bool"
    assert found.constants["far"] == "5"


def test_a_header_that_does_not_compile_says_so_in_the_compiler_s_words(tmp_path: Path) -> None:
    """The author mends the line that is named."""
    with pytest.raises(BuildError, match="could not read the headers") as caught:
        read(tmp_path, "int f(unknown_t x);\n")
    assert "lib.h:1" in caught.value.output
    with pytest.raises(BuildError) as caught:
        read(tmp_path, '#include "nowhere.h"\n')
    assert "nowhere.h" in caught.value.output


@pytest.mark.parametrize("text", ["int f(int x)\n", "int f(\n", "struct s { int x;\n"])
def test_a_header_that_ends_in_a_declaration_is_told_of(text: str, tmp_path: Path) -> None:
    """The compiler names a line that is ours, and nobody finds it in the header."""
    with pytest.raises(BuildError) as caught:
        read(tmp_path, text)

    assert "perhaps not ended" in caught.value.output


def test_a_header_of_cpp_is_refused_and_not_called_equal(tmp_path: Path) -> None:
    """What is not looked at must not look like what did not change."""
    with pytest.raises(BindError, match=r"C\+\+ declarations are not compared"):
        read(tmp_path, "namespace lib { class thing { virtual void f(); }; }\n")
    guarded = '#ifdef __cplusplus\nextern "C" {\n#endif\nint f(void);\n#ifdef __cplusplus\n}\n#endif\n'
    assert list(read(tmp_path, guarded).functions) == ["f"]


def test_what_only_cpp_compiles_is_seen_to_change(tmp_path: Path) -> None:
    """A wrapper in the header is code in its C++ callers; how C is linked is none."""
    linked = '#ifdef __cplusplus\nextern "C" {\n#endif\nint f(void);\n#ifdef __cplusplus\n}\n#endif\n'
    wrapped = linked + "#if defined(__cplusplus)\nnamespace lib { inline int g() { return f(); } }\n#else\n#endif\n"

    assert "what only C++ compiles" not in read(tmp_path, linked).constants
    assert read(tmp_path, wrapped).constants["what only C++ compiles"] == (
        "namespace lib { inline int g ( ) { return f ( ) ; } }"
    )
    other = read(tmp_path, "#ifndef __cplusplus\nint f(void);\n#else\nclass c;\n#endif\n")
    assert other.constants["what only C++ compiles"] == "class c ;"


def test_flags_that_hide_what_the_compiler_says_hide_no_function(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two headers of which nothing was seen must not be called equal."""
    monkeypatch.setenv("CFLAGS", "-gsplit-dwarf")
    assert any("f: the compiler says nothing" in one for one in read(tmp_path, "int f(void);\n").unseen)
    monkeypatch.setenv("CFLAGS", "-fsyntax-only")
    with pytest.raises(BuildError, match="wrote no object file"):
        read(tmp_path, "int f(void);\n")


def test_what_cannot_be_known_is_said(tmp_path: Path) -> None:
    """The parameters of a function without a prototype, and a type that nobody has a word for."""
    found = read(tmp_path, "int old_style();\nvoid on(int (*f)());\n")

    assert found.functions["old_style"].is_variadic and found.functions["old_style"].parameters == ()
    assert found.unseen == ("on.0: a function without a prototype: its parameters are not known",)


def test_a_parameter_without_a_name_has_none(tmp_path: Path) -> None:
    """Its place in the place of a name was told as a parameter `1`, and as renamed where it got one."""
    assert [one.name for one in read(tmp_path, "int f(int, int x);\n").functions["f"].parameters] == ["", "x"]


def test_an_interface_is_read_with_its_annotations(tmp_path: Path) -> None:
    """They say what types do not: which way, how many, may it be NULL."""
    found = read(
        tmp_path,
        "#include <hotgraft/hotgraft.h>\n"
        "typedef struct gain_v1 {\n    uint32_t struct_size;\n"
        "    hotgraft_status (*process)(void *self, const float *in HOTGRAFT_IN(n) HOTGRAFT_NULLABLE, uint64_t n)\n"
        "        HOTGRAFT_BLOCKING;\n"
        "    const char *(*name)(void *self) HOTGRAFT_COPIED HOTGRAFT_SINCE(1, 2);\n} gain_v1;\n",
    )

    (interface,) = found.interfaces
    process, name = interface.functions
    assert (interface.name, interface.version, interface.bytes) == ("gain_v1", None, 24)
    assert (process.is_status, process.tags, process.offset) == (True, frozenset({"blocking"}), 8)
    assert [(one.name, one.direction, one.count, one.is_nullable) for one in process.parameters] == [
        ("in", "in", "#1", True), ("n", None, None, False),
    ]  # fmt: skip
    assert (name.ownership, name.since, name.offset) == ("copied", (1, 2), 16)
    assert "gain_v1" not in found.types


def test_paths_with_any_characters_are_read(tmp_path: Path) -> None:
    """A folder's name is nobody's syntax."""
    folder = tmp_path / 'a "quoted" $name; with\\slash'
    folder.mkdir()

    assert list(read(folder, "#define N 3\nint f(void);\n").functions) == ["f"]


def test_a_header_is_named(tmp_path: Path) -> None:
    """No header is no surface."""
    with pytest.raises(ValueError, match="no header"):
        read_headers([])


@pytest.mark.parametrize(
    ("name", "is_left_out"),
    [
        ("LIB_VERSION", True), ("LIB_VERSION_MAJOR", True), ("ZLIB_VERNUM", True), ("SQLITE_VERSION_NUMBER", True),
        ("VERSION", True), ("lib_version_string", True),
        ("LIB_ABI_VERSION", False), ("LIB_CMD_GET_VERSION", False), ("ERR_VERSION", False), ("LIB_MIN_VERSION", False),
        ("KEY_RELEASE", False), ("LIB_VERSION_CHECK", False), ("CONVERSION", False), ("LIB_REVERSION", False),
    ],
)  # fmt: skip
def test_a_release_s_number_is_no_constant_and_what_callers_pass_is(name: str, is_left_out: bool) -> None:
    """A release changes its own number each time; a command of that name must keep it."""
    assert is_release(name) == is_left_out
