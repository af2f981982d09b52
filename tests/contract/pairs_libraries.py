"""Small libraries as people write them, and the steps that they take from one release to the next."""

from __future__ import annotations

from typing import Final

from contract_pair import breaking, harmless

_STATUS: Final = """
typedef enum db_status { DB_OK = 0, DB_ERR_IO = -1, DB_ERR_FULL = -2 } db_status;
const char *db_strerror(int status);
typedef struct db db;
int db_open(const char *path, db **out);
void db_close(db *db);
"""
_STATUS_CODE: Final = """
struct db { int x; };
const char *db_strerror(int s) { return s == DB_OK ? "fine" : s == DB_ERR_IO ? "disk" : "other"; }
int db_open(const char *path, db **out) { static db d; *out = &d; return *path ? DB_OK : DB_ERR_IO; }
void db_close(db *db) { db->x = 0; }
"""
_IMAGE: Final = """
#define IMG_VERSION_STRING "2.4.1"
typedef struct img { uint32_t width, height, stride; uint8_t format; uint8_t *pixels; } img;
#define IMG_FLIP_X 0x1u
#define IMG_FLIP_Y 0x2u
int img_flip(img *image, unsigned flags);
"""
_IMAGE_CODE: Final = """
int img_flip(img *i, unsigned flags) {
    for (uint32_t y = 0; y < i->height; y++) i->pixels[y * i->stride] = (uint8_t)(flags & IMG_FLIP_Y ? 9 : 1);
    return (int)(i->width + i->height);
}
"""
_IMAGE_CLIENT: Final = (
    "uint8_t px[8] = {0}; img i = {2, 2, 4, 1, px}; "
    'int n = img_flip(&i, IMG_FLIP_Y); printf("%d %d %d\\n", n, px[0], px[4]);'
)
_LOG: Final = """
enum log_level { LOG_DEBUG, LOG_INFO, LOG_ERROR };
typedef void (*log_sink)(enum log_level level, const char *text, void *user);
void log_to(log_sink sink, void *user);
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
"""
_LOG_CODE: Final = """
#include <stdarg.h>
static log_sink to; static void *with;
void log_to(log_sink sink, void *user) { to = sink; with = user; }
void log_write(enum log_level l, const char *f, ...) {
    char b[64]; va_list v; va_start(v, f); vsnprintf(b, sizeof b, f, v); va_end(v); to(l, b, with);
}
"""
_LOG_CLIENT: Final = (
    'static void sink(enum log_level l, const char *t, void *u) { printf("%d %s %s\\n", l, t, (char *)u); }\n'
    'int main(void) { log_to(sink, "me"); log_write(LOG_ERROR, "n=%d", 5); return 0; }'
)
_EVENT: Final = """
enum ev_type { EV_KEY = 1, EV_MOUSE = 2 };
struct ev_key { int code; };
struct ev_mouse { int x, y; };
struct ev { enum ev_type type; union { struct ev_key key; struct ev_mouse mouse; char raw[32]; }; };
int ev_poll(struct ev *out);
"""
_EVENT_CODE: Final = (
    "int ev_poll(struct ev *out) { out->type = EV_MOUSE; out->mouse.x = 3; out->mouse.y = 4; return 1; }"
)
_EVENT_CLIENT: Final = (
    "struct { struct ev e; int after; } s = {.after = 77}; ev_poll(&s.e);"
    ' printf("%d %d %d\\n", s.e.type, s.e.mouse.y, s.after);'
)
_LIST: Final = """
struct link { struct link *next, *prev; };
struct list { struct link head; size_t count; };
#define LIST_ENTRY(link, type, member) ((type *)((char *)(link) - offsetof(type, member)))
static inline void list_init(struct list *l) { l->head.next = l->head.prev = &l->head; l->count = 0; }
void list_push(struct list *l, struct link *one);
"""
_LIST_CODE: Final = """
void list_push(struct list *l, struct link *one) {
    one->prev = l->head.prev; one->next = &l->head; l->head.prev->next = one; l->head.prev = one; l->count++;
}
"""
_LIST_CLIENT: Final = (
    "struct item { int v; struct link link; }; struct item a = {1}, b = {2}; struct list l; list_init(&l);"
    " list_push(&l, &a.link); list_push(&l, &b.link);"
    ' printf("%zu %d\\n", l.count, LIST_ENTRY(l.head.prev, struct item, link)->v);'
)
_CODEC: Final = """
#include <stddef.h>
typedef struct codec_opts {
    uint32_t struct_size;
    int level;
    void *(*alloc)(size_t n, void *user);
    void (*release)(void *p, void *user);
    void *user;
} codec_opts;
typedef struct codec codec;
codec *codec_new(const codec_opts *opts);
int codec_level(const codec *c);
void codec_free(codec *c);
"""
_CODEC_CODE: Final = """
struct codec { codec_opts o; };
codec *codec_new(const codec_opts *o) { codec *c = calloc(1, sizeof *c); memcpy(&c->o, o, 40); return c; }
int codec_level(const codec *c) { return c->o.level; }
void codec_free(codec *c) { free(c); }
"""
_CODEC_CLIENT: Final = (
    "struct { codec_opts o; int after; } s = {{sizeof(codec_opts), 7, NULL, NULL, NULL}, 77};"
    ' codec *c = codec_new(&s.o); printf("%d\\n", codec_level(c)); codec_free(c);'
)

