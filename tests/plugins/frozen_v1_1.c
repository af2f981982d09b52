/* A plugin of ABI 1.1, frozen on the day 1.1 was written: it saves a map and a blob in pieces. It must load, be
 * swapped and unload for ever.
 *
 * Never edit this file, and never let it include a header of ours: it stands for all plugins that are out there. The
 * declarations below are its own, written by hand from the documentation of ABI 1.1, and say what a binary of that day
 * says. If it no longer works, the host broke its word; the host is what must change.
 *
 * Build: cc -std=c11 -O2 -fPIC -shared -fvisibility=hidden -Wl,-z,now frozen_v1_1.c -o frozen.so
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* --- ABI 1.1, as it was --- */

typedef int32_t status_1_1;

struct error_1_1 {
    uint32_t struct_size;
    int32_t code;
    char domain[32];
    char message[472];
};

struct str_1_1 {
    const char *ptr;
    uint64_t len;
};

struct host_1_1 {
    uint32_t struct_size;
    uint32_t abi_minor;
    void *ctx;
    const void *(*get_extension)(void *ctx, const char *id);
    void (*log)(void *ctx, int32_t level, const char *text, uint64_t len);
    void *(*realloc)(void *ctx, void *pointer, uint64_t bytes, uint64_t align);
    const void *(*enter)(void *ctx, void *slot);
    const void *(*try_enter)(void *ctx, void *slot);
    void (*leave)(void *ctx, const void *table);
    uint64_t (*lease)(void *ctx, const char *why);
    void (*unlease)(void *ctx, uint64_t lease);
    uint32_t guard_protocol;
    uint32_t reserved;
};

struct key_1_1 {
    const char *text;
    uint64_t len;
    int64_t number;
};

struct item_1_1 {
    uint32_t struct_size;
    uint32_t type;
    struct key_1_1 key;
    int64_t number;
    double real;
    const void *data;
    uint64_t len;
};

struct sink_1_1 {
    uint32_t struct_size;
    uint32_t reserved;
    void *ctx;
    status_1_1 (*put)(void *ctx, const char *key, uint32_t type, const void *data, uint64_t len);
    status_1_1 (*add)(void *ctx, const struct key_1_1 *key, uint32_t type, const void *data, uint64_t len);
    status_1_1 (*open)(void *ctx, const struct key_1_1 *key, uint32_t type, uint64_t len);
    status_1_1 (*write)(void *ctx, const void *data, uint64_t len);
    status_1_1 (*close)(void *ctx);
};

struct source_1_1 {
    uint32_t struct_size;
    uint32_t reserved;
    void *ctx;
    status_1_1 (*get)(void *ctx, const char *key, uint32_t want, uint32_t *type, const void **data, uint64_t *len);
    const char *(*key_at)(void *ctx, uint64_t index);
    status_1_1 (*next)(void *ctx, struct item_1_1 *item);
    status_1_1 (*find)(void *ctx, const struct key_1_1 *key, struct item_1_1 *item);
    status_1_1 (*open)(void *ctx);
    status_1_1 (*read)(void *ctx, uint32_t type, void *numbers, uint64_t count);
    status_1_1 (*close)(void *ctx);
};

struct frozen; /* an instance */

struct ext_state_1_1 {
    uint32_t struct_size;
    uint32_t schema;
    uint64_t layout_id;
    status_1_1 (*save)(struct frozen *, const struct sink_1_1 *, struct error_1_1 *);
    status_1_1 (*restore)(struct frozen *, uint32_t schema, const struct source_1_1 *, struct error_1_1 *);
    status_1_1 (*take)(struct frozen *, void *block, uint64_t bytes, uint64_t layout_id, struct error_1_1 *);
    status_1_1 (*surrender)(struct frozen *, void **block, uint64_t *bytes, struct error_1_1 *);
};

struct plugin_1_1 {
    uint32_t struct_size;
    uint32_t abi_minor;
    const void *descriptor;
    uint64_t descriptor_len;
    void *imports;
    uint64_t import_count;
    status_1_1 (*create)(const struct host_1_1 *, const struct str_1_1 *config_json, struct frozen **,
                         struct error_1_1 *);
    status_1_1 (*start)(struct frozen *, struct error_1_1 *);
    status_1_1 (*quiesce)(struct frozen *, uint64_t budget_ns, struct error_1_1 *);
    status_1_1 (*resume)(struct frozen *, struct error_1_1 *);
    void (*destroy)(struct frozen *);
    const void *(*get_interface)(struct frozen *, const char *id, void **self);
    const void *(*get_extension)(const char *id);
};

