/* quiesce always answers "again": the instance must never be destroyed. */
#include "plain.h"

HOTGRAFT_EXPORT int destroyed;
static int may_rest;

static hotgraft_status quiesce(hotgraft_instance *instance, uint64_t budget_ns, hotgraft_error *error) {
    (void)instance;
    (void)budget_ns;
    (void)error;
    return may_rest ? HOTGRAFT_OK : HOTGRAFT_AGAIN;
}

static void destroy(hotgraft_instance *instance) {
    destroyed = 1;
    plain_destroy(instance);
}

HOTGRAFT_EXPORT void let_rest(void);
void let_rest(void) {
    may_rest = 1;
}

static const hotgraft_plugin plugin = {PLAIN_TABLE, .quiesce = quiesce, .destroy = destroy};
PLAIN_ENTRY(plugin)
