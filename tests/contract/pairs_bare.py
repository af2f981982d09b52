"""Types that no declaration leads to, and that are met all the same: a loader, or another header, hands them over."""

from __future__ import annotations

from typing import Final

from contract_pair import breaking, harmless

_TABLE: Final = "typedef struct codec { int version; int (*open)(int); int (*read)(int); } codec;"
_TABLE_CODE: Final = (
    "static int twice(int x) { return 2 * x; } static int minus(int x) { return -x; }\n"
    "const codec codec_entry = {.open = twice, .read = minus};"
)
_CALLS_TABLE: Final = """\
extern const codec codec_entry;
int main(void) { printf("%d\\n", codec_entry.read(5)); return 0; }
"""
_CALLS_ENTRY: Final = """\
extern const void *const entry;
int main(void) { printf("%d\\n", ((start_fn)entry)(5)); return 0; }
"""

PAIRS: Final = (
    breaking(
        "major", "a table of functions that is found by its name exchanges two",
        old=_TABLE,
        new="typedef struct codec { int version; int (*read)(int); int (*open)(int); } codec;",
        code=_TABLE_CODE,
        client=_CALLS_TABLE,
    ),
    breaking(
        "major", "a table of functions that is found by its name grows in the middle, beside functions",
        old=f"int a(void);\n{_TABLE}",
        new="int a(void);\n"
        "typedef struct codec { int version; int (*open)(int); int (*seek)(int); int (*read)(int); } codec;",
        code=f"int a(void) {{ return 1; }}\n{_TABLE_CODE}",
        client=_CALLS_TABLE,
    ),
    breaking(
        "major", "what leads to a table of functions exchanges two members",
        old="int a(void);\nstruct ops { int (*get)(void); };\nstruct plug { const char *name; struct ops *ops; };",
        new="int a(void);\nstruct ops { int (*get)(void); };\nstruct plug { struct ops *ops; const char *name; };",
        code="int a(void) { return 1; } static struct ops ops = {a};"
        ' const struct plug plug_entry = {.name = "plug", .ops = &ops};',
        client='extern const struct plug plug_entry;\nint main(void) { puts(plug_entry.name); return 0; }',
    ),
    breaking(
        "major", "an array of functions moves in a table",
        old="int a(void);\nstruct disp { long n; int (*at[2])(void); };",
        new="int a(void);\nstruct disp { int (*at[2])(void); long n; };",
        code="int a(void) { return 1; } const struct disp disp_entry = {.n = 2, .at = {a, a}};",
        client='extern const struct disp disp_entry;\nint main(void) { printf("%ld\\n", disp_entry.n); return 0; }',
    ),
    harmless(
        "minor", "a sized table of functions that is found by its name grows at its end",
        old="typedef struct codec { uint32_t struct_size; int (*read)(int); } codec;",
        new="typedef struct codec { uint32_t struct_size; int (*read)(int); int (*seek)(int); } codec;",
        code="static int minus(int x) { return -x; } const codec codec_entry = {sizeof(codec), minus};",
        client=_CALLS_TABLE,
    ),
    breaking(
        "major", "an entry that is found by its name takes one more",
        old="typedef int (*start_fn)(int version);",
        new="typedef int (*start_fn)(const char *name, int version);",
        code="static int start(int version) { return version; } const void *const entry = start;",
        new_code="static int start(const char *name, int version) { return name != NULL && version < 0; }"
        " const void *const entry = start;",
        client=_CALLS_ENTRY,
        abidiff="the binary tells of a void pointer only",
    ),
    harmless(
        "patch", "a type of functions that is found by its name names its parameters",
        old="typedef int (*start_fn)(int);",
        new="/* The entry. */\ntypedef int (*start_fn)(int version);",
        code="static int start(int version) { return version; } const void *const entry = start;",
        client=_CALLS_ENTRY,
    ),
    harmless(
        "minor", "a type of functions is used by a new function",
        old="int a(void);\ntypedef int (*read_fn)(int);",
        new="int a(void);\ntypedef int (*read_fn)(int);\nint on(read_fn read);",
        code="int a(void) { return 1; } int on(int (*read)(int)) { return read(1); }",
        client='printf("%d\\n", a());',
    ),
    breaking(
        "major", "a header of types only exchanges two members",
        old="struct rgb { unsigned char r, g, b; };",
        new="struct rgb { unsigned char b, g, r; };",
        code="const struct rgb ink = {.r = 1, .g = 2, .b = 3};",
        client='extern const struct rgb ink;\nint main(void) { printf("%d\\n", ink.r); return 0; }',
    ),
    breaking(
        "major", "a header of types only loses one",
        old="struct rgb { int r; };\nstruct hsv { int h; };",
        new="struct rgb { int r; };",
        code="const int ink = 5;",
        client='extern const struct hsv ink;\nint main(void) { printf("%d\\n", ink.h); return 0; }',
        unshown="who declares what it is for declares it with another header",
        abidiff="nothing in the binary leads to the struct",
    ),
    harmless(
        "minor", "a header of types only gets one more",
        old="struct rgb { int r; };",
        new="struct rgb { int r; };\nstruct hsv { int h; };",
        code="const int ink = 5;",
        client='extern const struct rgb ink;\nint main(void) { printf("%d\\n", ink.r); return 0; }',
    ),
    breaking(
        "major", "a struct changes that only code in the header uses",
        old="const unsigned char *raw(void);\nstruct head { int16_t a, b; };\n"
        "static inline int second(void) { return ((const struct head *)raw())->b; }",
        new="const unsigned char *raw(void);\nstruct head { int16_t b, a; };\n"
        "static inline int second(void) { return ((const struct head *)raw())->b; }",
        code="const unsigned char *raw(void) { static const struct head h = {.a = 1, .b = 2};"
        " return (const unsigned char *)&h; }",
        client='printf("%d\\n", second());',
        abidiff="nothing in the binary leads to the struct",
    ),
    breaking(
        "major", "a struct changes that only a macro reaches into",
        old="const unsigned char *raw(void);\nstruct head { int16_t a, b; };\n#define B_AT offsetof(struct head, b)",
        new="const unsigned char *raw(void);\nstruct head { int16_t a, c, b; };\n#define B_AT offsetof(struct head, b)",
        code="const unsigned char *raw(void) { static const struct head h = {.a = 1, .b = 2};"
        " return (const unsigned char *)&h; }",
        client='printf("%d\\n", raw()[B_AT]);',
        abidiff="nothing in the binary leads to the struct",
    ),
)  # fmt: skip
