/* No fault: uses every service of the host. `add` logs, leases and allocates as its first argument says. */
#include "plain.h"

static int64_t use(void *self, int64_t what, int64_t b) {
    hotgraft_instance *instance = (hotgraft_instance *)self;
    const hotgraft_host *host = instance->host;
    switch (what) {
    case 0:
        host->log(host->ctx, HOTGRAFT_LOG_WARNING, "over there", 10);
        return 0;
    case 1:
        return (int64_t)host->lease(host->ctx, "call-back registered");
    case 2:
        host->unlease(host->ctx, (uint64_t)b);
        return 0;
    case 3:
        return (int64_t)(intptr_t)host->realloc(host->ctx, NULL, (uint64_t)b, 0);
    default:
        host->realloc(host->ctx, (void *)(intptr_t)b, 0, 0);
        return 0;
    }
}

static const plain_v1 functions = {sizeof(plain_v1), use, plain_calls};
static const void *get_interface(hotgraft_instance *instance, const char *id, void **self) {
    (void)id;
    *self = instance;
    return &functions;
}
static const hotgraft_plugin plugin = {PLAIN_TABLE, .get_interface = get_interface};
PLAIN_ENTRY(plugin)
