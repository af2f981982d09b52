/* E12: calls a function that nobody defines. */
#include "plain.h"

int nobody_defines_this(void);
static int64_t add(void *self, int64_t a, int64_t b) {
    (void)self;
    return a + b + nobody_defines_this();
}

static const plain_v1 functions = {sizeof(plain_v1), add, plain_calls};
static const void *get_interface(hotgraft_instance *instance, const char *id, void **self) {
    (void)id;
    *self = instance;
    return &functions;
}
static const hotgraft_plugin plugin = {PLAIN_TABLE, .get_interface = get_interface};
PLAIN_ENTRY(plugin)
