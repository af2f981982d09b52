/* A plugin that calls another one through call.h: what the host's tests bind imports with. */
#include <hotgraft/call.h>
#include <hotgraft/hotgraft.h>

#include <stdlib.h>
#include <string.h>

#include "counter_descriptor.h"

typedef struct counter_v1 {
    uint32_t struct_size;
    int64_t (*add)(void *self, int64_t by);
} counter_v1;

typedef struct caller_v1 {
    uint32_t struct_size;
    int64_t (*add_there)(void *self, int64_t by);
} caller_v1;

struct hotgraft_instance {
    int unused;
};

#ifdef CALLER_OPTIONAL
static hotgraft_import counter = HOTGRAFT_IMPORT("counter", "^1.0", HOTGRAFT_IMPORT_OPTIONAL);
#else
static hotgraft_import counter = HOTGRAFT_IMPORT("counter", "^1.0", 0);
#endif

static int64_t add_there(void *self, int64_t by) {
    hotgraft_guard guard;
    const hotgraft_table *table = hotgraft_enter(&counter, &guard);
    int64_t answer = -1;
    (void)self;
    if (table != NULL) {
        answer = HOTGRAFT_INTERFACE(counter_v1, table)->add(table->self, by);
        hotgraft_leave(&guard);
    }
    return answer;
}

static const caller_v1 functions = {sizeof(caller_v1), add_there};

static hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config, hotgraft_instance **out,
                              hotgraft_error *error) {
    (void)host;
    (void)config;
    (void)error;
    *out = calloc(1, sizeof **out);
    return *out == NULL ? HOTGRAFT_E_NOMEM : HOTGRAFT_OK;
}

static void destroy(hotgraft_instance *instance) {
    free(instance);
}

static const void *get_interface(hotgraft_instance *instance, const char *id, void **self) {
    *self = instance;
    return strcmp(id, "caller/1") == 0 ? &functions : NULL;
}

static const hotgraft_plugin plugin = {
    .struct_size = sizeof(hotgraft_plugin),
    .abi_minor = HOTGRAFT_ABI_MINOR,
    .descriptor = counter_descriptor,
    .descriptor_len = sizeof counter_descriptor_note.text,
    .imports = &counter,
    .import_count = 1,
    .create = create,
    .destroy = destroy,
    .get_interface = get_interface,
};

const hotgraft_plugin *hotgraft_plugin_v1(uint32_t host_abi_minor) {
    (void)host_abi_minor;
    return &plugin;
}