PAIRS: Final = (
    harmless(
        "minor", "a database gets another error code, which is only passed as int",
        old=_STATUS, new=_STATUS.replace("DB_ERR_FULL = -2", "DB_ERR_FULL = -2, DB_ERR_BUSY = -3"),
        code=_STATUS_CODE,
        client='db *d; int s = db_open("x", &d); puts(db_strerror(s)); db_close(d);',
    ),
    breaking(
        "major", "a database gives its error codes other numbers",
        old=_STATUS, new=_STATUS.replace("DB_ERR_IO = -1, DB_ERR_FULL = -2", "DB_ERR_FULL = -1, DB_ERR_IO = -2"),
        code=_STATUS_CODE,
        client='puts(db_strerror(DB_ERR_IO));',
        abidiff="nothing in the binary leads to the enum",
    ),
    breaking(
        "major", "a database takes its path in another way",
        old=_STATUS, new=_STATUS.replace("const char *path, db", "const char *path, unsigned flags, db"),
        code=_STATUS_CODE,
        new_code=_STATUS_CODE.replace("const char *path, db **out", "const char *path, unsigned flags, db **out"),
        client='db *d = NULL; int s = db_open("x", &d); printf("%d %d\\n", s, d != NULL);',
    ),
    harmless(
        "minor", "an image library gets a flag and a function, and a newer version",
        old=_IMAGE,
        new=_IMAGE.replace("2.4.1", "2.5.0") + "#define IMG_ROTATE 0x4u\nint img_rotate(img *image, int degrees);\n",
        code=_IMAGE_CODE,
        new_code=_IMAGE_CODE + "int img_rotate(img *i, int d) { return i->width + d; }",
        client=_IMAGE_CLIENT,
    ),
    breaking(
        "major", "an image gets a color space",
        old=_IMAGE, new=_IMAGE.replace("uint8_t format;", "uint8_t format; uint32_t space;"),
        code=_IMAGE_CODE,
        client=_IMAGE_CLIENT,
    ),
    breaking(
        "major", "the stride of an image becomes 64 bits wide",
        old=_IMAGE, new=_IMAGE.replace("width, height, stride;", "width, height; uint64_t stride;"),
        code=_IMAGE_CODE,
        client=_IMAGE_CLIENT,
    ),
    breaking(
        "major", "the flags of an image library are renumbered",
        old=_IMAGE, new=_IMAGE.replace("0x1u", "0x4u").replace("0x2u", "0x8u"),
        code=_IMAGE_CODE,
        client=_IMAGE_CLIENT,
        abidiff="macros are not in the binary",
    ),
    harmless(
        "minor", "a log learns to flush",
        old=_LOG, new=_LOG + "void log_flush(void);\n",
        code=_LOG_CODE, new_code=_LOG_CODE + "void log_flush(void) { fflush(stdout); }",
        client=_LOG_CLIENT,
    ),
    breaking(
        "major", "a log passes a level that sinks do not know",
        old=_LOG, new=_LOG.replace("LOG_ERROR }", "LOG_ERROR, LOG_FATAL }"),
        code=_LOG_CODE, new_code=_LOG_CODE.replace("to(l, b", "to(l == LOG_ERROR ? LOG_FATAL : l, b"),
        client=_LOG_CLIENT,
        abidiff="it takes a value that is added to an enum for harmless",
    ),
    breaking(
        "major", "a log passes its sinks a category first",
        old=_LOG, new=_LOG.replace("(*log_sink)(enum", "(*log_sink)(const char *in, enum"),
        code=_LOG_CODE, new_code=_LOG_CODE.replace("to(l, b", 'to("all", l, b'),
        client=_LOG_CLIENT,
    ),
    breaking(
        "major", "an event gets a time stamp in front of its union",
        old=_EVENT, new=_EVENT.replace("type; union", "type; uint32_t time; union"),
        code=_EVENT_CODE,
        client=_EVENT_CLIENT,
    ),
    breaking(
        "major", "a new kind of event comes out",
        old=_EVENT,
        new=_EVENT.replace("EV_MOUSE = 2 }", "EV_MOUSE = 2, EV_TOUCH = 3 }")
        .replace("struct ev {", "struct ev_touch { float x, y; };\nstruct ev {")
        .replace("struct ev_mouse mouse; char", "struct ev_mouse mouse; struct ev_touch touch; char"),
        code=_EVENT_CODE,
        new_code="int ev_poll(struct ev *out) { out->type = EV_TOUCH; out->touch.x = 3; out->touch.y = 4; return 1; }",
        client=_EVENT_CLIENT,
        abidiff="it takes a value that is added to an enum, and a change inside a union of the same size, for harmless",
    ),
    breaking(
        "major", "an event's spare bytes become fewer",
        old=_EVENT, new=_EVENT.replace("raw[32]", "raw[24]"),
        code=_EVENT_CODE, new_code=_EVENT_CODE.replace("return 1", "memset(out + 1, 0, 4); return 1"),
        client="struct ev e[2]; memset(e, 7, sizeof e); ev_poll(e); ev_poll(e + 1); e[0].raw[28] = 1;"
        ' printf("%d %d\\n", e[0].raw[27], e[1].mouse.y);',
    ),
    breaking(
        "major", "a list counts in its links",
        old=_LIST, new=_LIST.replace("*next, *prev; }", "*next, *prev; size_t at; }"),
        code=_LIST_CODE, new_code=_LIST_CODE.replace("l->count++;", "one->at = l->count++;"),
        client=_LIST_CLIENT,
    ),
    harmless(
        "minor", "a list learns to count from an inline function",
        old=_LIST, new=_LIST + "static inline size_t list_count(const struct list *l) { return l->count; }\n",
        code=_LIST_CODE,
        client=_LIST_CLIENT,
    ),
    breaking(
        "major", "a list begins otherwise than its inline function did",
        old=_LIST, new=_LIST.replace("= &l->head; l->count = 0", "= NULL; l->count = 0"),
        code=_LIST_CODE,
        new_code="void list_push(struct list *l, struct link *one) { if (!l->head.next) l->head.prev = one;"
        " one->prev = NULL; one->next = l->head.next; l->head.next = one; l->count++; }",
        client=_LIST_CLIENT,
        abidiff="inline code is in the caller, not in the library",
    ),
    harmless(
        "minor", "the options of a codec grow at their end",
        old=_CODEC, new=_CODEC.replace("void *user;\n}", "void *user;\n    uint64_t limit;\n}"),
        code=_CODEC_CODE,
        new_code=_CODEC_CODE.replace("memcpy(&c->o, o, 40)", "memcpy(&c->o, o, o->struct_size)"),
        client=_CODEC_CLIENT,
    ),
    breaking(
        "major", "the options of a codec get a field beside the one it belongs to",
        old=_CODEC, new=_CODEC.replace("int level;", "int level;\n    int window;\n    int threads;"),
        code=_CODEC_CODE,
        new_code=_CODEC_CODE.replace("codec_free(codec *c) {", "codec_free(codec *c) { if (c->o.threads) abort();"),
        client="void *mine = malloc, *his = free; " + _CODEC_CLIENT.replace("NULL, NULL, NULL", "mine, his, NULL"),
    ),
    breaking(
        "major", "the allocator of a codec is told the alignment",
        old=_CODEC, new=_CODEC.replace("(size_t n, void *user)", "(size_t n, size_t align, void *user)"),
        code=_CODEC_CODE.replace("calloc(1, sizeof *c)", "o->alloc(sizeof *c, o->user)"),
        new_code=_CODEC_CODE.replace("calloc(1, sizeof *c)", "o->alloc(sizeof *c, 16, o->user)"),
        client='static void *mine(size_t n, void *user) { *(int *)user += 1; return malloc(n); }\n'
        "int main(void) { int calls = 0; codec_opts o = {sizeof o, 7, mine, NULL, &calls};"
        ' codec *c = codec_new(&o); printf("%d %d\\n", codec_level(c), calls); codec_free(c); return 0; }',
    ),
    harmless(
        "patch", "a header is put in order: groups, comments, other spelling, all of it at once",
        old=_CODEC + _LOG,
        new="/* Logging first. */\n" + _LOG.replace("void log_to(log_sink sink, void *user);", "extern void "
        "log_to(log_sink, void *);")
        + _CODEC.replace("    int level;", "    int32_t level; /* 1 to 9 */").replace("size_t n", "unsigned long size"),
        code=_CODEC_CODE + _LOG_CODE,
        client=_CODEC_CLIENT,
    ),
)  # fmt: skip
