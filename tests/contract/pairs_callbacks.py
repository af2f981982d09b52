"""Call-backs: functions that callers give, in parameters and in structs."""

from __future__ import annotations

from typing import Final

from contract_pair import breaking, harmless

PAIRS: Final = (
    breaking(
        "major", "a call-back is passed another type",
        old="void each(void (*f)(int));",
        new="void each(void (*f)(double));",
        code="void each(void (*f)(int)) { f(5); }",
        new_code="void each(void (*f)(double)) { f(5); }",
        client='static void f(int x) { printf("%d\\n", x); }\nint main(void) { each(f); return 0; }',
    ),
    breaking(
        "major", "a call-back must answer",
        old="typedef void (*visit)(int x);\nint each(visit f);",
        new="typedef int (*visit)(int x);\nint each(visit f);",
        code="int each(visit f) { f(1); f(2); return 2; }",
        new_code="int each(visit f) { int n = 0; for (int i = 1; i < 3; i++) n += f(i) == 0; return n; }",
        client='static void f(int x) { printf("%d\\n", x); }\nint main(void) { printf("%d\\n", each(f)); return 0; }',
    ),
    breaking(
        "major", "a call-back gets its user data first",
        old="typedef void (*visit)(int x, void *user);\nvoid each(visit f, void *user);",
        new="typedef void (*visit)(void *user, int x);\nvoid each(visit f, void *user);",
        code="void each(visit f, void *user) { f(5, user); }",
        new_code="void each(visit f, void *user) { f(user, 5); }",
        client='static void f(int x, void *u) { printf("%d %d\\n", x, *(int *)u); }\n'
        "int main(void) { int n = 7; each(f, &n); return 0; }",
    ),
    breaking(
        "major", "a call-back is passed one thing more in front",
        old="typedef void (*visit)(int x);\nvoid each(visit f);",
        new="typedef void (*visit)(int index, int x);\nvoid each(visit f);",
        code="void each(visit f) { f(5); }",
        new_code="void each(visit f) { f(0, 5); }",
        client='static void f(int x) { printf("%d\\n", x); }\nint main(void) { each(f); return 0; }',
    ),
    breaking(
        "major", "a call-back may no longer write to what it is passed",
        old="void each(void (*f)(char *s));",
        new="void each(void (*f)(const char *s));",
        code='void each(void (*f)(char *s)) { char b[8] = "abc"; f(b); }',
        new_code='void each(void (*f)(const char *s)) { f("abc"); }',
        client='static void f(char *s) { s[0] = \'x\'; puts(s); }\nint main(void) { each(f); return 0; }',
        abidiff="it takes const that comes or goes for harmless",
    ),
    breaking(
        "major", "a function is put into the middle of a table that callers fill",
        old="struct ops { int (*read)(int); int (*write)(int); };\nint use(const struct ops *o);",
        new="struct ops { int (*read)(int); int (*seek)(int); int (*write)(int); };\nint use(const struct ops *o);",
        code="int use(const struct ops *o) { return o->write(5); }",
        client='static int r(int x) { return x; }\nstatic int w(int x) { return x + 1; }\n'
        'int main(void) { struct { struct ops o; int (*none)(int); } s = {{r, w}, r}; printf("%d\\n", use(&s.o)); '
        'return 0; }',
    ),
    breaking(
        "major", "two functions of a table change places",
        old="struct ops { int (*read)(int); int (*write)(int); };\nint use(const struct ops *o);",
        new="struct ops { int (*write)(int); int (*read)(int); };\nint use(const struct ops *o);",
        code="int use(const struct ops *o) { return o->write(5); }",
        client='static int r(int x) { return x; }\nstatic int w(int x) { return x + 1; }\n'
        'int main(void) { struct ops o = {.read = r, .write = w}; printf("%d\\n", use(&o)); return 0; }',
    ),
    breaking(
        "major", "a function in a table gets another signature",
        old="struct ops { int (*read)(char *to, int n); };\nint use(const struct ops *o);",
        new="struct ops { int (*read)(int n, char *to); };\nint use(const struct ops *o);",
        code="int use(const struct ops *o) { char b[4]; return o->read(b, 3); }",
        new_code="int use(const struct ops *o) { char b[4]; return o->read(3, b); }",
        client='static int r(char *to, int n) { to[0] = 1; return n; }\n'
        'int main(void) { struct ops o = {r}; printf("%d\\n", use(&o)); return 0; }',
    ),
    harmless(
        "minor", "a sized table that callers fill gets one more function at its end",
        old="struct ops { uint32_t struct_size; int (*read)(int); };\nint use(const struct ops *o);",
        new="struct ops { uint32_t struct_size; int (*read)(int); int (*seek)(int); };\nint use(const struct ops *o);",
        code="int use(const struct ops *o) { return o->read(5); }",
        new_code="int use(const struct ops *o) { return o->struct_size >= 24 && o->seek ? o->seek(5) : o->read(5); }",
        client='static int r(int x) { return x; }\n'
        'int main(void) { struct ops o = {sizeof o, r}; printf("%d\\n", use(&o)); return 0; }',
    ),
    harmless(
        "patch", "the type of a call-back gets a name",
        old="void each(void (*f)(int, void *), void *user);",
        new="typedef void (*visit)(int item, void *user);\nvoid each(visit f, void *user);",
        code="void each(void (*f)(int, void *), void *user) { f(5, user); }",
        client='static void f(int x, void *u) { printf("%d %d\\n", x, *(int *)u); }\n'
        "int main(void) { int n = 7; each(f, &n); return 0; }",
    ),
    harmless(
        "minor", "a struct that a call-back is shown grows at its end, with its size in front",
        old="struct ev { uint32_t struct_size; int x; };\nvoid each(void (*f)(const struct ev *e));",
        new="struct ev { uint32_t struct_size; int x; int y; };\nvoid each(void (*f)(const struct ev *e));",
        code="void each(void (*f)(const struct ev *e)) { struct ev e = {sizeof e, 5}; f(&e); }",
        new_code="void each(void (*f)(const struct ev *e)) { struct ev e = {sizeof e, 5, 6}; f(&e); }",
        client='static void f(const struct ev *e) { printf("%d\\n", e->x); }\nint main(void) { each(f); return 0; }',
    ),
    breaking(
        "major", "a struct that a call-back is shown gets a field in front",
        old="struct ev { int x; };\nvoid each(void (*f)(const struct ev *e));",
        new="struct ev { int id; int x; };\nvoid each(void (*f)(const struct ev *e));",
        code="void each(void (*f)(const struct ev *e)) { struct ev e = {5}; f(&e); }",
        new_code="void each(void (*f)(const struct ev *e)) { struct ev e = {9, 5}; f(&e); }",
        client='static void f(const struct ev *e) { printf("%d\\n", e->x); }\nint main(void) { each(f); return 0; }',
    ),
    breaking(
        "major", "a call-back that comes out of a call-back changes",
        old="typedef int (*step)(int);\nint run(step (*next)(void));",
        new="typedef int (*step)(double);\nint run(step (*next)(void));",
        code="int run(step (*next)(void)) { return next()(5); }",
        client='static int s(int x) { return x; }\nstatic step n(void) { return s; }\n'
        'int main(void) { printf("%d\\n", run(n)); return 0; }',
    ),
    harmless(
        "major", "a struct that a call-back fills for the library takes an enum value more",
        old="enum k { A, B };\nvoid ask(void (*f)(enum k *out));",
        new="enum k { A, B, C };\nint told(enum k k);\nvoid ask(void (*f)(enum k *out));",
        code="void ask(void (*f)(enum k *out)) { enum k k = A; f(&k); printf(\"%d\\n\", k); }",
        new_code="int told(enum k k) { return k; }\n"
        "void ask(void (*f)(enum k *out)) { enum k k = A; f(&k); printf(\"%d\\n\", k); }",
        client="static void f(enum k *out) { *out = B; }\nint main(void) { ask(f); return 0; }",
        missed="what a pointer leads to may be read there too, so the value may come out",
    ),
)  # fmt: skip
