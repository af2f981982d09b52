/* The smallest plugin: one function, nothing to remember. Copy this folder to begin your own. */
#include "template.h"
#include "template_descriptor.h"

#include <string.h>

/* There is nothing to keep, yet an instance must be something: its address is all that is used. */
struct hotgraft_instance {
    char nothing;
};
static hotgraft_instance the_instance;

static int64_t add(void *self, int64_t a, int64_t b) {
    (void)self;
    if (b > 0 && a > INT64_MAX - b) {
        return INT64_MAX;
    }
    if (b < 0 && a < INT64_MIN - b) {
        return INT64_MIN;
    }
    return a + b;
}

static int64_t larger(void *self, int64_t a, int64_t b) {
    (void)self;
    return a > b ? a : b;
}

static const template_v1 interface = {sizeof(template_v1), add, larger};

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
    return strcmp(id, "template/1") == 0 ? &interface : NULL;
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

const hotgraft_plugin *hotgraft_plugin_v1(uint32_t host_abi_minor) {
    (void)host_abi_minor; /* nothing here needs more than minor 0 */
    return &plugin;
}
