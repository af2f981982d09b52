/* The callee of the measurements: no state. */
#include "provider.h"

#include <string.h>

#include "provider_descriptor.h"

struct hotgraft_instance {
    char nothing;
};
static hotgraft_instance the_instance;

static int64_t add(void *self, int64_t a, int64_t b) {
    (void)self;
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* A chain of multiplications that no processor can shorten: about 4 cycles each. */
static int64_t work(void *self, int64_t seed) {
    uint64_t x = (uint64_t)seed;
    (void)self;
    for (int i = 0; i < 16; ++i) {
        x = x * UINT64_C(6364136223846793005) + 1;
    }
    return (int64_t)x;
}

static const provider_v1 interface = {sizeof(provider_v1), add, work};

static hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config_json, hotgraft_instance **instance,
                              hotgraft_error *error) {
    (void)host;
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
    return strcmp(id, "provider/1") == 0 ? &interface : NULL;
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
