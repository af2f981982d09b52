/* The leaf in C: nothing to carry over. */
#include "../leaf.h"
#include "../stress_plugin.h"
#include "leaf_descriptor.h"

struct hotgraft_instance {
    uint64_t serial;
};

static uint64_t stamp(void *self) {
    return stress_answer(((const hotgraft_instance *)self)->serial);
}

static const leaf_v1 interface = {sizeof(leaf_v1), stamp};

static hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config, hotgraft_instance **instance,
                              hotgraft_error *error) {
    hotgraft_instance *leaf = malloc(sizeof *leaf);
    (void)host;
    (void)error;
    if (leaf == NULL) {
        return HOTGRAFT_E_NOMEM;
    }
    leaf->serial = stress_serial(config);
    *instance = leaf;
    return HOTGRAFT_OK;
}

static void destroy(hotgraft_instance *leaf) {
    *(volatile uint64_t *)&leaf->serial = STRESS_DEAD;
    free(leaf);
}

static const void *get_interface(hotgraft_instance *leaf, const char *id, void **self) {
    *self = leaf;
    return strcmp(id, "leaf/1") == 0 ? &interface : NULL;
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
    (void)host_abi_minor;
    return &plugin;
}
