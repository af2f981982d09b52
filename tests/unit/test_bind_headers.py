"""Headers as careless and as hostile authors write them: read as a compiler reads them, or refused with their line."""

from __future__ import annotations

import random
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from hotgraft.core.descriptor import signature
from hotgraft.core.errors import BindError
from hotgraft.engine.bind import bind
from hotgraft.engine.build import find_compiler, write_bound
from hotgraft.engine.places import include_dir

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Sized

MANIFEST = '[plugin]\nname = "gain"\nversion = "1.0.0"\n\n[provides.gain]\nversion = "1.1"\n'
PLAIN = "void (*f)(void *self);"
PAIR = "void (*f)(void *self, const pair *p HOTGRAFT_IN(1));"


def write(folder: Path, text: str | bytes) -> Path:
    """Write a manifest and its header as they stand."""
    (folder / "gain.h").write_bytes(text if isinstance(text, bytes) else text.encode())
    (folder / "plugin.toml").write_text(MANIFEST)
    return folder / "plugin.toml"


def header(functions: str = PLAIN, before: str = "", head: str = "uint32_t struct_size;") -> str:
    """Return a header; `before` begins in line 2, `functions` in line 5 when `before` is one line."""
    return (
        f"#include <hotgraft/hotgraft.h>\n{before}\ntypedef struct gain_v1 {{\n    {head}\n{functions}\n}} gain_v1;\n"
    )


def taking(parameters: str, before: str = "") -> str:
    """Return a header whose function, in line 5, takes `parameters`."""
    return header(f"void (*f)(void *self, {parameters});", before)


def pair(fields: str) -> str:
    """Return a header whose struct, in line 2, has `fields`."""
    return header(PAIR, f"typedef struct pair {{ {fields} }} pair;")


