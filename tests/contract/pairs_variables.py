"""Variables that a library exports."""

from __future__ import annotations

from typing import Final

from contract_pair import breaking, harmless

PAIRS: Final = (
    harmless(
        "minor", "a variable is added",
        old="extern int level;",
        new="extern int level;\nextern int depth;",
        code="int level = 5;",
        new_code="int level = 5; int depth = 6;",
        client='printf("%d\\n", level);',
    ),
    breaking(
        "major", "a variable is removed",
        old="extern int level;",
        new="int get_level(void);",
        code="int level = 5;",
        new_code="int get_level(void) { return 5; }",
        client='printf("%d\\n", level);',
    ),
    breaking(
        "major", "a variable changes its type",
        old="extern int level;",
        new="extern double level;",
        code="int level = 5;",
        new_code="double level = 5.5;",
        client='printf("%d\\n", level);',
    ),
    breaking(
        "major", "a variable may no longer be written to",
        old="extern int level;\nint get(void);",
        new="extern const int level;\nint get(void);",
        code="int level = 5; int get(void) { return level; }",
        new_code="const int level = 5; int get(void) { return *(volatile const int *)&level; }",
        client='level = 6; printf("%d\\n", get());',
        unshown="the program has a copy of its own, which it may write to; one that is position-independent has not",
    ),
    harmless(
        "minor", "a variable may be written to from now on",
        old="extern const int level;",
        new="extern int level;",
        code="const int level = 5;",
        new_code="int level = 5;",
        client='printf("%d\\n", level);',
    ),
    breaking(
        "major", "a table becomes shorter",
        old="extern const int table[4];",
        new="extern const int table[2];",
        code="const int table[4] = {1, 2, 3, 4};",
        new_code="const int table[2] = {1, 2};",
        client='printf("%d\\n", table[3]);',
    ),
    breaking(
        "major", "a table becomes longer",
        old="extern const int table[2];\nint last(void);",
        new="extern const int table[4];\nint last(void);",
        code="const int table[2] = {1, 2}; int last(void) { return table[1]; }",
        new_code="const int table[4] = {1, 2, 3, 4}; int last(void) { return table[3]; }",
        client='printf("%d\\n", table[1]);',
        unshown="a program that is not position-independent has a copy of two elements, which is what the library "
        "reads then",
    ),
    breaking(
        "major", "a variable becomes one for each thread",
        old="extern int level;",
        new="extern _Thread_local int level;",
        code="int level = 5;",
        new_code="_Thread_local int level = 5;",
        client='printf("%d\\n", level);',
    ),
    breaking(
        "major", "a struct behind an exported pointer grows in front",
        old="struct t { int v; };\nextern const struct t *table;",
        new="struct t { int id, v; };\nextern const struct t *table;",
        code="static const struct t t = {5}; const struct t *table = &t;",
        new_code="static const struct t t = {9, 5}; const struct t *table = &t;",
        client='printf("%d\\n", table->v);',
    ),
    breaking(
        "major", "a variable becomes a function of the same name",
        old="extern int level;",
        new="int level(void);",
        code="int level = 5;",
        new_code="int level(void) { return 5; }",
        client='printf("%d\\n", level);',
    ),
    harmless(
        "patch", "a variable's type is written another way",
        old="extern unsigned long count;\nextern const char *const names[2];",
        new="extern size_t count;\ntypedef const char *name;\nextern const name names[2];",
        code='unsigned long count = 2; const char *const names[2] = {"a", "b"};',
        client='printf("%lu %s\\n", (unsigned long)count, names[1]);',
    ),
    breaking(
        "major", "an exported function pointer gets another type",
        old="extern int (*hook)(int);\nint run(void);",
        new="extern int (*hook)(double);\nint run(void);",
        code="int (*hook)(int); int run(void) { return hook(5); }",
        new_code="int (*hook)(double); int run(void) { return hook(5.0); }",
        client='static int f(int x) { return x; }\nint main(void) { hook = f; printf("%d\\n", run()); return 0; }',
    ),
)  # fmt: skip
