/* A plugin of ABI 1.0, frozen on the day 1.0 was written. It must load, be swapped and unload for ever.
 *
 * Never edit this file, and never let it include a header of ours: it stands for all plugins that are out there. The
 * declarations below are its own, written by hand from the documentation of ABI 1.0, and say what a binary of that day
 * says. If it no longer works, the host broke its word; the host is what must change.
 *
 * Build: cc -std=c11 -O2 -fPIC -shared -fvisibility=hidden -Wl,-z,now frozen_v1.c -o frozen.so
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* --- ABI 1.0, as it was --- */

typedef int32_t status_1_0;

struct error_1_0 {
    uint32_t struct_size;
    int32_t code;
    char domain[32];
    char message[472];
};

struct str_1_0 {
    const char *ptr;
    uint64_t len;
};

struct host_1_0 {
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

struct sink_1_0 {
    uint32_t struct_size;
    uint32_t reserved;
    void *ctx;
    status_1_0 (*put)(void *ctx, const char *key, uint32_t type, const void *data, uint64_t len);
};

struct source_1_0 {
    uint32_t struct_size;
    uint32_t reserved;
    void *ctx;
    status_1_0 (*get)(void *ctx, const char *key, uint32_t want, uint32_t *type, const void **data, uint64_t *len);
    const char *(*key_at)(void *ctx, uint64_t index);
};

struct frozen; /* an instance */

struct ext_state_1_0 {
    uint32_t struct_size;
    uint32_t schema;
    uint64_t layout_id;
    status_1_0 (*save)(struct frozen *, const struct sink_1_0 *, struct error_1_0 *);
    status_1_0 (*restore)(struct frozen *, uint32_t schema, const struct source_1_0 *, struct error_1_0 *);
    status_1_0 (*take)(struct frozen *, void *block, uint64_t bytes, uint64_t layout_id, struct error_1_0 *);
    status_1_0 (*surrender)(struct frozen *, void **block, uint64_t *bytes, struct error_1_0 *);
};

struct plugin_1_0 {
    uint32_t struct_size;
    uint32_t abi_minor;
    const void *descriptor;
    uint64_t descriptor_len;
    void *imports;
    uint64_t import_count;
    status_1_0 (*create)(const struct host_1_0 *, const struct str_1_0 *config_json, struct frozen **,
                         struct error_1_0 *);
    status_1_0 (*start)(struct frozen *, struct error_1_0 *);
    status_1_0 (*quiesce)(struct frozen *, uint64_t budget_ns, struct error_1_0 *);
    status_1_0 (*resume)(struct frozen *, struct error_1_0 *);
    void (*destroy)(struct frozen *);
    const void *(*get_interface)(struct frozen *, const char *id, void **self);
    const void *(*get_extension)(const char *id);
};

/* --- the descriptor: an ELF note of type 1 by "hotgraft", its text JSON --- */

#define LAYOUT_ID UINT64_C(7234017283807667201)
#define TEXT                                                                                                           \
    "{\"hotgraft\":1,\"name\":\"frozen\",\"version\":\"1.0.0\",\"abi\":[1,0],"                                         \
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
    "\"state\":{\"kind\":\"single\",\"schema\":1,\"layout_id\":7234017283807667201,\"handover\":true,"                 \
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

/* --- the plugin: a number that counts, and survives --- */

struct frozen {
    const struct host_1_0 *host;
    int64_t *number;
};

struct frozen_v1 {
    uint32_t struct_size;
    int64_t (*next)(void *self);
    status_1_0 (*sum)(void *self, const double *in, uint64_t n, double *out);
};

static int64_t next(void *self) {
    return ++*((struct frozen *)self)->number;
}

static status_1_0 sum(void *self, const double *in, uint64_t n, double *out) {
    (void)self;
    *out = 0.0;
    for (uint64_t i = 0; i < n; i++) {
        *out += in[i];
    }
    return 0;
}

static const struct frozen_v1 functions = {sizeof(struct frozen_v1), next, sum};

static status_1_0 save(struct frozen *frozen, const struct sink_1_0 *sink, struct error_1_0 *error) {
    (void)error;
    return sink->put(sink->ctx, "number", 1, frozen->number, sizeof *frozen->number);
}

static status_1_0 restore(struct frozen *frozen, uint32_t schema, const struct source_1_0 *source,
                          struct error_1_0 *error) {
    const void *data = NULL;
    uint64_t bytes = 0;
    (void)error;
    if (schema != 1) {
        return -4;
    }
    const status_1_0 status = source->get(source->ctx, "number", 1, NULL, &data, &bytes);
    if (status == 0) {
        *frozen->number = *(const int64_t *)data;
    }
    return status == -2 ? 0 : status;
}

static status_1_0 take(struct frozen *frozen, void *block, uint64_t bytes, uint64_t layout_id,
                       struct error_1_0 *error) {
    (void)error;
    if (bytes != sizeof *frozen->number || layout_id != LAYOUT_ID) {
        return -3;
    }
    (void)frozen->host->realloc(frozen->host->ctx, frozen->number, 0, 0);
    frozen->number = block;
    return 0;
}

static status_1_0 surrender(struct frozen *frozen, void **block, uint64_t *bytes, struct error_1_0 *error) {
    (void)error;
    *block = frozen->number;
    *bytes = sizeof *frozen->number;
    frozen->number = NULL;
    return 0;
}

static const struct ext_state_1_0 state = {
    sizeof(struct ext_state_1_0), 1, LAYOUT_ID, save, restore, take, surrender,
};

static status_1_0 create(const struct host_1_0 *host, const struct str_1_0 *config_json, struct frozen **instance,
                         struct error_1_0 *error) {
    struct frozen *frozen = malloc(sizeof *frozen);
    (void)config_json;
    (void)error;
    if (frozen == NULL) {
        return -6;
    }
    frozen->host = host;
    frozen->number = host->realloc(host->ctx, NULL, sizeof *frozen->number, 0);
    if (frozen->number == NULL) {
        free(frozen);
        return -6;
    }
    *frozen->number = 0;
    *instance = frozen;
    return 0;
}

static status_1_0 nothing(struct frozen *frozen, struct error_1_0 *error) {
    (void)frozen;
    (void)error;
    return 0;
}

static status_1_0 quiesce(struct frozen *frozen, uint64_t budget_ns, struct error_1_0 *error) {
    (void)budget_ns;
    return nothing(frozen, error);
}

static void destroy(struct frozen *frozen) {
    (void)frozen->host->realloc(frozen->host->ctx, frozen->number, 0, 0);
    free(frozen);
}

static const void *get_interface(struct frozen *frozen, const char *id, void **self) {
    *self = frozen;
    return strcmp(id, "frozen/1") == 0 ? &functions : NULL;
}

static const void *get_extension(const char *id) {
    return strcmp(id, "hotgraft.state/1") == 0 ? &state : NULL;
}

static const struct plugin_1_0 plugin = {
    .struct_size = sizeof(struct plugin_1_0),
    .abi_minor = 0,
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

__attribute__((visibility("default"))) const struct plugin_1_0 *hotgraft_plugin_v1(uint32_t host_abi_minor);
const struct plugin_1_0 *hotgraft_plugin_v1(uint32_t host_abi_minor) {
    (void)host_abi_minor;
    return &plugin;
}
