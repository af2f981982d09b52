/* No fault: one import that must be bound, one that need not. */
#include "plain.h"

#include <hotgraft/call.h>

static hotgraft_import imports[2] = {HOTGRAFT_IMPORT("codec", "^1.2", 0),
                                     HOTGRAFT_IMPORT("cache", ">=1", HOTGRAFT_IMPORT_OPTIONAL)};

static int64_t ask(void *self, int64_t which, int64_t b) {
    hotgraft_guard guard;
    const hotgraft_table *table = hotgraft_enter(&imports[which], &guard);
    (void)self;
    (void)b;
    if (table == NULL) {
        return -1;
    }
    hotgraft_leave(&guard);
    return (int64_t)table->generation;
}

static const plain_v1 functions = {sizeof(plain_v1), ask, plain_calls};
static const void *get_interface(hotgraft_instance *instance, const char *id, void **self) {
    (void)id;
    *self = instance;
    return &functions;
}
static const hotgraft_plugin plugin = {PLAIN_TABLE, .get_interface = get_interface, .imports = imports,
                                       .import_count = 2};
PLAIN_ENTRY(plugin)
