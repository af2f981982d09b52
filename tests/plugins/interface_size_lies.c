/* C03: the interface struct says it is larger than the library. */
#include "plain.h"

static const plain_v1 functions = {1u << 24, plain_add, plain_calls};
static const void *get_interface(hotgraft_instance *instance, const char *id, void **self) {
    (void)id;
    *self = instance;
    return &functions;
}
static const hotgraft_plugin plugin = {PLAIN_TABLE, .get_interface = get_interface};
PLAIN_ENTRY(plugin)
