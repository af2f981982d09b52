"""Interface headers of plugins: structs of functions that begin with their size, and the annotations in them."""

from __future__ import annotations

from typing import Final

from contract_pair import breaking, harmless

_HEAD: Final = "#include <hotgraft/hotgraft.h>\ntypedef struct gain_v1 {\n    uint32_t struct_size;\n"
_TAIL: Final = "\n} gain_v1;\nconst gain_v1 *table(void);"
_SET: Final = "    hotgraft_status (*set)(void *self, int32_t level);"
_GET: Final = "    int32_t (*get)(void *self);"
_CODE: Final = (
    "static int32_t level; static hotgraft_status set(void *s, int32_t v) { level = v; return s ? 1 : 0; }"
    " static int32_t get(void *s) { return s ? 0 : level; }"
)
_TABLE: Final = " const gain_v1 *table(void) { static const gain_v1 t = {sizeof t, set, get}; return &t; }"
_CLIENT: Final = 'const gain_v1 *t = table(); t->set(NULL, 5); printf("%d\\n", t->get(NULL));'


def _of(*members: str) -> str:
    return _HEAD + "\n".join(members) + _TAIL


def _member(parameters: str, *, result: str = "hotgraft_status", after: str = "") -> str:
    return _of(f"    {result} (*run)(void *self, {parameters}){after};")


def _run(parameters: str, body: str, *, result: str = "hotgraft_status") -> str:
    return (
        f"static {result} run(void *self, {parameters}) {{ (void)self; {body} }}"
        " const gain_v1 *table(void) { static const gain_v1 t = {sizeof t, run}; return &t; }"
    )


_SUM: Final = "float s = 0; for (uint32_t i = 0; i < n; i++) s += v[i]; return (int)s;"
_SUMS: Final = 'float v[4] = {1, 2, 3, 4}; printf("%d\\n", table()->run(NULL, v, 4));'

