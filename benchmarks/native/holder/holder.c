/* State of any size, handed over. The config is {"bytes": N}. A candidate makes no block of its own: it waits for the
 * old one's, so that what is measured is the hand over and not an allocation. */
#include "holder.h"

#include <stdlib.h>
#include <string.h>

#include "holder_descriptor.h"

#define PAGE_BYTES 4096

struct hotgraft_instance {
    const hotgraft_host *host;
    void *block;
    uint64_t bytes;
};

static uint64_t address(void *self) {
    return (uint64_t)(uintptr_t)((hotgraft_instance *)self)->block;
}

static const holder_v1 interface = {sizeof(holder_v1), address};

static hotgraft_status surrender(hotgraft_instance *holder, void **block, uint64_t *bytes, hotgraft_error *error) {
    (void)error;
    *block = holder->block;
    *bytes = holder->bytes;
    holder->block = NULL;
    return HOTGRAFT_OK;
}

static hotgraft_status take(hotgraft_instance *holder, void *block, uint64_t bytes, uint64_t layout_id,
                            hotgraft_error *error) {
    (void)error;
    (void)layout_id;
    holder->block = block;
    holder->bytes = bytes;
    return HOTGRAFT_OK;
}

static const hotgraft_ext_state state_extension = {
    .struct_size = sizeof(hotgraft_ext_state),
    .schema = 1,
    .layout_id = HOTGRAFT_LAYOUT_ID,
    .take = take,
    .surrender = surrender,
};

static hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config_json, hotgraft_instance **instance,
                              hotgraft_error *error) {
    hotgraft_instance *holder = calloc(1, sizeof *holder);
    (void)error;
    if (holder == NULL) {
        return HOTGRAFT_E_NOMEM;
    }
    holder->host = host;
    if (config_json->len > sizeof "{\"bytes\":") {
        holder->bytes = strtoull(config_json->ptr + sizeof "{\"bytes\":" - 1, NULL, 10);
        holder->block = host->realloc(host->ctx, NULL, holder->bytes, PAGE_BYTES); /* pages of its own: see swaps.c */
    }
    *instance = holder;
    return HOTGRAFT_OK;
}

static void destroy(hotgraft_instance *holder) {
    (void)holder->host->realloc(holder->host->ctx, holder->block, 0, 0);
    free(holder);
}

static const void *get_interface(hotgraft_instance *instance, const char *id, void **self) {
    *self = instance;
    return strcmp(id, "holder/1") == 0 ? &interface : NULL;
}

static const void *get_extension(const char *id) {
    return strcmp(id, HOTGRAFT_EXT_STATE) == 0 ? &state_extension : NULL;
}

static const hotgraft_plugin plugin = {
    .struct_size = sizeof(hotgraft_plugin),
    .abi_minor = HOTGRAFT_ABI_MINOR,
    .descriptor = hotgraft_descriptor,
    .descriptor_len = sizeof hotgraft_descriptor,
    .create = create,
    .destroy = destroy,
    .get_interface = get_interface,
    .get_extension = get_extension,
};

HOTGRAFT_EXPORT const hotgraft_plugin *hotgraft_plugin_v1(uint32_t host_abi_minor) {
    (void)host_abi_minor;
    return &plugin;
}