/* --- the descriptor: an ELF note of type 1 by "hotgraft", its text JSON --- */

#define TEXT                                                                                                           \
    "{\"hotgraft\":1,\"name\":\"frozen\",\"version\":\"1.0.0\",\"abi\":[1,1],"                                         \
    "\"provides\":[{\"interface\":\"frozen\",\"version\":[1,0],\"struct\":\"frozen_v1\",\"bytes\":24,"                 \
    "\"functions\":[{\"name\":\"next\",\"offset\":8,\"since\":[1,0],\"blocking\":false,"                               \
    "\"idempotent\":false,\"returns\":{\"kind\":\"value\",\"type\":\"i64\",\"ownership\":null,"                        \
    "\"count\":null},\"parameters\":[]},{\"name\":\"sum\",\"offset\":16,\"since\":[1,0],"                              \
    "\"blocking\":false,\"idempotent\":false,\"returns\":{\"kind\":\"status\",\"type\":\"i32\","                       \
    "\"ownership\":null,\"count\":null},\"parameters\":[{\"name\":\"in\",\"type\":\"f64\",\"pointer\":1,"              \
    "\"direction\":\"in\",\"count\":\"n\",\"nullable\":false,\"const\":true},{\"name\":\"n\","                         \
    "\"type\":\"u64\",\"pointer\":0,\"direction\":null,\"count\":null,\"nullable\":false,"                             \
    "\"const\":false},{\"name\":\"out\",\"type\":\"f64\",\"pointer\":1,\"direction\":\"out\",\"count\":\"1\","         \
    "\"nullable\":false,\"const\":false}]}]}],\"requires\":[],\"structs\":{},"                                         \
    "\"state\":{\"kind\":\"single\",\"schema\":1,\"layout_id\":0,\"handover\":false,"                                  \
    "\"save\":true},\"config_schema\":{},\"pins\":\"wait\"}"

struct note {
    uint32_t name_bytes;
    uint32_t text_bytes;
    uint32_t type;
    char name[12];
    char text[sizeof TEXT - 1];
};

__attribute__((used, section(".note.hotgraft"), aligned(4))) static const struct note note = {
    9, sizeof TEXT - 1, 1, "hotgraft", TEXT,
};

/* --- the plugin: a number for each call, in a map, and bytes; they survive --- */

#define CALLS_MOST 256
#define BLOB_BYTES 5000u

struct frozen {
    int64_t calls;
    double seen[CALLS_MOST];
    unsigned char blob[BLOB_BYTES];
};

struct frozen_v1 {
    uint32_t struct_size;
    int64_t (*next)(void *self);
    status_1_1 (*sum)(void *self, const double *in, uint64_t n, double *out);
};

static int64_t next(void *self) {
    struct frozen *const frozen = self;
    frozen->seen[frozen->calls] = (double)frozen->calls / 2;
    memset(frozen->blob, (int)(frozen->calls + 1), BLOB_BYTES);
    return ++frozen->calls;
}

/* What it has seen, and no number if the blob is not what the last call made it. */
static status_1_1 sum(void *self, const double *in, uint64_t n, double *out) {
    const struct frozen *const frozen = self;
    *out = 0.0;
    for (uint64_t i = 0; i < n; i++) {
        *out += in[i];
    }
    for (int64_t i = 0; i < frozen->calls; i++) {
        *out += frozen->seen[i];
    }
    for (unsigned i = 0; i < BLOB_BYTES; i++) {
        if (frozen->blob[i] != (unsigned char)frozen->calls) {
            return -1;
        }
    }
    return 0;
}

static const struct frozen_v1 functions = {sizeof(struct frozen_v1), next, sum};

#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        const status_1_1 tried = (call);                                                                               \
        if (tried != 0) {                                                                                              \
            return tried;                                                                                              \
        }                                                                                                              \
    } while (0)

static const struct key_1_1 seen_key = {"seen", 4, 0};
static const struct key_1_1 blob_key = {"blob", 4, 0};

