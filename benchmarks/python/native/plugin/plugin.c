/* The plugin whose calls are measured: no state, and the functions of ../work.c. */
#include "calls.h"

#include <string.h>

#include "../work.c"
#include "work_descriptor.h"

struct hotgraft_instance {
    char nothing;
};
static hotgraft_instance the_instance;
static const hotgraft_host *the_host;

static int64_t *made(void *self, int64_t a) {
    int64_t *one = the_host->realloc(the_host->ctx, NULL, sizeof *one, 0);
    (void)self;
    if (one != NULL) {
        *one = a;
    }
    return one;
}

static const calls_v1 interface = {
    sizeof(calls_v1), work_add,    work_gain, work_ping,    work_next,  work_pack, work_mix, work_lerp,   work_blend,
    work_six,         work_twenty, work_set,  work_amplify, work_label, work_rest, made,     work_window,
};

static hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config_json, hotgraft_instance **instance,
                              hotgraft_error *error) {
    the_host = host;
    (void)config_json;
    (void)error;
    *instance = &the_instance;
    return HOTGRAFT_OK;
}

static void destroy(hotgraft_instance *instance) {
    (void)instance;
}

static const void *get_interface(hotgraft_instance *instance, const char *id, void **self) {
    *self = instance;
    return strcmp(id, "calls/1") == 0 ? &interface : NULL;
}

static const hotgraft_plugin plugin = {
    .struct_size = sizeof(hotgraft_plugin),
    .abi_minor = HOTGRAFT_ABI_MINOR,
    .descriptor = hotgraft_descriptor,
    .descriptor_len = sizeof hotgraft_descriptor,
    .create = create,
    .destroy = destroy,
    .get_interface = get_interface,
};

HOTGRAFT_EXPORT const hotgraft_plugin *hotgraft_plugin_v1(uint32_t host_abi_minor) {
    (void)host_abi_minor;
    return &plugin;
}