PAIRS: Final = (
    harmless(
        "minor", "a function is appended",
        old=_of(_SET, _GET),
        new=_of(_SET, _GET, "    int32_t (*peak)(void *self) HOTGRAFT_SINCE(1, 1);"),
        code=_CODE + _TABLE,
        new_code=_CODE + _TABLE.replace("set, get", "set, get, get"),
        client=_CLIENT,
    ),
    breaking(
        "major", "a function is put in front of another",
        old=_of(_SET, _GET),
        new=_of(_SET, "    int32_t (*peak)(void *self);", _GET),
        code=_CODE + _TABLE,
        new_code=_CODE + " static int32_t peak(void *s) { return s ? 0 : -1; }"
        " const gain_v1 *table(void) { static const gain_v1 t = {sizeof t, set, peak, get}; return &t; }",
        client=_CLIENT,
    ),
    breaking(
        "major", "a function is removed",
        old=_of(_SET, _GET),
        new=_of(_SET),
        code=_CODE + _TABLE,
        new_code=_CODE + " const gain_v1 *table(void) { static const struct { gain_v1 t; void *end; } t"
        " = {{sizeof t.t, set}, NULL}; return &t.t; }",
        client=_CLIENT,
    ),
    breaking(
        "major", "two functions change places",
        old=_of(_SET, _GET),
        new=_of(_GET, _SET),
        code=_CODE + _TABLE,
        new_code=_CODE + " const gain_v1 *table(void) { static const gain_v1 t = {sizeof t, get, set}; return &t; }",
        client=_CLIENT,
    ),
    breaking(
        "major", "a parameter becomes wider",
        old=_member("int32_t level"),
        new=_member("int64_t level"),
        code=_run("int32_t level", "return level < 0;"),
        new_code=_run("int64_t level", "return level < 0;"),
        client='volatile int32_t x = -1; printf("%d\\n", table()->run(NULL, x));',
    ),
    breaking(
        "major", "a result becomes a status",
        old=_member("int32_t level", result="int32_t"),
        new=_member("int32_t level"),
        code=_run("int32_t level", "return level + 1;", result="int32_t"),
        new_code=_run("int32_t level", "return level < 0;"),
        client='printf("%d\\n", table()->run(NULL, 5));',
        abidiff="a status is an int32_t in the binary",
    ),
    breaking(
        "major", "a buffer that was read is written",
        old=_member("const float *v HOTGRAFT_IN(n), uint32_t n"),
        new=_member("float *v HOTGRAFT_INOUT(n), uint32_t n"),
        code=_run("const float *v, uint32_t n", _SUM),
        new_code=_run("float *v, uint32_t n", "for (uint32_t i = 0; i < n; i++) v[i] *= 2; return (int)v[0];"),
        client='static const float v[4] = {1, 2, 3, 4}; printf("%d\\n", table()->run(NULL, v, 4));',
        abidiff="it takes const that comes or goes for harmless",
    ),
    breaking(
        "major", "a buffer needs as many elements as another parameter says",
        old=_member("const float *v HOTGRAFT_IN(n), uint32_t n, uint32_t m"),
        new=_member("const float *v HOTGRAFT_IN(m), uint32_t n, uint32_t m"),
        code=_run("const float *v, uint32_t n, uint32_t m", "(void)m; " + _SUM),
        new_code=_run("const float *v, uint32_t n, uint32_t m", "n = m; " + _SUM),
        client='float v[4] = {1, 2, 3, 4}; printf("%d\\n", table()->run(NULL, v, 2, 4));',
        abidiff="annotations are not in the binary",
    ),
    breaking(
        "major", "a buffer needs twice as many elements",
        old=_member("const float *v HOTGRAFT_IN(2)"),
        new=_member("const float *v HOTGRAFT_IN(4)"),
        code=_run("const float *v", "uint32_t n = 2; " + _SUM),
        new_code=_run("const float *v", "uint32_t n = 4; " + _SUM),
        client='float v[4] = {1, 2, 30, 40}; printf("%d\\n", table()->run(NULL, v));',
        abidiff="annotations are not in the binary",
    ),
    harmless(
        "minor", "a buffer needs half as many elements",
        old=_member("const float *v HOTGRAFT_IN(4)"),
        new=_member("const float *v HOTGRAFT_IN(2)"),
        code=_run("const float *v", "uint32_t n = 2; " + _SUM),
        client='float v[4] = {1, 2, 30, 40}; printf("%d\\n", table()->run(NULL, v));',
    ),
    breaking(
        "major", "NULL is no longer allowed",
        old=_member("const float *v HOTGRAFT_IN(n) HOTGRAFT_NULLABLE, uint32_t n"),
        new=_member("const float *v HOTGRAFT_IN(n), uint32_t n"),
        code=_run("const float *v, uint32_t n", "if (!v) return 0; " + _SUM),
        new_code=_run("const float *v, uint32_t n", _SUM),
        client='printf("%d\\n", table()->run(NULL, NULL, 4));',
        abidiff="annotations are not in the binary",
    ),
    harmless(
        "minor", "NULL is allowed from now on",
        old=_member("const float *v HOTGRAFT_IN(n), uint32_t n"),
        new=_member("const float *v HOTGRAFT_IN(n) HOTGRAFT_NULLABLE, uint32_t n"),
        code=_run("const float *v, uint32_t n", "if (!v) return 0; " + _SUM),
        client=_SUMS,
    ),
    breaking(
        "major", "a function may block",
        old=_member("int32_t level"),
        new=_member("int32_t level", after=" HOTGRAFT_BLOCKING"),
        code=_run("int32_t level", "return level;"),
        client='printf("%d\\n", table()->run(NULL, 5));',
        unshown="how long a call takes is no difference in what it answers",
        abidiff="annotations are not in the binary",
    ),
    harmless(
        "minor", "a function blocks no longer",
        old=_member("int32_t level", after=" HOTGRAFT_BLOCKING"),
        new=_member("int32_t level"),
        code=_run("int32_t level", "return level;"),
        client='printf("%d\\n", table()->run(NULL, 5));',
    ),
    breaking(
        "major", "calling twice is no longer calling once",
        old=_member("int32_t by", after=" HOTGRAFT_IDEMPOTENT"),
        new=_member("int32_t by"),
        code=_run("int32_t by", "static int32_t n; n = by; return n;"),
        new_code=_run("int32_t by", "static int32_t n; n += by; return n;"),
        client='table()->run(NULL, 5); printf("%d\\n", table()->run(NULL, 5));',
        abidiff="annotations are not in the binary",
    ),
    breaking(
        "major", "what was the caller's is leased",
        old=_member("uint32_t *n HOTGRAFT_OUT(1)", result="float *", after=" HOTGRAFT_OWNED"),
        new=_member("uint32_t *n HOTGRAFT_OUT(1)", result="float *", after=" HOTGRAFT_LEASED(n)"),
        code=_run("uint32_t *n", "float *v = calloc(4, 4); *n = 4; return v;", result="float *"),
        new_code=_run("uint32_t *n", "static float v[4]; *n = 4; return v;", result="float *"),
        client='uint32_t n; float *v = table()->run(NULL, &n); free(v); printf("%u\\n", n);',
        abidiff="annotations are not in the binary",
    ),
    harmless(
        "patch", "parameters get other names, and their annotations with them",
        old=_member("const float *v HOTGRAFT_IN(n), uint32_t n"),
        new=_member("const float *samples HOTGRAFT_IN(count), uint32_t count"),
        code=_run("const float *v, uint32_t n", _SUM),
        client=_SUMS,
    ),
    harmless(
        "patch", "the header says only by comments what it means",
        old=_member("const float *v HOTGRAFT_IN(n), uint32_t n"),
        new=_member("const float *v HOTGRAFT_IN(n), uint32_t n").replace("    hot", "    /* Adds up. */\n    hot"),
        code=_run("const float *v, uint32_t n", _SUM),
        client=_SUMS,
    ),
    harmless(
        "patch", "it is noted since when a function is offered",
        old=_member("int32_t level"),
        new=_member("int32_t level", after=" HOTGRAFT_SINCE(1, 0)"),
        code=_run("int32_t level", "return level;"),
        client='printf("%d\\n", table()->run(NULL, 5));',
    ),
    harmless(
        "minor", "a second interface is added",
        old=_of(_SET, _GET),
        new=_of(_SET, _GET)
        + "\ntypedef struct meter_v1 {\n    uint32_t struct_size;\n    int32_t (*read)(void *self);\n} meter_v1;",
        code=_CODE + _TABLE,
        client=_CLIENT,
    ),
    breaking(
        "major", "a struct that an interface passes grows",
        old="typedef struct opts { int32_t a; } opts;\n" + _member("const opts *o HOTGRAFT_IN(1)"),
        new="typedef struct opts { int32_t a, b; } opts;\n" + _member("const opts *o HOTGRAFT_IN(1)"),
        code=_run("const opts *o", "return o->a;"),
        new_code=_run("const opts *o", "return o->a + o->b;"),
        client='struct { opts o; int after; } s = {{5}, 77}; printf("%d\\n", table()->run(NULL, &s.o));',
    ),
    breaking(
        "major", "an interface gets another name and the old one is gone",
        old=_of(_SET, _GET),
        new=_of(_SET, "    int32_t (*peak)(void *self);", _GET).replace("gain_v1", "gain_v2"),
        code=_CODE + _TABLE,
        new_code=_CODE + _TABLE.replace("set, get", "set, NULL, get").replace("gain_v1", "gain_v2"),
        client=_CLIENT,
    ),
    breaking(
        "major", "the pitch of an array inside the interface's struct changes",
        old="enum { TAPS = 2 };\ntypedef struct opts { float taps[TAPS]; int32_t on; } opts;\n"
        "" + _member("const opts *o HOTGRAFT_IN(1)"),
        new="enum { TAPS = 4 };\ntypedef struct opts { float taps[TAPS]; int32_t on; } opts;\n"
        "" + _member("const opts *o HOTGRAFT_IN(1)"),
        code=_run("const opts *o", "return o->on;"),
        client='struct { opts o; int after[4]; } s = {{{0, 0}, 5}, {77, 78, 79, 80}}; '
        'printf("%d\\n", table()->run(NULL, &s.o));',
    ),
)  # fmt: skip