static status_1_1 save(struct frozen *frozen, const struct sink_1_1 *sink, struct error_1_1 *error) {
    (void)error;
    TRY(sink->put(sink->ctx, "calls", 1, &frozen->calls, 8));
    TRY(sink->open(sink->ctx, &seen_key, 8, 0));
    for (int64_t i = 0; i < frozen->calls; i++) {
        const struct key_1_1 key = {NULL, 0, i - 2};
        TRY(sink->open(sink->ctx, &key, 9, 0));
        TRY(sink->add(sink->ctx, NULL, 2, &frozen->seen[i], 8));
        TRY(sink->close(sink->ctx));
    }
    TRY(sink->close(sink->ctx));
    TRY(sink->open(sink->ctx, &blob_key, 4, BLOB_BYTES));
    TRY(sink->write(sink->ctx, frozen->blob, 1000));
    TRY(sink->write(sink->ctx, frozen->blob + 1000, BLOB_BYTES - 1000));
    return sink->close(sink->ctx);
}

static status_1_1 restore(struct frozen *frozen, uint32_t schema, const struct source_1_1 *source,
                          struct error_1_1 *error) {
    struct item_1_1 item = {.struct_size = sizeof item};
    const void *data = NULL;
    uint64_t bytes = 0;
    status_1_1 status = 0;
    (void)error;
    if (schema != 1) {
        return -4;
    }
    TRY(source->find(source->ctx, &blob_key, &item));
    if (item.type != 4 || item.len != BLOB_BYTES || (uintptr_t)item.data % 16 != 0) {
        return -3;
    }
    memcpy(frozen->blob, item.data, BLOB_BYTES);
    TRY(source->get(source->ctx, "calls", 1, NULL, &data, &bytes));
    frozen->calls = *(const int64_t *)data;
    TRY(source->find(source->ctx, &seen_key, &item));
    TRY(source->open(source->ctx));
    while ((status = source->next(source->ctx, &item)) == 0) {
        const int64_t at = item.key.number + 2;
        if (item.type != 9 || item.len != 1 || at < 0 || at >= CALLS_MOST) {
            return -3;
        }
        TRY(source->open(source->ctx));
        TRY(source->read(source->ctx, 2, &frozen->seen[at], 1));
        TRY(source->close(source->ctx));
    }
    TRY(source->close(source->ctx));
    return status == -2 ? 0 : status;
}

static const struct ext_state_1_1 state = {
    sizeof(struct ext_state_1_1), 1, 0, save, restore, NULL, NULL,
};

static status_1_1 create(const struct host_1_1 *host, const struct str_1_1 *config_json, struct frozen **instance,
                         struct error_1_1 *error) {
    struct frozen *const frozen = calloc(1, sizeof *frozen);
    (void)host;
    (void)config_json;
    (void)error;
    if (frozen == NULL) {
        return -6;
    }
    *instance = frozen;
    return 0;
}

static status_1_1 nothing(struct frozen *frozen, struct error_1_1 *error) {
    (void)frozen;
    (void)error;
    return 0;
}

static status_1_1 quiesce(struct frozen *frozen, uint64_t budget_ns, struct error_1_1 *error) {
    (void)budget_ns;
    return nothing(frozen, error);
}

static void destroy(struct frozen *frozen) {
    free(frozen);
}

static const void *get_interface(struct frozen *frozen, const char *id, void **self) {
    *self = frozen;
    return strcmp(id, "frozen/1") == 0 ? &functions : NULL;
}

static const void *get_extension(const char *id) {
    return strcmp(id, "hotgraft.state/1") == 0 ? &state : NULL;
}

static const struct plugin_1_1 plugin = {
    .struct_size = sizeof(struct plugin_1_1),
    .abi_minor = 1,
    .descriptor = note.text,
    .descriptor_len = sizeof note.text,
    .create = create,
    .start = nothing,
    .quiesce = quiesce,
    .resume = nothing,
    .destroy = destroy,
    .get_interface = get_interface,
    .get_extension = get_extension,
};

__attribute__((visibility("default"))) const struct plugin_1_1 *hotgraft_plugin_v1(uint32_t host_abi_minor);
const struct plugin_1_1 *hotgraft_plugin_v1(uint32_t host_abi_minor) {
    (void)host_abi_minor;
    return &plugin;
}