def said_by_compiler(folder: Path, text: str) -> str:
    """What a compiler has against the descriptor of a header that bind read."""
    write_bound(write(folder, text), folder / "build")
    command = [find_compiler(), "-std=c11", "-fsyntax-only", f"-I{include_dir()}", f"-I{folder}", "-xc"]
    source = str(folder / "build" / "gain_descriptor.h")
    done = subprocess.run([*command, source], capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""


def compiles_alone(folder: Path) -> bool:
    """Tell whether a compiler takes the header at all; what it does not take never becomes a plugin."""
    command = [find_compiler(), "-std=c11", "-fsyntax-only", f"-I{include_dir()}", "-xc", str(folder / "gain.h")]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


READ = {
    "a // comment goes on after a backslash": (
        header("void (*f)(void *self); // or \\\n void (*g)(void *self);\n void (*h)(void *self);"),
        ["f(self) -> void", "h(self) -> void"],
    ),
    "comment marks inside a string": (
        header(before='static const char *const hint __attribute__((unused)) = "/* none"; /* one */'),
        ["f(self) -> void"],
    ),
    "comments between any two words": (header("void/**/(* /* b; } */ f)(void /* , */ *self);"), ["f(self) -> void"]),
    "quotes inside comments": (header(before="/* don't \" */ // it's"), ["f(self) -> void"]),
    "macros of macros": (
        taking("float *x HOTGRAFT_IN(B)", "#define B A /* which\n is */\n#define A (4u)"),
        ["f(self, x: f32[4] in) -> void"],
    ),
    "octal macro": (
        taking("float *x HOTGRAFT_IN(B)", "#define B 010"),
        ["f(self, x: f32[8] in) -> void"],
    ),
    "macro of one word": (
        taking("SAMPLE a", "#define SAMPLE float"), ["f(self, a: f32) -> void"],
    ),
    "macro taken back": (
        taking("const float *x HOTGRAFT_IN(B)", "#define B 4\n#undef B\n#define B 5"),
        ["f(self, x: f32[5] in) -> void"],
    ),
    "#if 0 and C++ parts": (
        header("#if 0\nlong x;\n#endif\n#ifdef __cplusplus\nbool y;\n#else\nvoid (*g)(void *self);\n#endif"),
        ["g(self) -> void"],
    ),
    "line continuations": (header("void (*f)(void \\\n *self, \\\n int32_t a);"), ["f(self, a: i32) -> void"]),
    "CRLF": (header().replace("\n", "\r\n"), ["f(self) -> void"]),
    "byte order mark": ("\ufeff" + header(), ["f(self) -> void"]),
    "tabs": (header().replace(" ", "\t"), ["f(self) -> void"]),
    "const behind the type, and of a parameter itself": (
        taking("float const *a HOTGRAFT_IN(n), float *const b HOTGRAFT_OUT(n), const uint64_t n"),
        ["f(self, a: f32[n] in, b: f32[n] out, n: u64) -> void"],
    ),
    "several fields on a line": (
        pair("int32_t a, b; float c[2], d;"), ["f(self, p: pair[1] in) -> void"],
    ),
    "a struct without a tag": (
        header(PAIR, "typedef struct { int8_t a; int32_t b; } pair;"), ["f(self, p: pair[1] in) -> void"],
    ),
    "array length of an expression": (
        header(PAIR, "#define N 4\ntypedef struct pair { float b[N * 2 + 1]; } pair;"),
        ["f(self, p: pair[1] in) -> void"],
    ),
    "ownership before the name": (
        header("const char *HOTGRAFT_COPIED (*f)(void *self);"), ["f(self) -> i8 copied"],
    ),
    "text as a field and as a result": (
        header(f"{PAIR} const char *(*g)(void *self) HOTGRAFT_COPIED;", "typedef struct pair { char a[4]; } pair;"),
        ["f(self, p: pair[1] in) -> void", "g(self) -> i8 copied"],
    ),
    "what does not cross, where it does not cross": (
        header(before="enum mode { A }; union u { long a; }; typedef struct mine { void *p; long n : 3; } mine;"),
        ["f(self) -> void"],
    ),
    "a body that declares the same name": (
        header(before="static inline int own(void) { typedef struct gain_v1 { int x; } gain_v1; return 1; }"),
        ["f(self) -> void"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("text", READ)
def test_header_is_read_as_a_compiler_reads_it(tmp_path: Path, text: str) -> None:
    """The descriptor's assertions are the judge: they compile only where both read the same."""
    bound = bind(write(tmp_path, READ[text][0]))

    assert [signature(one) for one in bound.descriptor.provides[0].functions] == READ[text][1]
    assert said_by_compiler(tmp_path, READ[text][0]) == ""


REFUSED: dict[str, tuple[str | bytes, int, str]] = {
    "a macro that is no number": (taking("float *x HOTGRAFT_IN(B)", "#define B 09"), 5, "macro B"),
    "macros in a circle": (taking("T a", "#define T U\n#define U T"), 6, "macro T"),
    "macro of two words": (taking("T a", "#define T const float"), 5, "macro T"),
    "macro with arguments": (header("F(f)", "#define F(x) void (*x)(void *self);"), 5, "macro F"),
    "annotation defined anew": (header(before="#define HOTGRAFT_IN(n) n"), 2, "these names are hotgraft's"),
    "member under #if": (header(f"#if FOO\nvoid (*g)(void *self);\n#endif\n{PLAIN}"), 6, "the same in every build"),
    "macro under #if": (
        taking("float *x HOTGRAFT_IN(N)", "#ifndef N\n#define N 4\n#endif"), 7, "macro N"
    ),
    "#if without end": (header() + "#ifdef A\n", 7, "never closed"),
    "#endif without #if": (header("#endif\n" + PLAIN), 5, "without an #if"),
    "comment without end": (header() + "\n/* ", 8, "never closed"),
    "brace without end": (header()[: header().rindex("}")], 3, "never closed"),
    "parenthesis without end": (header("void (*f)(void *self;"), 5, "wanted"),
    "word broken by a continuation": (header("void (*f)(void *self, in\\\nt32_t a);"), 5, "does not cross"),
    "function pointer behind a typedef": (header("fn f;", "typedef void (*fn)(void *);"), 5, "only function pointers"),
    "no ; between functions": (header("void (*f)(void *self)\nvoid (*g)(void *self);"), 6, "is a ; missing"),
    "no ; at the end": (header("void (*f)(void *self)"), 5, "a ; is missing"),
    "no ; after struct_size": (header(head="uint32_t struct_size"), 3, "cannot parse"),
    "no ; after the struct": (header().replace("gain_v1;", "gain_v1"), 6, "its name and ;"),
    "name beyond ASCII": (header("void (*größe)(void *self);"), 5, "not of the form"),
    "parameter beyond ASCII": (taking("int32_t größe"), 5, "A-Z a-z 0-9 _"),
    "struct declared twice": (
        header(PAIR, "typedef struct pair { int32_t a; } pair; typedef struct pair { float a; } pair;"), 2, "twice"
    ),
    "no parameters": (header("void (*f)(void);"), 5, "the first parameter is not void *self"),
    "empty parameters": (header("void (*f)();"), 5, "the first parameter is not void *self"),
    "self is const": (header("void (*f)(const void *self);"), 5, "the first parameter is not void *self"),
    "parameter without a name": (taking("int32_t"), 5, "a type and a name"),
    "variable arguments": (taking("int32_t a, ..."), 5, "variable number"),
    "bitfield": (pair("uint32_t a : 3;"), 2, "bitfields"),
    "class of C++": (pair("std::string name;"), 2, "a type of C++ does not cross"),
    "struct by value": (taking("pair p", "typedef struct pair { int32_t a; } pair;"), 5, "by value"),
    "struct as a result": (header("pair (*f)(void *self);", "typedef struct pair { int32_t a; } pair;"), 5, "by value"),
    "long": (header("unsigned long long (*f)(void *self);"), 5, "its width depends"),
    "long double": (header("long double (*f)(void *self);"), 5, "its width depends"),
    "unsigned char": (taking("unsigned char c"), 5, "its width depends"),
    "bool": (header("bool (*f)(void *self);"), 5, "use uint8_t"),
    "enum": (header("enum mode (*f)(void *self);"), 5, "use int32_t"),
    "enum that is declared nowhere": (taking("const mode *m HOTGRAFT_IN(1)"), 5, "does not cross"),
    "unannotated pointer": (taking("const void *x"), 5, "how many elements, which way"),
    "annotation without its argument": (taking("float *x HOTGRAFT_OUT"), 5, "it wants 1"),
    "annotation of nothing": (taking("float *x HOTGRAFT_OUT()"), 5, "it wants 1"),
    "annotation of two": (taking("float *x HOTGRAFT_OUT(1, 2)"), 5, "it wants 1"),
    "annotation twice": (taking("float *x HOTGRAFT_OUT(1) HOTGRAFT_OUT(2)"), 5, "stands twice"),
    "count that is computed": (taking("float *x HOTGRAFT_OUT(n * 2), uint32_t n"), 5, "neither"),
    "count of 0": (taking("float *x HOTGRAFT_OUT(0)"), 5, "counts 0"),
    "HOTGRAFT_NULLABLE number": (taking("int32_t x HOTGRAFT_NULLABLE"), 5, "only a pointer has"),
    "volatile": (taking("volatile float *x HOTGRAFT_IN(1)"), 5, "does not cross"),
    "restrict": (taking("float *restrict x HOTGRAFT_IN(1)"), 5, "does not cross"),
    "void by value": (taking("void x"), 5, "does not cross"),
    "pointer to an array": (taking("float (*x)[4]"), 5, "does not cross"),
    "function that answers a function": (header("void (*(*f)(void *self))(int32_t);"), 5, "not of the form"),
    "pointer to a function pointer": (header("void (**f)(void *self);"), 5, "not of the form"),
    "function that is no pointer": (header("void f(void *self);"), 5, "a type and a name"),
    "pointer to nothing": (header("void (*f);"), 5, "not of the form"),
    "two functions in one declaration": (header("void (*f)(void *self), (*g)(void *self);"), 5, "is a ; missing"),
    "one name for two functions": (header("void (*f)(void *self); void (*f)(void *self);"), 3, "duplicate field"),
    "one name for two parameters": (taking("int32_t a, int32_t a"), 5, "two parameters"),
    "self for two parameters": (header("void (*f)(void *me, int32_t self);"), 5, "two parameters are called 'self'"),
    "word of Python as a function": (header("void (*def)(void *self);"), 5, "a word of Python's own"),
    "None": (header("void (*None)(void *self);"), 5, "a word of Python's own"),
    "packed struct": (
        header(PAIR, "typedef struct __attribute__((packed)) pair { int8_t a; } pair;"), 2, "an attribute makes"
    ),
    "packed at the end": (
        header(PAIR, "typedef struct pair { int8_t a; } __attribute__((packed)) pair;"), 2, "an attribute makes"
    ),
    "packed behind the name": (
        header(PAIR, "typedef struct pair { int8_t a; } pair __attribute__((__packed__));"), 2, "an attribute makes"
    ),
    "aligned struct": (
        header(PAIR, "struct pair { int8_t a; } __attribute__((aligned(8))); typedef struct pair pair;"), 2, "attribute"
    ),
    "aligned by the attribute of a field": (pair("__attribute__((aligned(8))) int8_t a;"), 2, "does not cross"),
    "packed field": (pair("int8_t a; int32_t b __attribute__((packed));"), 2, "does not cross"),
    "packed inside": (
        pair("struct __attribute__((packed)) { int8_t a; int32_t b; };"), 2, "an attribute makes"
    ),
    "packed by an operator": (
        header(PAIR, '_Pragma("pack(1)") typedef struct pair { int8_t a; int32_t b; } pair;'), 2, "a packed struct"
    ),
    "packed by a pragma": (
        header(PAIR, "#pragma pack(1)\ntypedef struct pair { int8_t a; int32_t b; } pair;"), 2, "packed"
    ),
    "aligned field": (pair("_Alignas(16) int8_t a;"), 2, "does not cross"),
    "const field": (pair("const int8_t a;"), 2, "leave it out"),
    "struct of another tag": (header(PAIR, "typedef struct two { int8_t a; } pair;"), 2, "the same name"),
    "struct without a typedef": (taking("const struct pair *p HOTGRAFT_IN(1)"), 5, "does not cross"),
    "struct that contains itself": (pair("struct pair a;"), 2, "recursive"),
    "structs that contain each other": (
        header(PAIR, "typedef struct pair { two a; } pair; typedef struct two { pair a; } two;"), 2, "contains itself"
    ),
    "const typedef": (header(PAIR, "const typedef struct pair { int8_t a; } pair;"), 2, "typedef comes first"),
    "struct of nothing": (header(PAIR, "typedef struct pair { } pair;"), 2, "has no fields"),
    "struct inside a struct": (
        header(PAIR, "typedef struct pair { struct { int8_t b; } a; } pair;"), 2, "declare it before"
    ),
    "flexible array": (pair("int8_t a; float b[];"), 2, "how many elements"),
    "array of none": (pair("float b[0];"), 2, "0 elements"),
    "array of fewer": (pair("float b[-1];"), 2, "negative array length"),
    "array of too many": (pair("float b[99999999999];"), 2, "has 399999999996 bytes"),
    "array of a count that is not certain": (pair("float a[sizeof(float)];"), 2, "no number of elements"),
    "array of what is declared nowhere": (pair("float a[N];"), 2, "no number of elements"),
    "struct_size of another type": (header(head="uint64_t struct_size;"), 3, "does not begin with"),
    "struct_size that is const": (header(head="const uint32_t struct_size;"), 3, "does not begin with"),
    "struct_size as an array": (header(head="uint32_t struct_size[1];"), 3, "does not begin with"),
    "versions out of order": (
        header("void (*f)(void *self) HOTGRAFT_SINCE(1, 1); void (*g)(void *self);"), 5, "appended"
    ),
    "version in words": (header("void (*f)(void *self) HOTGRAFT_SINCE(a, b);"), 5, "major, minor"),
    "digraphs": (header().replace("{", "<%").replace("}", "%>"), 1, "declares no typedef struct gain_v1"),
    "only an include": ('#include "other.h"\n', 1, "declares no typedef struct gain_v1"),
    "nothing": ("", 1, "declares no typedef struct gain_v1"),
    "NUL": (header() + "\0", 7, "NUL"),
    "not UTF-8": (header().encode() + b"\xff", 7, "is not UTF-8"),
    "garbage": ("\x01\x02}{)(][;;;,,,typedef struct {{{ (*", 1, "never closed"),
    "10 MB": (header() + "/*" + "x" * 10_000_000 + "*/", 1, "ends at 1048576"),
    "20,000 parentheses": (header("void (*f)(" + "(" * 20_000 + "void *self);"), 5, "a type and a name"),
    "3,000 braces": ("typedef struct {" * 3_000, 1, "never closed"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_header_is_refused_at_its_line(tmp_path: Path, what: str) -> None:
    """An author mends a line, not a traceback; and all lines in one build."""
    text, line, sentence = REFUSED[what]

    with pytest.raises(BindError) as caught:
        bind(write(tmp_path, text))

    assert any(one.startswith(f"gain.h:{line}: ") and sentence in one for one in caught.value.found), caught.value.found
    for one in caught.value.found:
        assert re.match(r"gain\.h:\d+: ", one), one
        assert len(one) < 400


@pytest.mark.parametrize(
    "text",
    [header(before="'" * 300_000), header(before="#define A " + " " * 500_000 + "x"), header(before="/" * 900_000)],
    ids=["quotes", "spaces", "slashes"],
)
def test_large_header_is_read_in_its_own_time(tmp_path: Path, text: str) -> None:
    """No pattern may go over the text again from each of its characters: this would take hours."""
    assert bind(write(tmp_path, text)).descriptor.provides[0].functions[0].name == "f"


SEED = header(
    PAIR + "\n    void (*take)(void *self, all *x HOTGRAFT_OUT(1));"
    "\n    hotgraft_status (*process)(void *self, const float *in HOTGRAFT_IN(n), float *out HOTGRAFT_OUT(n), "
    "uint64_t n);"
    "\n    const char *(*title)(void *self) HOTGRAFT_COPIED;"
    "\n    mode (*watch)(void *self, mode how, void (*done)(void *user, const real *x), void *user);",
    "#define N 4\n#ifdef __cplusplus\n#endif\ntypedef struct pair { int32_t a[N], b; /* one */ double c; } pair;"
    "\ntypedef float real; typedef enum mode { A, B = N, C } mode; typedef union both { real r; mode m[2][N]; } both;"
    "\ntypedef struct all { both of; union { int8_t d; struct { int16_t e; }; }; } all;",
)


def mutated(seed: int) -> str:
    """The sample header with a few of its words dropped, doubled, swapped or taken from elsewhere."""
    dice = random.Random(seed)
    words = re.findall(r"\w+|\s+|[^\w\s]", SEED)
    for _ in range(dice.randint(1, 3)):
        at, other = dice.randrange(len(words)), dice.randrange(len(words))
        kind = dice.randrange(5)
        if kind == 0:
            del words[at]
        elif kind == 1:
            words.insert(at, words[at])
        elif kind == 2:
            words[at], words[other] = words[other], words[at]
        elif kind == 3:
            words[at] = words[other]
        else:
            words.insert(at, dice.choice(["const ", "*", "/*", "*/", "//", "\\\n", "#", "0", "[2]", "long ", ";", "}"]))
    return "".join(words)


def test_mutants_are_refused_or_read_as_the_compiler_reads_them(tmp_path: Path, sized: Sized) -> None:
    """A header that a compiler takes and bind reads otherwise would be called by the wrong signature."""
    accepted, every = 0, sized(quick=4, full=1)
    for seed in range(sized(quick=60, full=3_000, soak=100_000)):
        text = mutated(seed)
        try:
            bind(write(tmp_path, text))
        except BindError as error:
            assert error.found
            continue
        accepted += 1
        if accepted % every == 0 and said_by_compiler(tmp_path, text):
            assert not compiles_alone(tmp_path), f"seed {seed}: bind reads it otherwise:\n{text}"
    assert accepted > 5
