/* The caller of the nested measurements. */
#include "consumer.h"

#include <hotgraft/call.h>

#include <stdlib.h>
#include <string.h>

#include "../provider/provider.h"
#include "consumer_descriptor.h"

static hotgraft_import provider = HOTGRAFT_IMPORT("provider", "^1.0", 0);

struct hotgraft_instance {
    char nothing;
};
static hotgraft_instance the_instance;

static int64_t nested(void *self, int64_t rounds) {
    int64_t sum = 0;
    (void)self;
    for (int64_t i = 0; i < rounds; ++i) {
        hotgraft_guard guard;
        const hotgraft_table *table = hotgraft_enter(&provider, &guard);
        if (table == NULL) {
            abort();
        }
        sum += HOTGRAFT_INTERFACE(provider_v1, table)->add(table->self, i, 1);
        hotgraft_leave(&guard);
        __asm__ volatile("" ::: "memory");
    }
    return sum;
}

static int64_t nested_plain(void *self, int64_t rounds, const uint8_t *functions, uint8_t *target) {
    /* In memory and read anew for each call, as a hand-written plugin would hold it. */
    struct {
        const provider_v1 *functions;
        void *self;
    } volatile plain = {(const provider_v1 *)(const void *)functions, target};
    int64_t sum = 0;
    (void)self;
    for (int64_t i = 0; i < rounds; ++i) {
        sum += plain.functions->add(plain.self, i, 1);
        __asm__ volatile("" ::: "memory");
    }
    return sum;
}

static const consumer_v1 interface = {sizeof(consumer_v1), nested, nested_plain};

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
    return strcmp(id, "consumer/1") == 0 ? &interface : NULL;
}

static const hotgraft_plugin plugin = {
    .struct_size = sizeof(hotgraft_plugin),
    .abi_minor = HOTGRAFT_ABI_MINOR,
    .descriptor = hotgraft_descriptor,
    .descriptor_len = sizeof hotgraft_descriptor,
    .imports = &provider,
    .import_count = 1,
    .create = create,
    .destroy = destroy,
    .get_interface = get_interface,
};

HOTGRAFT_EXPORT const hotgraft_plugin *hotgraft_plugin_v1(uint32_t host_abi_minor) {
    (void)host_abi_minor;
    return &plugin;
}
