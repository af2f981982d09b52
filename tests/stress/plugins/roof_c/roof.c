/* The roof in C: calls the ground, which calls it back. */
#include "../roof.h"
#include "../ground.h"
#include "../roof_state.h"
#include "../stress_plugin.h"
#include "roof_descriptor.h"

#include <hotgraft/call.h>

static hotgraft_import ground = HOTGRAFT_IMPORT("ground", "^1.0", 0);

struct hotgraft_instance {
    const hotgraft_host *host;
    uint64_t serial;
    roof_state *state;
};

static uint64_t stamp(void *self) {
    return stress_answer(((const hotgraft_instance *)self)->serial);
}

static uint64_t below(void *self) {
    const uint64_t before = stamp(self);
    hotgraft_guard guard;
    const hotgraft_table *table = hotgraft_enter(&ground, &guard);
    uint64_t answer = 0;
    if (table != NULL) {
        answer = HOTGRAFT_INTERFACE(ground_v1, table)->stamp(table->self);
        hotgraft_leave(&guard);
    }
    return stamp(self) == before ? answer : 0;
}

static uint64_t around(void *self) {
    const uint64_t own = stamp(self);
    hotgraft_guard guard;
    const hotgraft_table *table = hotgraft_enter(&ground, &guard);
    uint64_t answer = 0;
    if (table != NULL) {
        answer = HOTGRAFT_INTERFACE(ground_v1, table)->back(table->self);
        hotgraft_leave(&guard);
    }
    return answer == own ? answer : 0;
}

static const roof_v1 interface = {sizeof(roof_v1), stamp, below, around};

static hotgraft_status surrender(hotgraft_instance *roof, void **block, uint64_t *bytes, hotgraft_error *error) {
    (void)error;
    *block = roof->state;
    *bytes = sizeof *roof->state;
    roof->state = NULL;
    return HOTGRAFT_OK;
}

static hotgraft_status take(hotgraft_instance *roof, void *block, uint64_t bytes, uint64_t layout_id,
                            hotgraft_error *error) {
    (void)error;
    if (layout_id != HOTGRAFT_LAYOUT_ID || bytes != sizeof *roof->state) {
        return HOTGRAFT_E_INVALID;
    }
    (void)roof->host->realloc(roof->host->ctx, roof->state, 0, 0);
    roof->state = block;
    return HOTGRAFT_OK;
}

static const hotgraft_ext_state state_extension = {
    .struct_size = sizeof(hotgraft_ext_state),
    .schema = 1,
    .layout_id = HOTGRAFT_LAYOUT_ID,
    .take = take,
    .surrender = surrender,
};

static hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config, hotgraft_instance **instance,
                              hotgraft_error *error) {
    hotgraft_instance *roof = calloc(1, sizeof *roof);
    roof_state *state = host->realloc(host->ctx, NULL, sizeof *state, 0);
    (void)error;
    if (roof == NULL || state == NULL) {
        free(roof);
        (void)host->realloc(host->ctx, state, 0, 0);
        return HOTGRAFT_E_NOMEM;
    }
    state->tiles = 0;
    *roof = (hotgraft_instance){host, stress_serial(config), state};
    *instance = roof;
    return HOTGRAFT_OK;
}

static void destroy(hotgraft_instance *roof) {
    *(volatile uint64_t *)&roof->serial = STRESS_DEAD;
    (void)roof->host->realloc(roof->host->ctx, roof->state, 0, 0);
    free(roof);
}

static const void *get_interface(hotgraft_instance *roof, const char *id, void **self) {
    *self = roof;
    return strcmp(id, "roof/1") == 0 ? &interface : NULL;
}

static const void *get_extension(const char *id) {
    return strcmp(id, HOTGRAFT_EXT_STATE) == 0 ? &state_extension : NULL;
}

static const hotgraft_plugin plugin = {
    .struct_size = sizeof(hotgraft_plugin),
    .abi_minor = HOTGRAFT_ABI_MINOR,
    .descriptor = hotgraft_descriptor,
    .descriptor_len = sizeof hotgraft_descriptor,
    .imports = &ground,
    .import_count = 1,
    .create = create,
    .destroy = destroy,
    .get_interface = get_interface,
    .get_extension = get_extension,
};

const hotgraft_plugin *hotgraft_plugin_v1(uint32_t host_abi_minor) {
    (void)host_abi_minor;
    return &plugin;
}
