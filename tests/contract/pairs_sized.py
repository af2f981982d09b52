"""Structs that begin with their own size, and so may grow at their end: where they lie alone behind a pointer."""

from __future__ import annotations

from typing import Final

from contract_pair import breaking, harmless

PAIRS: Final = (
    harmless(
        "minor", "a sized struct that is passed in grows at its end",
        old="struct opts { uint32_t struct_size; int level; };\nint use(const struct opts *o);",
        new="struct opts { uint32_t struct_size; int level; int mode; int more; };\nint use(const struct opts *o);",
        code="int use(const struct opts *o) { return o->level; }",
        new_code="int use(const struct opts *o) { return o->struct_size >= 16 ? o->mode : o->level; }",
        client='struct { struct opts o; int after; } s = {{sizeof(struct opts), 5}, 77}; printf("%d\\n", use(&s.o));',
    ),
    harmless(
        "minor", "a sized struct that is filled grows at its end",
        old="struct info { uint32_t struct_size; int level; };\nvoid get(struct info *i);",
        new="struct info { uint32_t struct_size; int level; int mode; };\nvoid get(struct info *i);",
        code="void get(struct info *i) { i->level = 5; }",
        new_code="void get(struct info *i) { i->level = 5; if (i->struct_size >= 12) i->mode = 6; }",
        client='struct { struct info i; int after; } s = {{sizeof(struct info), 0}, 77}; get(&s.i);'
        ' printf("%d %d\\n", s.i.level, s.after);',
    ),
    harmless(
        "minor", "a sized struct that comes out grows at its end",
        old="struct info { uint32_t struct_size; int level; };\nconst struct info *get(void);",
        new="struct info { uint32_t struct_size; int level; int mode; };\nconst struct info *get(void);",
        code="const struct info *get(void) { static const struct info i = {8, 5}; return &i; }",
        new_code="const struct info *get(void) { static const struct info i = {12, 5, 6}; return &i; }",
        client='printf("%d\\n", get()->level);',
    ),
    harmless(
        "minor", "a sized struct grows by a pointer and a nested struct",
        old="struct opts { uint32_t struct_size; int level; };\nint use(const struct opts *o);",
        new="struct color { float r, g, b; };\n"
        "struct opts { uint32_t struct_size; int level; const char *name; struct color tint; };\n"
        "int use(const struct opts *o);",
        code="int use(const struct opts *o) { return o->level; }",
        client='struct { uint32_t odd; struct opts o; } s = {0, {sizeof s.o, 5}};'
        ' printf("%d %d\\n", (int)((uintptr_t)&s.o % 4), use(&s.o));',
    ),
    breaking(
        "major", "a sized struct that is passed by value grows",
        old="struct opts { uint32_t struct_size; int level, a, b; };\nint use(struct opts o);",
        new="struct opts { uint32_t struct_size; int level, a, b, c; };\nint use(struct opts o);",
        code="int use(struct opts o) { return o.level; }",
        client='struct opts o = {sizeof o, 5, 0, 0}; printf("%d\\n", use(o));',
    ),
    breaking(
        "major", "a sized struct inside another struct grows",
        old="struct s { uint32_t struct_size; int level; };\nstruct both { struct s a, b; };\nint use(struct both *o);",
        new="struct s { uint32_t struct_size; int level, m; };\nstruct both { struct s a, b; };\n"
        "int use(struct both *o);",
        code="int use(struct both *o) { return o->b.level; }",
        client='struct { struct both b; int more[4]; } s = {{{8, 1}, {8, 2}}, {0}}; printf("%d\\n", use(&s.b));',
    ),
    breaking(
        "major", "a sized struct in an array inside a struct grows",
        old="struct s { uint32_t struct_size; int v; };\nstruct set { struct s all[2]; };\nint last(struct set *o);",
        new="struct s { uint32_t struct_size; int v, w; };\nstruct set { struct s all[2]; };\nint last(struct set *o);",
        code="int last(struct set *o) { return o->all[1].v; }",
        client='struct { struct set b; int more[4]; } s = {{{{8, 1}, {8, 2}}}, {0}}; printf("%d\\n", last(&s.b));',
    ),
    breaking(
        "major", "a field is put into the middle of a sized struct",
        old="struct opts { uint32_t struct_size; int level; int mode; };\nint use(const struct opts *o);",
        new="struct opts { uint32_t struct_size; int level; int extra; int mode; };\nint use(const struct opts *o);",
        code="int use(const struct opts *o) { return o->mode; }",
        client='struct { struct opts o; int after; } s = {{12, 5, 6}, 77}; printf("%d\\n", use(&s.o));',
    ),
    breaking(
        "major", "the last field of a sized struct is removed",
        old="struct opts { uint32_t struct_size; int level; int mode; };\nvoid get(struct opts *o);",
        new="struct opts { uint32_t struct_size; int level; };\nvoid get(struct opts *o);",
        code="void get(struct opts *o) { o->level = 5; o->mode = 6; }",
        new_code="void get(struct opts *o) { o->level = 5; }",
        client='struct opts o = {sizeof o, 0, 0}; get(&o); printf("%d\\n", o.mode);',
    ),
    breaking(
        "major", "a field of a sized struct becomes wider",
        old="struct opts { uint32_t struct_size; int level; int mode; };\nint use(const struct opts *o);",
        new="struct opts { uint32_t struct_size; int64_t level; int mode; };\nint use(const struct opts *o);",
        code="int use(const struct opts *o) { return o->mode; }",
        client='struct { struct opts o; int more[4]; } s = {{12, 5, 6}, {0}}; printf("%d\\n", use(&s.o));',
    ),
    breaking(
        "major", "the size in front becomes 64 bits wide",
        old="struct opts { uint32_t struct_size; int level; };\nint use(const struct opts *o);",
        new="struct opts { uint64_t struct_size; int level; };\nint use(const struct opts *o);",
        code="int use(const struct opts *o) { return o->struct_size >= 8 ? o->level : -1; }",
        client='struct { struct opts o; int more[4]; } s = {{8, 5}, {0}}; printf("%d\\n", use(&s.o));',
    ),
    breaking(
        "major", "a struct begins with its size from now on",
        old="struct opts { int level; };\nint use(const struct opts *o);",
        new="struct opts { uint32_t struct_size; int level; };\nint use(const struct opts *o);",
        code="int use(const struct opts *o) { return o->level; }",
        client='struct { struct opts o; int after; } s = {{5}, 77}; printf("%d\\n", use(&s.o));',
    ),
    breaking(
        "major", "a sized struct of which arrays are passed grows",
        old="struct row { uint32_t struct_size; int v; };\nint sum(const struct row rows[2]);",
        new="struct row { uint32_t struct_size; int v, w; };\nint sum(const struct row rows[2]);",
        code="int sum(const struct row rows[2]) { return rows[0].v + rows[1].v; }",
        client='struct row r[3] = {{8, 1}, {8, 2}, {8, 40}}; printf("%d\\n", sum(r));',
    ),
    breaking(
        "major", "a sized struct grows by a vector that must lie at a multiple of 16",
        old="typedef struct v4 { _Alignas(16) float x[4]; } v4;\n"
        "struct opts { uint32_t struct_size; int level; };\nint use(const struct opts *o, const v4 *v);",
        new="typedef struct v4 { _Alignas(16) float x[4]; } v4;\n"
        "struct opts { uint32_t struct_size; int level; v4 v; };\nint use(const struct opts *o, const v4 *v);",
        code="int use(const struct opts *o, const v4 *v) { return o->level + (int)v->x[0]; }",
        client='struct opts o = {sizeof o, 5}; v4 v = {{1}}; printf("%d\\n", use(&o, &v));',
        unshown="it reads no vector of who has none; whether it reads what was there by 16 bytes is up to its compiler",
    ),
    breaking(
        "major", "a sized struct of which as many are passed as the next parameter says grows",
        old="struct o { uint32_t struct_size; int a; };\nint last(const struct o *items, size_t count);",
        new="struct o { uint32_t struct_size; int a, b; };\nint last(const struct o *items, size_t count);",
        code="int last(const struct o *items, size_t count) { return items[count - 1].a; }",
        client='struct o o[4] = {{8, 1}, {8, 2}}; printf("%d\\n", last(o, 2));',
    ),
    breaking(
        "major", "a sized struct of which as many come as a parameter is told grows",
        old="struct o { uint32_t struct_size; int a; };\nconst struct o *list(size_t *num_items);",
        new="struct o { uint32_t struct_size; int a, b; };\nconst struct o *list(size_t *num_items);",
        code="const struct o *list(size_t *num_items) { static const struct o o[2] = {{8, 1}, {8, 2}};"
        " *num_items = 2; return o; }",
        client='size_t n; const struct o *o = list(&n); printf("%d\\n", o[1].a);',
    ),
    breaking(
        "major", "a sized struct of which a member says how many there are grows",
        old="struct o { uint32_t struct_size; int a; };\nstruct l { const struct o *items; int count; };\n"
        "int last(const struct l *l);",
        new="struct o { uint32_t struct_size; int a, b; };\nstruct l { const struct o *items; int count; };\n"
        "int last(const struct l *l);",
        code="int last(const struct l *l) { return l->items[l->count - 1].a; }",
        client='struct o o[4] = {{8, 1}, {8, 2}}; struct l l = {o, 2}; printf("%d\\n", last(&l));',
    ),
    harmless(
        "minor", "a sized struct that is passed beside a number of something else grows",
        old="struct opts { uint32_t struct_size; int level; };\n"
        "int mix(const struct opts *opts, const float *in, int count, uint32_t flags);",
        new="struct opts { uint32_t struct_size; int level, mode; };\n"
        "int mix(const struct opts *opts, const float *in, int count, uint32_t flags);",
        code="int mix(const struct opts *o, const float *in, int n, uint32_t f) { return o->level + (int)in[n - 1]; }",
        client='struct opts o = {sizeof o, 5}; float in[2] = {1, 2}; printf("%d\\n", mix(&o, in, 2, 0));',
    ),
    harmless(
        "minor", "an enum grows in structs of which as many are passed as a member says",
        old="enum k { A, B };\nstruct o { enum k k; };\nstruct l { const struct o *items; int count; };\n"
        "int last(const struct l *l);",
        new="enum k { A, B, C };\nstruct o { enum k k; };\nstruct l { const struct o *items; int count; };\n"
        "int last(const struct l *l);",
        code="int last(const struct l *l) { return l->items[l->count - 1].k; }",
        client='struct o o[2] = {{A}, {B}}; struct l l = {o, 2}; printf("%d\\n", last(&l));',
    ),
)  # fmt: skip
