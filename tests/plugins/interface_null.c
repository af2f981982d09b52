/* C05: a function that the descriptor promises is NULL in the interface struct. */
#include "plain.h"

static const plain_v1 functions = {sizeof(plain_v1), plain_add, NULL};
static const void *get_interface(hotgraft_instance *instance, const char *id, void **self) {
    (void)id;
    *self = instance;
    return &functions;
}
static const hotgraft_plugin plugin = {PLAIN_TABLE, .get_interface = get_interface};
PLAIN_ENTRY(plugin)
