/* D09: a call-back that somebody else still holds when the plugin is replaced; a lease says so. `calls` answers where
 * the call-back is, for who holds it: called with 0 it counts, with 1 it is given back. */
#include "plain.h"

static const hotgraft_host *host;
static uint64_t lease;
static int64_t fired;

static int64_t call_back(int64_t gives_back) {
    if (gives_back != 0) {
        host->unlease(host->ctx, lease);
    }
    return ++fired;
}

static int64_t where(void *self) {
    (void)self;
    return (int64_t)(uintptr_t)call_back;
}

static hotgraft_status start(hotgraft_instance *instance, hotgraft_error *error) {
    (void)error;
    host = instance->host;
    lease = host->lease(host->ctx, "call-back registered with the audio server");
    return lease == 0 ? HOTGRAFT_E_NOMEM : HOTGRAFT_OK;
}

static const plain_v1 functions = {sizeof(plain_v1), plain_add, where};
static const void *get_interface(hotgraft_instance *instance, const char *id, void **self) {
    (void)id;
    *self = instance;
    return &functions;
}
static const hotgraft_plugin plugin = {PLAIN_TABLE, .start = start, .get_interface = get_interface};
PLAIN_ENTRY(plugin)
