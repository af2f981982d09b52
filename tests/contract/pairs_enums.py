"""Enums: the numbers callers were compiled with, and those they are given."""

from __future__ import annotations

from typing import Final

from contract_pair import breaking, harmless

PAIRS: Final = (
    harmless(
        "minor", "a value is added to an enum that is only passed in",
        old="enum mode { FAST, SAFE };\nint use(enum mode m);",
        new="enum mode { FAST, SAFE, TINY };\nint use(enum mode m);",
        code="int use(enum mode m) { return m == SAFE ? 1 : 0; }",
        client='printf("%d\\n", use(SAFE));',
    ),
    breaking(
        "major", "a value is added to an enum that comes out",
        old="enum state { IDLE, BUSY };\nenum state state(void);",
        new="enum state { IDLE, BUSY, LOST };\nenum state state(void);",
        code="enum state state(void) { return BUSY; }",
        new_code="enum state state(void) { return LOST; }",
        client='switch (state()) { case IDLE: puts("idle"); return 0; case BUSY: puts("busy"); return 0; } abort();',
        abidiff="it takes a value that is added to an enum for harmless",
    ),
    breaking(
        "major", "a value is added to an enum inside a struct that comes out",
        old="enum k { A, B };\nstruct ev { enum k kind; };\nvoid next(struct ev *e);",
        new="enum k { A, B, C };\nstruct ev { enum k kind; };\nvoid next(struct ev *e);",
        code="void next(struct ev *e) { e->kind = B; }",
        new_code="void next(struct ev *e) { e->kind = C; }",
        client='struct ev e; next(&e); switch (e.kind) { case A: return 1; case B: puts("b"); return 0; } abort();',
        abidiff="it takes a value that is added to an enum for harmless",
    ),
    breaking(
        "major", "a value is added to an enum that a call-back is given",
        old="enum k { A, B };\nvoid run(void (*f)(enum k));",
        new="enum k { A, B, C };\nvoid run(void (*f)(enum k));",
        code="void run(void (*f)(enum k)) { f(B); }",
        new_code="void run(void (*f)(enum k)) { f(C); }",
        client='static void f(enum k k) { if (k > B) abort(); printf("%d\\n", k); }\n'
        'int main(void) { run(f); return 0; }',
        abidiff="it takes a value that is added to an enum for harmless",
    ),
    breaking(
        "major", "a sentinel moves because a value is put before it",
        old="enum c { RED, BLUE, COLORS };\nint use(const int counts[COLORS]);",
        new="enum c { RED, BLUE, GREEN, COLORS };\nint use(const int counts[COLORS]);",
        code="int use(const int counts[COLORS]) { int s = 0; for (int i = 0; i < COLORS; i++) s += counts[i]; "
        "return s; }",
        client='struct { int counts[COLORS]; int after; } s = {{1, 2}, 77}; printf("%d\\n", use(s.counts));',
        abidiff="nothing in the binary leads to the enum",
    ),
    breaking(
        "major", "a value is put in front and all others move",
        old="enum mode { FAST, SAFE };\nint use(enum mode m);",
        new="enum mode { NONE, FAST, SAFE };\nint use(enum mode m);",
        code="int use(enum mode m) { return m == SAFE ? 1 : 0; }",
        client='printf("%d\\n", use(SAFE));',
    ),
    breaking(
        "major", "a value gets another number",
        old="enum mode { FAST = 1, SAFE = 2 };\nint use(enum mode m);",
        new="enum mode { FAST = 1, SAFE = 4 };\nint use(enum mode m);",
        code="int use(enum mode m) { return m == SAFE ? 1 : 0; }",
        client='printf("%d\\n", use(SAFE));',
    ),
    breaking(
        "major", "two values change their numbers with one another",
        old="enum dir { IN, OUT };\nint use(enum dir d);",
        new="enum dir { OUT, IN };\nint use(enum dir d);",
        code="int use(enum dir d) { return d == OUT ? 1 : 0; }",
        client='printf("%d\\n", use(OUT));',
    ),
    breaking(
        "major", "a value is removed",
        old="enum mode { FAST, SAFE, TINY };\nint use(enum mode m);",
        new="enum mode { FAST, SAFE };\nint use(enum mode m);",
        code="int use(enum mode m) { return m == TINY ? 1 : 0; }",
        new_code="int use(enum mode m) { return m > SAFE ? -1 : 0; }",
        client='printf("%d\\n", use(TINY));',
    ),
    harmless(
        "minor", "a value gets another name",
        old="enum mode { FAST, SAFE };\nint use(enum mode m);",
        new="enum mode { FAST, CAREFUL };\nint use(enum mode m);",
        code="int use(enum mode m) { return m == SAFE ? 1 : 0; }",
        new_code="int use(enum mode m) { return m == CAREFUL ? 1 : 0; }",
        client='printf("%d\\n", use(SAFE));',
    ),
    harmless(
        "patch", "numbers are written out",
        old="enum mode { FAST, SAFE, TINY };\nint use(enum mode m);",
        new="enum mode { FAST = 0, SAFE = 1, TINY = 1 << 1 };\nint use(enum mode m);",
        code="int use(enum mode m) { return (int)m; }",
        client='printf("%d\\n", use(TINY));',
    ),
    breaking(
        "major", "a negative value makes the enum signed",
        old="enum mode { FAST = 1, SAFE };\nlong use(enum mode m);",
        new="enum mode { WRONG = -1, FAST = 1, SAFE };\nlong use(enum mode m);",
        code="long use(enum mode m) { return (long)m; }",
        client='volatile unsigned m = 0x80000001u; printf("%ld\\n", use((enum mode)m));',
        abidiff="it takes a value that is added to an enum for harmless",
    ),
    harmless(
        "minor", "a negative value is added to an enum that crosses as an int",
        old="enum error { NONE, BUSY };\nint use(int x);",
        new="enum error { WRONG = -1, NONE, BUSY };\nint use(int x);",
        code="int use(int x) { return x ? BUSY : NONE; }",
        client='printf("%d\\n", use(1) == BUSY);',
    ),
    breaking(
        "major", "a large value makes the enum 64 bits wide",
        old="enum flag { A = 1, B = 2 };\nstruct s { enum flag f; int v; };\nint get(const struct s *s);",
        new="enum flag { A = 1, B = 2, C = 0x100000000 };\nstruct s { enum flag f; int v; };\n"
        "int get(const struct s *s);",
        code="int get(const struct s *s) { return s->v; }",
        client='struct { struct s s; int more[4]; } s = {{A, 5}, {0}}; printf("%d\\n", get(&s.s));',
    ),
    breaking(
        "major", "an enum becomes one byte",
        old="enum mode { FAST, SAFE };\nstruct s { enum mode m; char c; };\nint get(const struct s *s);",
        new="enum __attribute__((packed)) mode { FAST, SAFE };\nstruct s { enum mode m; char c; };\n"
        "int get(const struct s *s);",
        code="int get(const struct s *s) { return s->c; }",
        client='struct s s = {SAFE, 5}; printf("%d\\n", get(&s));',
    ),
    breaking(
        "major", "a constant of an enum without a name changes",
        old="enum { LIB_MAX = 16 };\nint is_full(int n);",
        new="enum { LIB_MAX = 32 };\nint is_full(int n);",
        code="int is_full(int n) { return n >= LIB_MAX; }",
        client='printf("%d\\n", is_full(LIB_MAX));',
        abidiff="nothing in the binary leads to the enum",
    ),
    harmless(
        "minor", "an enum without a name gets one more constant",
        old="enum { LIB_A = 1 };\nint use(int f);",
        new="enum { LIB_A = 1, LIB_B = 2 };\nint use(int f);",
        code="int use(int f) { return f & 1; }",
        client='printf("%d\\n", use(LIB_A));',
    ),
    harmless(
        "minor", "a second name for a value is added to an enum that is passed in",
        old="enum mode { FAST, SAFE };\nint use(enum mode m);",
        new="enum mode { FAST, SAFE, DEFAULT = SAFE };\nint use(enum mode m);",
        code="int use(enum mode m) { return (int)m; }",
        client='printf("%d\\n", use(SAFE));',
    ),
    harmless(
        "minor", "a second name for a value is added to an enum that comes out",
        old="enum state { IDLE, BUSY };\nenum state state(void);",
        new="enum state { IDLE, BUSY, WORKING = BUSY };\nenum state state(void);",
        code="enum state state(void) { return BUSY; }",
        client='printf("%d\\n", state());',
    ),
    harmless(
        "major", "a parameter that was an int says which enum it is",
        old="enum mode { FAST = -1, SAFE = 1 };\nint use(int m);",
        new="enum mode { FAST = -1, SAFE = 1 };\nint use(enum mode m);",
        code="int use(int m) { return m; }",
        new_code="int use(enum mode m) { return (int)m; }",
        client='printf("%d\\n", use(SAFE));',
        missed="an int may hold what is no value of the enum; that the library took only those is not said",
    ),
    harmless(
        "patch", "a tag is given to an enum that had only a typedef",
        old="typedef enum { FAST, SAFE } mode;\nint use(mode m);",
        new="typedef enum mode_kind { FAST, SAFE } mode;\nint use(mode m);",
        code="int use(mode m) { return (int)m; }",
        client='printf("%d\\n", use(SAFE));',
    ),
)  # fmt: skip
