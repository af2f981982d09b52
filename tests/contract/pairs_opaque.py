"""Opaque handles: callers hold pointers to what they never see."""

from __future__ import annotations

from typing import Final

from contract_pair import breaking, harmless

PAIRS: Final = (
    harmless(
        "minor", "a function is added to an opaque handle",
        old="typedef struct box box;\nbox *box_new(int v);\nint box_get(const box *b);\nvoid box_free(box *b);",
        new="typedef struct box box;\nbox *box_new(int v);\nint box_get(const box *b);\nvoid box_free(box *b);\n"
        "void box_set(box *b, int v);",
        code="struct box { int v; }; box *box_new(int v) { box *b = malloc(sizeof *b); b->v = v; return b; }"
        " int box_get(const box *b) { return b->v; } void box_free(box *b) { free(b); }",
        new_code="struct box { long spare[9]; int v; }; box *box_new(int v) { box *b = malloc(sizeof *b); b->v = v; "
        "return b; }"
        " int box_get(const box *b) { return b->v; } void box_free(box *b) { free(b); }"
        " void box_set(box *b, int v) { b->v = v; }",
        client='box *b = box_new(5); printf("%d\\n", box_get(b)); box_free(b);',
    ),
    harmless(
        "patch", "an opaque struct shows its members",
        old="struct box;\nstruct box *box_new(void);\nint box_get(const struct box *b);",
        new="struct box { int v; };\nstruct box *box_new(void);\nint box_get(const struct box *b);",
        code="struct box { int v; }; struct box *box_new(void) { static struct box b = {5}; return &b; }"
        " int box_get(const struct box *b) { return b->v; }",
        new_code="struct box *box_new(void) { static struct box b = {5}; return &b; }"
        " int box_get(const struct box *b) { return b->v; }",
        client='printf("%d\\n", box_get(box_new()));',
    ),
    breaking(
        "major", "a struct hides its members, and they move",
        old="struct box { int v; };\nstruct box *box_new(void);",
        new="struct box;\nstruct box *box_new(void);",
        code="struct box *box_new(void) { static struct box b = {5}; return &b; }",
        new_code="struct box { int id, v; }; struct box *box_new(void) { static struct box b = {9, 5}; return &b; }",
        client='printf("%d\\n", box_new()->v);',
    ),
    breaking(
        "unknown", "a handle points to an opaque struct of another name",
        old="struct lib_a;\nstruct lib_a *open_it(void);\nint use(struct lib_a *h);",
        new="struct lib_b;\nstruct lib_b *open_it(void);\nint use(struct lib_b *h);",
        code="struct lib_a *open_it(void) { static int v = 5; return (struct lib_a *)&v; }"
        " int use(struct lib_a *h) { return *(int *)h; }",
        new_code="struct lib_b *open_it(void) { static int v = 5; return (struct lib_b *)&v; }"
        " int use(struct lib_b *h) { return *(int *)h; }",
        client='printf("%d\\n", use(open_it()));',
        unshown="whether the two are the same only the author knows; here they are",
    ),
    breaking(
        "major", "a handle that was a number is a pointer",
        old="int open_it(void);\nint use(int h);",
        new="struct h;\nstruct h *open_it(void);\nint use(struct h *h);",
        code="int open_it(void) { return 1; } int use(int h) { return h; }",
        new_code="struct h { long v; }; struct h *open_it(void) { struct h *h = malloc(1 << 20); h->v = 1; return h; }"
        " int use(struct h *h) { return (int)h->v; }",
        client='printf("%d\\n", use(open_it()));',
    ),
    breaking(
        "major", "two kinds of handles change places in a call",
        old="struct a; struct b;\nstruct a *mk_a(void); struct b *mk_b(void);\nint join(struct a *x, struct b *y);",
        new="struct a; struct b;\nstruct a *mk_a(void); struct b *mk_b(void);\nint join(struct b *x, struct a *y);",
        code="struct a { int v; }; struct b { int w[2]; };"
        " struct a *mk_a(void) { static struct a a = {1}; return &a; }"
        " struct b *mk_b(void) { static struct b b = {{2, 3}}; return &b; }"
        " int join(struct a *x, struct b *y) { return x->v * 10 + y->w[1]; }",
        new_code="struct a { int v; }; struct b { int w[2]; };"
        " struct a *mk_a(void) { static struct a a = {1}; return &a; }"
        " struct b *mk_b(void) { static struct b b = {{2, 3}}; return &b; }"
        " int join(struct b *x, struct a *y) { return y->v * 10 + x->w[1]; }",
        client='printf("%d\\n", join(mk_a(), mk_b()));',
    ),
    breaking(
        "major", "a handle is given by value",
        old="struct h { int v; };\nint use(const struct h *h);",
        new="struct h { int v; };\nint use(struct h h);",
        code="int use(const struct h *h) { return h->v; }",
        new_code="int use(struct h h) { return h.v; }",
        client='struct h h = {5}; printf("%d\\n", use(&h));',
    ),
    harmless(
        "patch", "a struct is declared before it is defined",
        old="struct h { int v; };\nint use(const struct h *h);",
        new="struct h;\nint use(const struct h *h);\nstruct h { int v; };",
        code="int use(const struct h *h) { return h->v; }",
        client='struct h h = {5}; printf("%d\\n", use(&h));',
    ),
    harmless(
        "patch", "a struct that nothing reaches changes beside an opaque handle",
        old="struct h;\nstruct h *get(void);\nstruct note { int x; };",
        new="struct h;\nstruct h *get(void);\nstruct note { int x, y; };",
        code="struct h { int v; }; struct h *get(void) { static struct h h; return &h; }",
        client='printf("%d\\n", get() != NULL);',
    ),
    breaking(
        "unknown", "a struct that only crosses as void pointer grows",
        old="struct args { int a; };\nint run(int what, void *args);",
        new="struct args { int a, b; };\nint run(int what, void *args);",
        code="int run(int what, void *args) { struct args *a = args; return what + a->a; }",
        new_code="int run(int what, void *args) { struct args *a = args; return what + a->a + a->b; }",
        client='struct { struct args a; int after; } s = {{5}, 77}; printf("%d\\n", run(0, &s.a));',
        abidiff="nothing in the binary leads to the struct",
    ),
    breaking(
        "unknown", "a typedef that only crosses as void pointer becomes wider",
        old="typedef int16_t sample;\nint sum(const void *samples, int n);",
        new="typedef int32_t sample;\nint sum(const void *samples, int n);",
        code="int sum(const void *s, int n) { const sample *v = s; int r = 0; while (n--) r += v[n]; return r; }",
        client='_Alignas(4) sample v[8] = {1, 2, 30, 40}; printf("%d\\n", sum(v, 2));',
        abidiff="nothing in the binary leads to the typedef",
    ),
    breaking(
        "major", "a void pointer becomes a number",
        old="int use(void *user);",
        new="int use(int user);",
        code="int use(void *user) { return *(int *)user; }",
        new_code="int use(int user) { return user; }",
        client='int v = 5; printf("%d\\n", use(&v));',
    ),
)  # fmt: skip
