"""Attributes: most are for whoever includes the header; some change the call."""

from __future__ import annotations

from typing import Final

from contract_pair import breaking, harmless

PAIRS: Final = (
    harmless(
        "patch", "a function is deprecated",
        old="int old_way(int x);",
        new='int old_way(int x) __attribute__((deprecated("use new_way")));',
        code="int old_way(int x) { return x; }",
        client='printf("%d\\n", old_way(5));',
    ),
    harmless(
        "patch", "attributes that are checked at compile time are written",
        old="int note(const char *form, ...);\nvoid *get(size_t n);",
        new="int note(const char *form, ...) __attribute__((format(printf, 1, 2), cold));\n"
        "void *get(size_t n) __attribute__((malloc, alloc_size(1), warn_unused_result));",
        code="int note(const char *form, ...) { return puts(form); } void *get(size_t n) { return malloc(n); }",
        client='note("hello"); free(get(1));',
    ),
    harmless(
        "minor", "a function is said to be pure",
        old="int length(const char *s);",
        new="int length(const char *s) __attribute__((pure));",
        code="int length(const char *s) { return (int)strlen(s); }",
        client='printf("%d\\n", length("four"));',
    ),
    breaking(
        "major", "a function is no longer pure",
        old="int next(int x) __attribute__((const));",
        new="int next(int x);",
        code="int next(int x) { return x + 1; }",
        new_code="int next(int x) { static int n; return x + 1 + n++ - n + 1; }",
        client='printf("%d %d\\n", next(1), next(1));',
        unshown="the code behind it answers the same here; a caller may have left out the second call",
        abidiff="attributes are not in the binary",
    ),
    breaking(
        "major", "a function is called by another convention",
        old="long add(long a, long b);",
        new="long add(long a, long b) __attribute__((ms_abi));",
        code="long add(long a, long b) { return a + b; }",
        new_code="__attribute__((ms_abi)) long add(long a, long b) { return a + b; }",
        client='printf("%ld\\n", add(2, 3));',
        abidiff="it compares no calling conventions",
    ),
    breaking(
        "major", "a call-back is called by another convention",
        old="long run(long (*f)(long));",
        new="long run(long (__attribute__((ms_abi)) *f)(long));",
        code="long run(long (*f)(long)) { return f(5); }",
        new_code="long run(long (__attribute__((ms_abi)) *f)(long)) { return f(5); }",
        client='static long f(long x) { return x; }\nint main(void) { printf("%ld\\n", run(f)); return 0; }',
        abidiff="it compares no calling conventions",
    ),
    harmless(
        "patch", "a struct and a parameter get attributes that say nothing to callers",
        old="struct p { int x; };\nint get(const struct p *p, int unused);",
        new="struct __attribute__((deprecated)) p { int x __attribute__((deprecated)); };\n"
        "int get(const struct p *p, int unused __attribute__((unused)));",
        code="int get(const struct p *p, int unused) { return p->x + 0 * unused; }",
        client='struct p p = {5}; printf("%d\\n", get(&p, 1));',
    ),
    harmless(
        "patch", "attributes are written in C23's way",
        old="int add(int a, int b) __attribute__((warn_unused_result));",
        new="#if defined(__clang__)\n#define LIB_ND\n#else\n#define LIB_ND [[nodiscard]]\n#endif\n"
        "LIB_ND int add(int a, int b);",
        code="int add(int a, int b) { return a + b; }",
        client='printf("%d\\n", add(2, 3));',
    ),
    breaking(
        "major", "what is returned is no longer aligned as promised",
        old="void *get(void) __attribute__((assume_aligned(64)));",
        new="void *get(void);",
        code="void *get(void) { static _Alignas(64) char b[128]; return b; }",
        new_code="void *get(void) { static _Alignas(64) char b[128]; return b + 8; }",
        client='uintptr_t at = (uintptr_t)get(); printf("%d\\n", (int)(at & 63));',
        unshown="whether a caller's compiler made use of the promise is its own matter",
        abidiff="attributes are not in the binary",
    ),
    harmless(
        "patch", "a function becomes an alias of itself by its own symbol",
        old="int add(int a, int b);",
        new='int add(int a, int b) __asm__("add");',
        code="int add(int a, int b) { return a + b; }",
        client='printf("%d\\n", add(2, 3));',
    ),
    harmless(
        "minor", "an old symbol stays beside the new one",
        old='int add(int a, int b) __asm__("add_1");',
        new='int add_old(int a, int b) __asm__("add_1");\nint add(int a, int b) __asm__("add_2");',
        code="int add(int a, int b) { return a + b; }",
        new_code="int add_old(int a, int b) { return a + b; } int add(int a, int b) { return a - b; }",
        client='printf("%d\\n", add(2, 3));',
    ),
    breaking(
        "major", "a pragma hides what callers call",
        old="int answer(void);\nint other(void);",
        new="#pragma GCC visibility push(hidden)\nint answer(void);\n#pragma GCC visibility pop\nint other(void);",
        code="int answer(void) { return 42; } int other(void) { return 1; }",
        client='printf("%d\\n", answer());',
    ),
    harmless(
        "patch", "a pragma shows what was seen",
        old="int answer(void);",
        new="#pragma GCC visibility push(default)\nint answer(void);\n#pragma GCC visibility pop",
        code="int answer(void) { return 42; }",
        client='printf("%d\\n", answer());',
    ),
)  # fmt: skip
