/* A plugin that calls another one by guard protocol 1, frozen on the day protocol 2 came. It must call, through every
 * swap of what it calls, for ever; it counts in no meter, for it knows of none.
 *
 * Never edit this file, and never let it include a header of ours (the one below is the test's own, with a descriptor):
 * it stands for all plugins with the guard of that day inlined. If it no longer works, the host broke its word.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "counter_descriptor.h"

/* --- ABI 1.0 and guard protocol 1, as they were --- */

struct table_1 {
    uint32_t struct_size;
    uint32_t version;
    uint64_t generation;
    void *self;
    uint32_t meter;
    uint32_t reserved;
};

struct slot_1 {
    const struct table_1 *volatile current;
    const struct table_1 *volatile check;
};

struct record_1 {
    volatile uint32_t depth;
    volatile uint32_t limit;
    const struct table_1 *volatile entry[15];
};

struct host_1 {
    uint32_t struct_size;
    uint32_t abi_minor;
    void *ctx;
    const void *(*get_extension)(void *ctx, const char *id);
    void (*log)(void *ctx, int32_t level, const char *text, uint64_t len);
    void *(*realloc)(void *ctx, void *pointer, uint64_t bytes, uint64_t align);
    const struct table_1 *(*enter)(void *ctx, struct slot_1 *slot);
    const struct table_1 *(*try_enter)(void *ctx, struct slot_1 *slot);
    void (*leave)(void *ctx, const struct table_1 *table);
    uint64_t (*lease)(void *ctx, const char *why);
    void (*unlease)(void *ctx, uint64_t lease);
    uint32_t guard_protocol;
    uint32_t reserved;
};

struct import_1 {
    uint32_t struct_size;
    uint32_t flags;
    const char *id;
    const char *range;
    uint64_t guard_protocol;
    struct slot_1 *slot;
    int64_t record_offset;
    const struct host_1 *host;
};

struct frozen {
    int unused;
};

struct plugin_1 {
    uint32_t struct_size;
    uint32_t abi_minor;
    const void *descriptor;
    uint64_t descriptor_len;
    struct import_1 *imports;
    uint64_t import_count;
    int32_t (*create)(const struct host_1 *, const void *config_json, struct frozen **, void *error);
    int32_t (*start)(struct frozen *, void *error);
    int32_t (*quiesce)(struct frozen *, uint64_t budget_ns, void *error);
    int32_t (*resume)(struct frozen *, void *error);
    void (*destroy)(struct frozen *);
    const void *(*get_interface)(struct frozen *, const char *id, void **self);
    const void *(*get_extension)(const char *id);
};

static struct import_1 counter = {sizeof(struct import_1), 0, "counter", "^1.0", 1, 0, 0, 0};

static struct record_1 *own_record(void) {
    struct record_1 *record;
    __asm__ volatile("movq %%fs:(%1), %0" : "=r"(record) : "r"(counter.record_offset));
    return record;
}

/* The announcement comes first, then the look; x86 keeps stores in order and loads in order, the compiler must too. */
static const struct table_1 *enter(struct record_1 **record, uint32_t *depth) {
    *record = own_record();
    *depth = (*record)->depth;
    if (*depth < (*record)->limit) {
        const struct table_1 *const table = counter.slot->current;
        (*record)->depth = *depth + 1;
        (*record)->entry[*depth] = table;
        __asm__ volatile("" : : : "memory");
        if (counter.slot->check == table) {
            return table;
        }
        (*record)->entry[*depth] = 0;
        (*record)->depth = *depth;
    }
    const struct table_1 *const table = counter.host->enter(counter.host->ctx, counter.slot);
    *record = own_record();
    *depth = (*record)->depth - 1;
    return table;
}

/* --- the plugin --- */

struct counter_v1 {
    uint32_t struct_size;
    int64_t (*add)(void *self, int64_t by);
};

struct caller_v1 {
    uint32_t struct_size;
    int64_t (*add_there)(void *self, int64_t by);
};

static int64_t add_there(void *self, int64_t by) {
    struct record_1 *record;
    uint32_t depth;
    const struct table_1 *const table = enter(&record, &depth);
    (void)self;
    if (table == 0) {
        return -1;
    }
    const int64_t answer = ((const struct counter_v1 *)(const void *)(table + 1))->add(table->self, by);
    __asm__ volatile("" : : : "memory");
    record->entry[depth] = 0;
    record->depth = depth;
    return answer;
}

static const struct caller_v1 functions = {sizeof(struct caller_v1), add_there};
static struct frozen the_instance;

static int32_t create(const struct host_1 *host, const void *config_json, struct frozen **instance, void *error) {
    (void)config_json;
    (void)error;
    *instance = &the_instance;
    return host->guard_protocol >= 1 ? 0 : -1;
}

static void destroy(struct frozen *instance) {
    (void)instance;
}

static const void *get_interface(struct frozen *instance, const char *id, void **self) {
    *self = instance;
    return strcmp(id, "caller/1") == 0 ? &functions : NULL;
}

static const struct plugin_1 plugin = {
    .struct_size = sizeof(struct plugin_1),
    .abi_minor = 0,
    .descriptor = counter_descriptor,
    .descriptor_len = sizeof counter_descriptor,
    .imports = &counter,
    .import_count = 1,
    .create = create,
    .destroy = destroy,
    .get_interface = get_interface,
};

__attribute__((visibility("default"))) const struct plugin_1 *hotgraft_plugin_v1(uint32_t host_abi_minor);
const struct plugin_1 *hotgraft_plugin_v1(uint32_t host_abi_minor) {
    (void)host_abi_minor;
    return &plugin;
}
