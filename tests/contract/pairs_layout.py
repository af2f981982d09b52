"""Packing, alignment, arrays, atomics and the widths of scalars: where the bytes lie."""

from __future__ import annotations

from typing import Final

from contract_pair import breaking, harmless

PAIRS: Final = (
    breaking(
        "major", "a struct becomes packed",
        old="struct p { char c; int v; };\nint get(const struct p *p);",
        new="struct __attribute__((packed)) p { char c; int v; };\nint get(const struct p *p);",
        code="int get(const struct p *p) { return p->v; }",
        client='struct p p; memset(&p, 0, sizeof p); p.v = 5; printf("%d\\n", get(&p));',
    ),
    breaking(
        "major", "a pragma packs a struct",
        old="struct p { char c; int v; };\nint get(const struct p *p);",
        new="#pragma pack(push, 1)\nstruct p { char c; int v; };\n#pragma pack(pop)\nint get(const struct p *p);",
        code="int get(const struct p *p) { return p->v; }",
        client='struct p p; memset(&p, 0, sizeof p); p.v = 5; printf("%d\\n", get(&p));',
    ),
    breaking(
        "major", "packing changes no offset, but where the struct lies in another",
        old="struct p { int a, b; };\nstruct q { char c; struct p p; };\nint get(const struct q *q);",
        new="struct __attribute__((packed)) p { int a, b; };\nstruct q { char c; struct p p; };\n"
        "int get(const struct q *q);",
        code="int get(const struct q *q) { return q->p.b; }",
        client='struct q q; memset(&q, 0, sizeof q); q.p.b = 5; printf("%d\\n", get(&q));',
    ),
    breaking(
        "major", "packing changes neither offset nor size, only the alignment",
        old="struct p { int a, b; };\nint get(const struct p *p);",
        new="struct __attribute__((packed)) p { int a, b; };\nint get(const struct p *p);",
        code="int get(const struct p *p) { return p->b; }",
        client='struct p p = {1, 5}; printf("%d\\n", get(&p));',
        unshown="it breaks callers that put the struct into one of their own, which the library then finds elsewhere",
        abidiff="the alignment of a packed struct is not in the debug information",
    ),
    breaking(
        "major", "a struct asks for a larger alignment",
        old="struct v { float x[4]; };\nint get(const struct v *v);",
        new="struct __attribute__((aligned(64))) v { float x[4]; };\nint get(const struct v *v);",
        code="int get(const struct v *v) { return (int)v[1].x[0]; }",
        client='struct v v[5] = {{{1}}, {{2}}, {{3}}, {{4}}, {{5}}}; printf("%d\\n", get(v));',
    ),
    breaking(
        "major", "a field asks for a larger alignment",
        old="struct v { char c; int x; };\nint get(const struct v *v);",
        new="struct v { char c; int x __attribute__((aligned(16))); };\nint get(const struct v *v);",
        code="int get(const struct v *v) { return v->x; }",
        client='struct { struct v v; int more[8]; } s = {{1, 5}, {0}}; printf("%d\\n", get(&s.v));',
    ),
    breaking(
        "major", "_Alignas moves a field",
        old="struct v { char c; char d; };\nint get(const struct v *v);",
        new="struct v { char c; _Alignas(8) char d; };\nint get(const struct v *v);",
        code="int get(const struct v *v) { return v->d; }",
        client='struct { struct v v; char more[16]; } s = {{1, 5}, {0}}; printf("%d\\n", get(&s.v));',
    ),
    breaking(
        "major", "a typedef asks for a larger alignment of what callers pass",
        old="typedef float quad;\nint first(const quad *v);",
        new="typedef float quad __attribute__((aligned(16)));\nint first(const quad *v);",
        code="int first(const quad *v) { return (int)*v; }",
        new_code="int first(const quad *v) { return (uintptr_t)v % 16 ? -1 : (int)*v; }",
        client='_Alignas(16) float v[4] = {1, 2, 3, 4}; printf("%d\\n", first(v + 1));',
        abidiff="where a pointer must point to is not compared",
    ),
    harmless(
        "patch", "the alignment that a struct has anyway is written down",
        old="struct p { int a, b; };\nint get(const struct p *p);",
        new="struct __attribute__((aligned(4))) p { int a, b; };\nint get(const struct p *p);",
        code="int get(const struct p *p) { return p->b; }",
        client='struct p p = {1, 5}; printf("%d\\n", get(&p));',
    ),
    harmless(
        "patch", "padding is written down",
        old="struct p { char c; int v; };\nint get(const struct p *p);",
        new="struct p { char c; char _pad[3]; int v; };\nint get(const struct p *p);",
        code="int get(const struct p *p) { return p->v; }",
        client='struct p p = {1, 5}; printf("%d\\n", get(&p));',
    ),
    breaking(
        "major", "a field becomes atomic",
        old="struct c { int n; };\nint get(struct c *c);",
        new="struct c { _Atomic int n; };\nint get(struct c *c);",
        code="int get(struct c *c) { return c->n; }",
        client='struct c c = {5}; printf("%d\\n", get(&c));',
        unshown="the bytes are the same; callers write them without the promise that the library now builds on",
    ),
    breaking(
        "major", "an array of arrays is turned around",
        old="struct m { int v[2][3]; };\nint get(const struct m *m);",
        new="struct m { int v[3][2]; };\nint get(const struct m *m);",
        code="int get(const struct m *m) { return m->v[1][0]; }",
        client='struct m m = {{{1, 2, 3}, {4, 5, 6}}}; printf("%d\\n", get(&m));',
    ),
    breaking(
        "major", "a pointer becomes an array",
        old="struct t { const char *text; };\nint first(const struct t *t);",
        new="struct t { char text[8]; };\nint first(const struct t *t);",
        code="int first(const struct t *t) { return t->text[0]; }",
        client='struct t t = {"abc"}; printf("%c\\n", first(&t));',
    ),
    breaking(
        "major", "double becomes long double in a struct",
        old="struct n { double v; };\nint get(const struct n *n);",
        new="struct n { long double v; };\nint get(const struct n *n);",
        code="int get(const struct n *n) { return (int)n->v; }",
        client='_Alignas(16) struct n n[2] = {{5}, {0}}; printf("%d\\n", get(n));',
    ),
    breaking(
        "major", "long double becomes __float128 of the same size",
        old="struct n { long double v; };\nint get(const struct n *n);",
        new="struct n { __float128 v; };\nint get(const struct n *n);",
        code="int get(const struct n *n) { return (int)n->v; }",
        client='struct n n = {5}; printf("%d\\n", get(&n));',
    ),
    breaking(
        "major", "a vector becomes twice as long",
        old="typedef int v4 __attribute__((vector_size(8)));\nint sum(const v4 *v);",
        new="typedef int v4 __attribute__((vector_size(16)));\nint sum(const v4 *v);",
        code="int sum(const v4 *v) { int s = 0; for (unsigned i = 0; i < sizeof *v / 4; i++) s += (*v)[i]; return s; }",
        client='_Alignas(16) v4 v[2] = {{1, 2}, {50, 60}}; printf("%d\\n", sum(v));',
    ),
    breaking(
        "major", "a complex number becomes a pair of floats",
        old="struct z { double _Complex v; };\nint re(const struct z *z);",
        new="struct z { float _Complex v; };\nint re(const struct z *z);",
        code="int re(const struct z *z) { return (int)__real__ z->v; }",
        client='struct z z = {5}; printf("%d\\n", re(&z));',
    ),
    breaking(
        "major", "a field of 32 bits becomes a size_t",
        old="struct b { unsigned n; char data[12]; };\nint first(const struct b *b);",
        new="struct b { size_t n; char data[8]; };\nint first(const struct b *b);",
        code="int first(const struct b *b) { return b->data[0]; }",
        client='_Alignas(8) struct b b = {1, "abcdefghijk"}; printf("%c\\n", first(&b));',
    ),
    harmless(
        "patch", "volatile is written at a field",
        old="struct c { int n; };\nint get(struct c *c);",
        new="struct c { volatile int n; };\nint get(struct c *c);",
        code="int get(struct c *c) { return c->n; }",
        client='struct c c = {5}; printf("%d\\n", get(&c));',
    ),
    breaking(
        "major", "bytes of a struct are stored the other way around",
        old="struct n { int v; };\nint get(const struct n *n);",
        new='#ifdef __clang__\nstruct n { short hi, lo; };\n#else\n'
        'struct __attribute__((scalar_storage_order("big-endian"))) n { int v; };\n#endif\nint get(const struct n *n);',
        code="int get(const struct n *n) { return n->v; }",
        new_code="#ifdef __clang__\nint get(const struct n *n) { return n->lo; }\n#else\n"
        "int get(const struct n *n) { return n->v; }\n#endif",
        client='struct n n = {5}; printf("%d\\n", get(&n));',
        abidiff="it compares no byte order",
    ),
    breaking(
        "major", "packing changes only the alignment of a struct that has no tag",
        old="typedef struct { int a, b; } p, *p_ref;\nint get(const p *p);",
        new="typedef struct __attribute__((packed)) { int a, b; } p, *p_ref;\nint get(const p *p);",
        code="int get(const p *p) { return p->b; }",
        client='p v = {1, 5}; printf("%d\\n", get(&v));',
        unshown="it breaks callers that put the struct into one of their own, which the library then finds elsewhere",
        abidiff="the alignment of a packed struct is not in the debug information",
    ),
    breaking(
        "major", "a variable of a struct without a name grows in front",
        old="extern const struct { int v; } config;",
        new="extern const struct { int id, v; } config;",
        code="const __typeof__(config) config = {5};",
        new_code="const __typeof__(config) config = {9, 5};",
        client='printf("%d\\n", config.v);',
    ),
)  # fmt: skip
