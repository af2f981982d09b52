"""Unions and bitfields: several meanings of the same bytes."""

from __future__ import annotations

from typing import Final

from contract_pair import breaking, harmless

PAIRS: Final = (
    harmless(
        "minor", "a member is added to a union that is only passed in",
        old="union value { long i; double d; };\nint use(int kind, const union value *v);",
        new="union value { long i; double d; const char *s; };\nint use(int kind, const union value *v);",
        code="int use(int kind, const union value *v) { return kind ? (int)v->d : (int)v->i; }",
        client='union value v = {.i = 5}; printf("%d\\n", use(0, &v));',
    ),
    breaking(
        "major", "a member is added to a union that comes out",
        old="struct ev { int kind; union { long i; double d; } u; };\nconst struct ev *next(void);",
        new="struct ev { int kind; union { long i; double d; char s[8]; } u; };\nconst struct ev *next(void);",
        code="const struct ev *next(void) { static const struct ev e = {0, {5}}; return &e; }",
        new_code='const struct ev *next(void) { static const struct ev e = {2, {.s = "text"}}; return &e; }',
        client='const struct ev *e = next(); if (e->kind == 0) printf("%ld\\n", e->u.i); else printf("%f\\n", e->u.d);',
        abidiff="it takes a change inside a union of the same size for harmless",
    ),
    breaking(
        "major", "a union grows by a larger member",
        old="union value { int i; float f; };\nstruct cell { union value v; int after; };\n"
        "int get(const struct cell *c);",
        new="union value { int i; float f; double d; };\nstruct cell { union value v; int after; };\n"
        "int get(const struct cell *c);",
        code="int get(const struct cell *c) { return c->after; }",
        client='struct { struct cell c; int more[4]; } s = {{{5}, 6}, {0}}; printf("%d\\n", get(&s.c));',
    ),
    breaking(
        "major", "a member of a union is removed",
        old="union value { int i; float f; };\nint use(int kind, const union value *v);",
        new="union value { int i; };\nint use(int kind, const union value *v);",
        code="int use(int kind, const union value *v) { return kind ? (int)v->f : v->i; }",
        new_code="int use(int kind, const union value *v) { return v->i + 0 * kind; }",
        client='union value v = {.f = 2.5f}; printf("%d\\n", use(1, &v));',
        abidiff="it takes a change inside a union of the same size for harmless",
    ),
    breaking(
        "major", "a member of a union changes its type",
        old="union value { int i; float f; };\nint use(const union value *v);",
        new="union value { int i; int f; };\nint use(const union value *v);",
        code="int use(const union value *v) { return (int)v->f; }",
        client='union value v = {.f = 2.5f}; printf("%d\\n", use(&v));',
        abidiff="it takes a change inside a union of the same size for harmless",
    ),
    breaking(
        "major", "a union becomes a struct",
        old="union both { int a, b; };\nint get(const union both *v);",
        new="struct both { int a, b; };\nint get(const struct both *v);",
        code="int get(const union both *v) { return v->b; }",
        new_code="int get(const struct both *v) { return v->b; }",
        client='struct { union both v; int after; } s = {{5}, 77}; printf("%d\\n", get(&s.v));',
    ),
    harmless(
        "patch", "members of a union change their order",
        old="union value { int i; float f; };\nint use(const union value *v);",
        new="union value { float f; int i; };\nint use(const union value *v);",
        code="int use(const union value *v) { return v->i; }",
        client='union value v = {.i = 5}; printf("%d\\n", use(&v));',
    ),
    breaking(
        "major", "a union that is passed by value outgrows the registers",
        old="union value { long i; };\nlong use(union value v);",
        new="union value { double d; long i; char c[24]; };\nlong use(union value v);",
        code="long use(union value v) { return v.i; }",
        new_code="long use(union value v) { return v.i; }",
        client='union value v = {5}; printf("%ld\\n", use(v));',
    ),
    harmless(
        "minor", "a field gets a second name through an unnamed union",
        old="struct opt { int level; int mode; };\nint use(const struct opt *o);",
        new="struct opt { union { int level; int depth; }; int mode; };\nint use(const struct opt *o);",
        code="int use(const struct opt *o) { return o->level; }",
        new_code="int use(const struct opt *o) { return o->depth; }",
        client='struct opt o = {5, 6}; printf("%d\\n", use(&o));',
    ),
    breaking(
        "major", "a bitfield becomes wider in a struct behind a pointer",
        old="struct f { unsigned a : 3, b : 5; };\nint get(const struct f *f);",
        new="struct f { unsigned a : 4, b : 5; };\nint get(const struct f *f);",
        code="int get(const struct f *f) { return f->b; }",
        client='struct f f = {1, 9}; printf("%d\\n", get(&f));',
    ),
    breaking(
        "major", "a bitfield becomes signed",
        old="struct f { unsigned a : 3; };\nint get(const struct f *f);",
        new="struct f { signed a : 3; };\nint get(const struct f *f);",
        code="int get(const struct f *f) { return f->a; }",
        client='struct f f = {7}; printf("%d\\n", get(&f));',
    ),
    breaking(
        "major", "two bitfields change places",
        old="struct f { unsigned a : 4, b : 4; };\nint get(const struct f *f);",
        new="struct f { unsigned b : 4, a : 4; };\nint get(const struct f *f);",
        code="int get(const struct f *f) { return f->b; }",
        client='struct f f = {.a = 1, .b = 9}; printf("%d\\n", get(&f));',
    ),
    breaking(
        "major", "a bitfield is added to spare bits of a struct that is passed in",
        old="struct f { unsigned a : 4; };\nint use(const struct f *f);",
        new="struct f { unsigned a : 4, b : 4; };\nint use(const struct f *f);",
        code="int use(const struct f *f) { return f->a; }",
        new_code="int use(const struct f *f) { return f->b ? -1 : f->a; }",
        client='struct f f; memset(&f, 0x55, sizeof f); f.a = 5; printf("%d\\n", use(&f));',
    ),
    harmless(
        "minor", "a bitfield is added to spare bits of a struct that only comes out",
        old="struct f { unsigned a : 4; };\nconst struct f *get(void);",
        new="struct f { unsigned a : 4, b : 4; };\nconst struct f *get(void);",
        code="const struct f *get(void) { static const struct f f = {5}; return &f; }",
        new_code="const struct f *get(void) { static const struct f f = {5, 9}; return &f; }",
        client='printf("%d\\n", get()->a);',
    ),
    breaking(
        "major", "a plain field becomes a bitfield",
        old="struct f { unsigned char a, b; };\nint get(const struct f *f);",
        new="struct f { unsigned char a : 4, b : 4; };\nint get(const struct f *f);",
        code="int get(const struct f *f) { return f->b; }",
        client='struct { struct f f; char more[4]; } s = {{1, 9}, {0}}; printf("%d\\n", get(&s.f));',
    ),
    breaking(
        "major", "a break between bitfields is put in",
        old="struct f { unsigned a : 4, b : 4; };\nint get(const struct f *f);",
        new="struct f { unsigned a : 4, : 0, b : 4; };\nint get(const struct f *f);",
        code="int get(const struct f *f) { return f->b; }",
        client='struct { struct f f; int more; } s = {{1, 9}, 0}; printf("%d\\n", get(&s.f));',
    ),
    harmless(
        "patch", "a bitfield's unused bits are written down",
        old="struct f { unsigned a : 4, b : 4; };\nint get(const struct f *f);",
        new="struct f { unsigned a : 4, b : 4, : 24; };\nint get(const struct f *f);",
        code="int get(const struct f *f) { return f->b; }",
        client='struct f f = {1, 9}; printf("%d\\n", get(&f));',
    ),
)  # fmt: skip
