"""Still more of every kind, written before it was seen how they are judged, after the first ones had been mended."""

from __future__ import annotations

from typing import Final

from contract_pair import breaking, harmless

PAIRS: Final = (
    breaking(
        "major", "a struct that comes out through a pointer to a pointer loses a field",
        old="struct r { int a, b; };\nint take(struct r **out);",
        new="struct r { int b; };\nint take(struct r **out);",
        code="int take(struct r **out) { static struct r r = {1, 2}; *out = &r; return 0; }",
        new_code="int take(struct r **out) { static struct { struct r r; int x; } r = {{2}, 9}; *out = &r.r; "
        "return 0; }",
        client='struct r *r; take(&r); printf("%d\\n", r->b);',
    ),
    breaking(
        "major", "a field of a struct in an array in a union in a struct becomes wider",
        old="struct p { short a; short b; };\nstruct s { union { struct p p[2]; int all[2]; } u; };\n"
        "int get(const struct s *s);",
        new="struct p { short a; int b; };\nstruct s { union { struct p p[2]; int all[2]; } u; };\n"
        "int get(const struct s *s);",
        code="int get(const struct s *s) { return s->u.p[1].a; }",
        client='struct { struct s s; int more[4]; } s = {{{{{1, 2}, {3, 4}}}}, {0}}; printf("%d\\n", get(&s.s));',
    ),
    breaking(
        "major", "the unit of a number in a macro changes with a cast",
        old="#define TICK ((double)1000)\nint is_tick(double d);",
        new="#define TICK ((double)1)\nint is_tick(double d);",
        code="int is_tick(double d) { return d == TICK; }",
        client='printf("%d\\n", is_tick(TICK));',
        abidiff="macros are not in the binary",
    ),
    harmless(
        "patch", "a macro with a cast is written with a suffix",
        old="#define N ((unsigned)5)\nint use(unsigned n);",
        new="#define N 5u\nint use(unsigned n);",
        code="int use(unsigned n) { return (int)n; }",
        client='printf("%d\\n", use(N));',
    ),
    harmless(
        "minor", "an interface struct of plain functions is added beside others",
        old="int a(void);",
        new="struct ops { uint32_t struct_size; int (*go)(void *self); };\nint a(void);",
        code="int a(void) { return 1; }",
        client='printf("%d\\n", a());',
    ),
    harmless(
        "patch", "a forward declaration is repeated",
        old="struct a;\nint use(struct a *a);",
        new="struct a;\nstruct a;\ntypedef struct a a;\nint use(a *a);",
        code="int use(struct a *a) { return a == NULL; }",
        client='printf("%d\\n", use(NULL));',
    ),
    harmless(
        "patch", "conditions that are always true are put around a declaration",
        old="int a(void);\nint b(void);",
        new="#if defined(__STDC__) && __STDC__\nint a(void);\n#endif\n#ifndef LIB_WITHOUT_B\nint b(void);\n#endif",
        code="int a(void) { return 1; } int b(void) { return 2; }",
        client='printf("%d\\n", a() + b());',
    ),
    breaking(
        "major", "a function is now there only for who asks",
        old="int a(void);\nint b(void);",
        new="int a(void);\n#ifdef LIB_WITH_B\nint b(void);\n#endif",
        code="int a(void) { return 1; } int b(void) { return 2; }",
        new_code="int a(void) { return 1; }",
        client='printf("%d\\n", a() + b());',
    ),
    breaking(
        "major", "a bitfield behind a nested pointer moves into another unit",
        old="struct f { unsigned a : 20; unsigned b : 12; };\nstruct h { struct f *f; };\nint get(const struct h *h);",
        new="struct f { unsigned a : 21; unsigned b : 12; };\nstruct h { struct f *f; };\nint get(const struct h *h);",
        code="int get(const struct h *h) { return h->f->b; }",
        client='struct { struct f f; int more; } s = {{1, 9}, 0}; struct h h = {&s.f}; printf("%d\\n", get(&h));',
    ),
    breaking(
        "major", "a count in an enum becomes a mask",
        old="enum fl { FL_A, FL_B, FL_C };\nint use(unsigned fl);",
        new="enum fl { FL_A = 1, FL_B = 2, FL_C = 4 };\nint use(unsigned fl);",
        code="int use(unsigned fl) { return fl == FL_C; }",
        client='printf("%d\\n", use(FL_C));',
        abidiff="nothing in the binary leads to the enum",
    ),
    harmless(
        "minor", "an unused enum gets a value before its sentinel that no one counts",
        old="enum fl { FL_A = 1, FL_B = 2 };\nint use(unsigned fl);",
        new="enum fl { FL_A = 1, FL_B = 2, FL_C = 4 };\nint use(unsigned fl);",
        code="int use(unsigned fl) { return fl == FL_B; }",
        client='printf("%d\\n", use(FL_B));',
    ),
    breaking(
        "major", "a typedef of a handle becomes a struct by value",
        old="typedef uint64_t handle;\nhandle make(void);\nint use(handle h);",
        new="typedef struct { uint32_t index, age, kind; } handle;\nhandle make(void);\nint use(handle h);",
        code="handle make(void) { return 7; } int use(handle h) { return (int)h; }",
        new_code="handle make(void) { handle h = {7, 1, 9}; return h; "
        "} int use(handle h) { return (int)(h.index + h.kind); }",
        client='printf("%d\\n", use(make()));',
    ),
    harmless(
        "major", "a handle that was a number is wrapped into a struct of it",
        old="typedef uint64_t handle;\nhandle make(void);\nint use(handle h);",
        new="typedef struct { uint64_t id; } handle;\nhandle make(void);\nint use(handle h);",
        code="handle make(void) { return 7; } int use(handle h) { return (int)h; }",
        new_code="handle make(void) { handle h = {7}; return h; } int use(handle h) { return (int)h.id; }",
        client='printf("%d\\n", use(make()));',
        missed="this machine passes a struct of one number as the number; other conventions do not",
    ),
    breaking(
        "major", "a packed struct gets an alignment",
        old="struct __attribute__((packed)) p { char c; int v; };\nint get(const struct p *p);",
        new="struct __attribute__((packed, aligned(4))) p { char c; int v; };\nint get(const struct p *p);",
        code="int get(const struct p *p) { return p[1].c; }",
        client='struct p p[3] = {{1, 2}, {3, 4}, {5, 6}}; printf("%d\\n", get(p));',
    ),
    breaking(
        "major", "the last field of a sized struct becomes an array",
        old="struct o { uint32_t struct_size; int v; };\nint get(const struct o *o);",
        new="struct o { uint32_t struct_size; int v[4]; };\nint get(const struct o *o);",
        code="int get(const struct o *o) { return o->v; }",
        new_code="int get(const struct o *o) { return o->v[0] + o->v[1]; }",
        client='struct { struct o o; int after; } s = {{8, 5}, 77}; printf("%d\\n", get(&s.o));',
    ),
    breaking(
        "major", "the size in front gets another name",
        old="struct o { uint32_t struct_size; int v; };\nint get(const struct o *o);",
        new="struct o { uint32_t size; int v; int w; };\nint get(const struct o *o);",
        code="int get(const struct o *o) { return o->v; }",
        new_code="int get(const struct o *o) { return o->v + o->w; }",
        client='struct { struct o o; int after; } s = {{8, 5}, 77}; printf("%d\\n", get(&s.o));',
    ),
    breaking(
        "major", "a call-back comes to be in a struct by value",
        old="typedef int (*cb)(int);\nint run(cb f, int x);",
        new="typedef int (*cb)(int);\nstruct call { cb f; void *user; int flags; };\nint run(struct call c, int x);",
        code="int run(cb f, int x) { return f(x); }",
        new_code="int run(struct call c, int x) { return c.f(x); }",
        client='static int f(int x) { return x; }\nint main(void) { printf("%d\\n", run(f, 5)); return 0; }',
    ),
    breaking(
        "major", "what a call-back answers is freed by the library from now on: const goes",
        old="int run(const char *(*get)(void));",
        new="int run(char *(*get)(void));",
        code="int run(const char *(*get)(void)) { return get()[0]; }",
        new_code="int run(char *(*get)(void)) { return get()[0]++; }",
        client='static const char *g(void) { return "a"; }\nint main(void) { printf("%d\\n", run(g)); return 0; }',
        abidiff="it takes const that comes or goes for harmless",
    ),
    harmless(
        "minor", "a struct that comes in may point to what is const",
        old="struct job { char *name; int n; };\nint run(const struct job *j);",
        new="struct job { const char *name; int n; };\nint run(const struct job *j);",
        code="int run(const struct job *j) { return j->name[0]; }",
        client='char b[2] = "a"; struct job j = {b, 1}; printf("%d\\n", run(&j));',
    ),
    harmless(
        "patch", "a header's macro helpers for documentation are added and taken out",
        old="#define LIB_OUT\n#define LIB_NONNULL_ARG\nint get(int *LIB_OUT v);",
        new="#define LIB_WRITES\nint get(int *LIB_WRITES v);",
        code="int get(int *v) { *v = 5; return 0; }",
        client='int v; get(&v); printf("%d\\n", v);',
    ),
    harmless(
        "patch", "parameters are written with their qualifiers at the end",
        old="int use(const unsigned long long *v, unsigned short const s);",
        new="int use(unsigned long long int const *v, short unsigned int s);",
        code="int use(const unsigned long long *v, const unsigned short s) { return (int)*v + s; }",
        new_code="int use(const unsigned long long *v, unsigned short s) { return (int)*v + s; }",
        client='unsigned long long v = 5; printf("%d\\n", use(&v, 2));',
    ),
    breaking(
        "major", "a flexible array's struct is passed in an array of pointers, and its head grows",
        old="struct t { uint16_t n; uint8_t d[]; };\nint sum(struct t *const *list, int n);",
        new="struct t { uint32_t n; uint8_t d[]; };\nint sum(struct t *const *list, int n);",
        code="int sum(struct t *const *l, int n) { int s = 0; while (n--) s += l[n]->d[0]; return s; }",
        client='_Alignas(4) char b[16] = {0}; struct t *t = (void *)b, *l[1] = {t}; t->n = 1; t->d[0] = 5;'
        ' printf("%d\\n", sum(l, 1));',
    ),
    breaking(
        "major", "a macro that is a bit number becomes a mask",
        old="#define BIT_READY 3\nint is_ready(unsigned v);",
        new="#define BIT_READY (1u << 3)\nint is_ready(unsigned v);",
        code="int is_ready(unsigned v) { return v >> BIT_READY & 1; }",
        new_code="int is_ready(unsigned v) { return (v & BIT_READY) != 0; }",
        client='printf("%d\\n", is_ready(BIT_READY) + 2 * is_ready(1u << BIT_READY) + 4 * is_ready(BIT_READY << 1));',
        unshown="the mask of a bit number is what the number was used for; only who passed the number itself sees it",
        abidiff="macros are not in the binary",
    ),
    breaking(
        "major", "atomic and plain are mixed in a call-back's argument",
        old="void run(void (*f)(int *n));",
        new="void run(void (*f)(_Atomic int *n));",
        code="void run(void (*f)(int *n)) { int n = 5; f(&n); }",
        new_code="void run(void (*f)(_Atomic int *n)) { _Atomic int n = 5; f(&n); }",
        client='static void f(int *n) { printf("%d\\n", *n); }\nint main(void) { run(f); return 0; }',
        unshown="one thread sees no difference",
    ),
    breaking(
        "major", "a va_list comes after a fixed argument",
        old="#include <stdarg.h>\nint out(const char *f, va_list v);",
        new="#include <stdarg.h>\nint out(int fd, const char *f, va_list v);",
        code="int out(const char *f, va_list v) { return vprintf(f, v); }",
        new_code="int out(int fd, const char *f, va_list v) { return fd == 1 ? vprintf(f, v) : -1; }",
        client="#include <stdarg.h>\nstatic int o(const char *f, ...) { va_list v; va_start(v, f); "
        "int n = out(f, v); va_end(v);"
        ' return n; }\nint main(void) { printf("%d\\n", o("%d\\n", 5)); return 0; }',
    ),
    harmless(
        "minor", "a function gets a variadic sister, and a va_list one",
        old="#include <stdarg.h>\nint out(const char *f);",
        new="#include <stdarg.h>\nint out(const char *f);\nint outf(const char *f, ...);\n"
        "int outv(const char *f, va_list v);",
        code="int out(const char *f) { return puts(f); }",
        client='out("hello");',
    ),
    harmless(
        "patch", "values of an enum are put in another order with their numbers",
        old="enum e { A, B, C };\nint use(enum e e);",
        new="enum e { C = 2, A = 0, B = 1 };\nint use(enum e e);",
        code="int use(enum e e) { return (int)e; }",
        client='printf("%d\\n", use(C));',
    ),
    breaking(
        "major", "a time in a struct that comes by value becomes a double",
        old="struct t { int id; long at; };\nlong at(struct t t);",
        new="struct t { int id; double at; };\nlong at(struct t t);",
        code="long at(struct t t) { return (long)t.at; }",
        client='struct t t = {1, 5}; printf("%ld\\n", at(t));',
    ),
    breaking(
        "major", "an unnamed member comes between others",
        old="struct s { int a; int b; };\nint get(const struct s *s);",
        new="struct s { int a; union { int x; float y; }; int b; };\nint get(const struct s *s);",
        code="int get(const struct s *s) { return s->b; }",
        client='struct { struct s s; int after; } s = {{1, 5}, 77}; printf("%d\\n", get(&s.s));',
    ),
    breaking(
        "major", "a pointer in a struct points to another struct",
        old="struct x { int v; };\nstruct y { long p; int v; };\nstruct s { struct x *to; };\n"
        "int get(const struct s *s);",
        new="struct x { int v; };\nstruct y { long p; int v; };\nstruct s { struct y *to; };\n"
        "int get(const struct s *s);",
        code="int get(const struct s *s) { return s->to->v; }",
        client='struct { struct x x; int more[3]; } x = {{5}, {0}}; struct s s = {&x.x}; printf("%d\\n", get(&s));',
    ),
    breaking(
        "major", "a typedef of a call-back that only crosses as void pointer changes",
        old="typedef int (*lib_cb)(int);\nint run(void *cb);",
        new="typedef int (*lib_cb)(double);\nint run(void *cb);",
        code="int run(void *cb) { return ((lib_cb)cb)(5); }",
        client='static int f(int x) { return x; }\nint main(void) { printf("%d\\n", run((void *)f)); return 0; }',
        abidiff="nothing in the binary leads to the typedef",
    ),
    breaking(
        "major", "an exported struct grows, which programs have copied",
        old="struct c { int a; };\nextern struct c config;\nint last(void);",
        new="struct c { int a, b; };\nextern struct c config;\nint last(void);",
        code="struct c config = {1}; int last(void) { return config.a; }",
        new_code="struct c config = {1, 2}; int last(void) { return config.b; }",
        client='printf("%d %d\\n", config.a, last());',
    ),
    harmless(
        "patch", "a struct's declaration and its typedef are put apart",
        old="typedef struct item { int v; } item;\nint get(const item *i);",
        new="typedef struct item item;\nint get(const item *i);\nstruct item { int v; };",
        code="int get(const item *i) { return i->v; }",
        client='item i = {5}; printf("%d\\n", get(&i));',
    ),
    harmless(
        "patch", "fields of one type are declared on one line",
        old="struct p { int a; int b; char *c; char *d; };\nint get(const struct p *p);",
        new="struct p { int a, b; char *c, *d; };\nint get(const struct p *p);",
        code="int get(const struct p *p) { return p->b; }",
        client='struct p p = {1, 5, NULL, NULL}; printf("%d\\n", get(&p));',
    ),
    harmless(
        "patch", "a bool of the standard header is written as _Bool",
        old="#include <stdbool.h>\nstruct s { bool on; };\nbool get(const struct s *s, bool other);",
        new="struct s { _Bool on; };\n_Bool get(const struct s *s, _Bool other);",
        code="_Bool get(const struct s *s, _Bool other) { return s->on && other; }",
        client='struct s s = {1}; printf("%d\\n", get(&s, 1));',
    ),
    harmless(
        "minor", "the length of an array is given by a constant",
        old="struct s { char name[16]; };\nint get(const struct s *s);",
        new="enum { NAME_BYTES = 4 * 4 };\nstruct s { char name[NAME_BYTES]; };\nint get(const struct s *s);",
        code="int get(const struct s *s) { return s->name[0]; }",
        client='struct s s = {"a"}; printf("%d\\n", get(&s));',
    ),
    harmless(
        "patch", "a function pointer in a struct gets a typedef",
        old="struct v { int (*go)(void *self, int n); };\nint run(const struct v *v);",
        new="typedef int lib_go(void *self, int n);\nstruct v { lib_go *go; };\nint run(const struct v *v);",
        code="int run(const struct v *v) { return v->go(NULL, 5); }",
        client='static int g(void *s, int n) { return s ? 0 : n; }\n'
        'int main(void) { struct v v = {g}; printf("%d\\n", run(&v)); return 0; }',
    ),
    harmless(
        "patch", "functions are declared by a macro",
        old="int add(int a, int b);\nint sub(int a, int b);",
        new="#define OP(name) int name(int a, int b);\nOP(add)\nOP(sub)\n#undef OP",
        code="int add(int a, int b) { return a + b; }\nint sub(int a, int b) { return a - b; }",
        client='printf("%d\\n", add(5, sub(3, 1)));',
    ),
    harmless(
        "patch", "an opaque handle is written with its struct",
        old="typedef struct db *db_t;\ndb_t make(void);\nint use(db_t d);",
        new="struct db;\nstruct db *make(void);\nint use(struct db *d);",
        code="struct db { int v; }; struct db *make(void) { static struct db d = {5}; return &d; "
        "} int use(struct db *d) { return d->v; }",
        client='printf("%d\\n", use(make()));',
    ),
    harmless(
        "minor", "a sized struct gets flags, a call-back and a pointer to itself",
        old="struct o { uint32_t struct_size; uint32_t a; };\nint use(const struct o *o);",
        new="struct o { uint32_t struct_size; uint32_t a; unsigned deep : 1, wide : 1; void (*told)(int); "
        "const struct o *next; };\n"
        "int use(const struct o *o);",
        code="int use(const struct o *o) { return (int)o->a; }",
        client='struct o o = {sizeof o, 5}; printf("%d\\n", use(&o));',
    ),
    harmless(
        "minor", "an output struct fills reserved room",
        old="struct i { int a; int reserved[3]; };\nconst struct i *get(void);",
        new="struct i { int a; int b; int reserved[2]; };\nconst struct i *get(void);",
        code="const struct i *get(void) { static const struct i i = {5}; return &i; }",
        new_code="const struct i *get(void) { static const struct i i = {5, 6}; return &i; }",
        client='printf("%d\\n", get()->a);',
    ),
    harmless(
        "patch", "a struct that only the library reaches changes in its own header part",
        old="struct lib_private { int x; };\nint a(void);",
        new="struct lib_private { double y[4]; };\nint a(void);",
        code="int a(void) { return 1; }",
        client='printf("%d\\n", a());',
    ),
    harmless(
        "patch", "everything is wrapped for C++ and given attributes by macros",
        old="int a(int x);\nvoid b(const char *f, ...);",
        new="#ifdef __cplusplus\n#define L_BEGIN extern \"C\" {\n#define L_END }\n#else\n#define L_BEGIN\n"
        "#define L_END\n#endif\n"
        "#if defined(__GNUC__)\n#define L_PRINTF(a, b) __attribute__((__format__(__printf__, a, b)))\n"
        "#define L_API __attribute__((__visibility__(\"default\")))\n#else\n#define L_PRINTF(a, b)\n#define L_API\n"
        "#endif\n"
        "L_BEGIN\nL_API int a(int x);\nL_API void b(const char *f, ...) L_PRINTF(1, 2);\nL_END",
        code='int a(int x) { return x; } void b(const char *f, ...) { puts(f); }',
        client='b("x"); printf("%d\\n", a(5));',
    ),
    harmless(
        "patch", "a callback's enum parameter is written through a typedef",
        old="enum k { A, B };\nvoid on(void (*f)(enum k k, void *u), void *u);",
        new="typedef enum k { A, B } k_t;\ntypedef void (*k_fn)(k_t k, void *u);\nvoid on(k_fn f, void *u);",
        code="void on(void (*f)(enum k k, void *u), void *u) { f(B, u); }",
        client='static void f(enum k k, void *u) { printf("%d %d\\n", k, *(int *)u); }\n'
        'int main(void) { int v = 7; on(f, &v); return 0; }',
    ),
)  # fmt: skip
