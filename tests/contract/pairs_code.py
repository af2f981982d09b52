"""Code that a header puts into its callers: macros with arguments and inline functions."""

from __future__ import annotations

from typing import Final

from contract_pair import breaking, harmless

PAIRS: Final = (
    breaking(
        "major", "an inline function reads another way what the library writes",
        old="struct s { int raw; };\nstatic inline int get(const struct s *s) { return s->raw; }\n"
        "void put(struct s *s, int v);",
        new="struct s { int raw; };\nstatic inline int get(const struct s *s) { return s->raw - 1; }\n"
        "void put(struct s *s, int v);",
        code="void put(struct s *s, int v) { s->raw = v; }",
        new_code="void put(struct s *s, int v) { s->raw = v + 1; }",
        client='struct s s; put(&s, 5); printf("%d\\n", get(&s));',
        abidiff="inline code is in the caller, not in the library",
    ),
    breaking(
        "major", "a macro with arguments packs another way",
        old="#define LIB_RGB(r, g, b) ((r) << 16 | (g) << 8 | (b))\nint red(int c);",
        new="#define LIB_RGB(r, g, b) ((r) | (g) << 8 | (b) << 16)\nint red(int c);",
        code="int red(int c) { return c >> 16; }",
        new_code="int red(int c) { return c & 255; }",
        client='printf("%d\\n", red(LIB_RGB(5, 6, 7)));',
        abidiff="macros are not in the binary",
    ),
    breaking(
        "major", "a macro with arguments calls another function, and the old one is gone",
        old="int put_1(int x);\n#define put(x) put_1(x)",
        new="int put_2(int x, int how);\n#define put(x) put_2(x, 0)",
        code="int put_1(int x) { return x; }",
        new_code="int put_2(int x, int how) { return x + how; }",
        client='printf("%d\\n", put(5));',
    ),
    harmless(
        "patch", "arguments of a macro get other names",
        old="#define LIB_MIN(a, b) ((a) < (b) ? (a) : (b))\nint a(void);",
        new="#define LIB_MIN(x, y) ((x) < (y) ? (x) : (y))\nint a(void);",
        code="int a(void) { return 1; }",
        client='printf("%d\\n", LIB_MIN(a(), 2));',
    ),
    harmless(
        "patch", "a macro with arguments is broken into lines",
        old="#define LIB_MIN(a, b) ((a) < (b) ? (a) : (b))\nint a(void);",
        new="#define LIB_MIN(a, b) \\\n    ((a) < (b)  /* the smaller */ \\\n         ? (a) : (b))\nint a(void);",
        code="int a(void) { return 1; }",
        client='printf("%d\\n", LIB_MIN(a(), 2));',
    ),
    harmless(
        "minor", "a macro with arguments and an inline function are added",
        old="int a(void);",
        new="int a(void);\n#define LIB_SQUARE(x) ((x) * (x))\nstatic inline int b(void) { return a() + 1; }",
        code="int a(void) { return 1; }",
        client='printf("%d\\n", a());',
    ),
    harmless(
        "patch", "an inline function is laid out another way",
        old="int a(void);\nstatic inline int b(void) { return a() + 1; }",
        new="int a(void);\n\nstatic inline int\nb(void)\n{\n    /* one more */\n    return a() + 1;\n}",
        code="int a(void) { return 1; }",
        client='printf("%d\\n", b());',
    ),
    harmless(
        "patch", "an inline function with an assertion moves down by a line",
        old="#include <assert.h>\nint a(void);\nstatic inline int b(int x) { assert(x); return a() + x; }",
        new="#include <assert.h>\nint a(void);\n/* b: more than a */\n"
        "static inline int b(int x) { assert(x); return a() + x; }",
        code="int a(void) { return 1; }",
        client='printf("%d\\n", b(4));',
    ),
    harmless(
        "patch", "a macro that decorates says what is checked at compile time",
        old="#define LIB_FORM(a, b)\nint note(const char *f, ...) LIB_FORM(1, 2);",
        new="#define LIB_FORM(a, b) __attribute__((format(printf, a, b)))\n"
        "int note(const char *f, ...) LIB_FORM(1, 2);",
        code="int note(const char *f, ...) { return puts(f); }",
        client='note("hello");',
    ),
    breaking(
        "major", "an inline function is removed with the field it read",
        old="struct s { int v; int cache; };\nstatic inline int get(struct s *s) { return s->cache; }\n"
        "void put(struct s *s, int v);",
        new="struct s { int v; int reserved; };\nint get(struct s *s);\nvoid put(struct s *s, int v);",
        code="void put(struct s *s, int v) { s->v = s->cache = v; }",
        new_code="void put(struct s *s, int v) { s->v = v; } int get(struct s *s) { return s->v; }",
        client='struct s s = {0, 0}; put(&s, 5); printf("%d\\n", get(&s));',
    ),
    breaking(
        "major", "the type that an inline function reads by becomes wider",
        old="typedef int16_t sample;\nvoid fill(void *to);\n"
        "static inline int at(const void *v, int i) { return ((const sample *)v)[i]; }",
        new="typedef int32_t sample;\nvoid fill(void *to);\n"
        "static inline int at(const void *v, int i) { return ((const sample *)v)[i]; }",
        code="void fill(void *to) { sample *s = to; for (int i = 0; i < 4; i++) s[i] = i + 1; }",
        client='_Alignas(8) char b[32]; fill(b); printf("%d\\n", at(b, 1));',
        abidiff="inline code is in the caller, not in the library",
    ),
    breaking(
        "major", "a macro that aligns what callers declare asks for more",
        old="#define LIB_ALIGNED __attribute__((aligned(16)))\nint check(const void *v);",
        new="#define LIB_ALIGNED __attribute__((aligned(4096)))\nint check(const void *v);",
        code="int check(const void *v) { return (uintptr_t)v % 16 == 0; }",
        new_code="int check(const void *v) { return (uintptr_t)v % 4096 == 0; }",
        client='static struct { LIB_ALIGNED char a[16], b[16]; } s; printf("%d %d\\n", check(s.a), check(s.b));',
        abidiff="macros are not in the binary",
    ),
)  # fmt: skip
