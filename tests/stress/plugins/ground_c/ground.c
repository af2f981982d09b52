/* The ground in C: a total that is handed over. */
#include "../ground.h"
#include "../ground_state.h"
#include "../roof.h"
#include "../stress_plugin.h"
#include "ground_descriptor.h"

#include <hotgraft/call.h>

#include <time.h>

static hotgraft_import roof = HOTGRAFT_IMPORT("roof", "^1.0", HOTGRAFT_IMPORT_OPTIONAL);

struct hotgraft_instance {
    const hotgraft_host *host;
    uint64_t serial;
    ground_state *state;
};

static uint64_t stamp(void *self) {
    return stress_answer(((const hotgraft_instance *)self)->serial);
}

static uint64_t back(void *self) {
    hotgraft_guard guard;
    const hotgraft_table *table = hotgraft_enter(&roof, &guard);
    uint64_t answer = 0;
    (void)self;
    if (table != NULL) {
        answer = HOTGRAFT_INTERFACE(roof_v1, table)->stamp(table->self);
        hotgraft_leave(&guard);
    }
    return answer;
}

static uint64_t total(void *self) {
    return __atomic_load_n(&((const hotgraft_instance *)self)->state->total, __ATOMIC_RELAXED);
}

static uint64_t add(void *self, uint64_t by) {
    __atomic_fetch_add(&((const hotgraft_instance *)self)->state->total, by, __ATOMIC_RELAXED);
    return stamp(self);
}

static uint64_t nap(void *self, uint32_t ms) {
    const struct timespec time = {ms / 1000, (long)(ms % 1000) * 1000000};
    nanosleep(&time, NULL);
    return stamp(self);
}

static const ground_v1 interface = {sizeof(ground_v1), stamp, back, total, add, nap};

static hotgraft_status surrender(hotgraft_instance *ground, void **block, uint64_t *bytes, hotgraft_error *error) {
    (void)error;
    *block = ground->state;
    *bytes = sizeof *ground->state;
    ground->state = NULL;
    return HOTGRAFT_OK;
}

static hotgraft_status take(hotgraft_instance *ground, void *block, uint64_t bytes, uint64_t layout_id,
                            hotgraft_error *error) {
    (void)error;
    if (layout_id != HOTGRAFT_LAYOUT_ID || bytes != sizeof *ground->state) {
        return HOTGRAFT_E_INVALID;
    }
    (void)ground->host->realloc(ground->host->ctx, ground->state, 0, 0);
    ground->state = block;
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
    hotgraft_instance *ground = calloc(1, sizeof *ground);
    ground_state *state = host->realloc(host->ctx, NULL, sizeof *state, 0);
    (void)error;
    if (ground == NULL || state == NULL) {
        free(ground);
        (void)host->realloc(host->ctx, state, 0, 0);
        return HOTGRAFT_E_NOMEM;
    }
    state->total = 0;
    *ground = (hotgraft_instance){host, stress_serial(config), state};
    *instance = ground;
    return HOTGRAFT_OK;
}

static void destroy(hotgraft_instance *ground) {
    *(volatile uint64_t *)&ground->serial = STRESS_DEAD;
    (void)ground->host->realloc(ground->host->ctx, ground->state, 0, 0);
    free(ground);
}

static const void *get_interface(hotgraft_instance *ground, const char *id, void **self) {
    *self = ground;
    return strcmp(id, "ground/1") == 0 ? &interface : NULL;
}

static const void *get_extension(const char *id) {
    return strcmp(id, HOTGRAFT_EXT_STATE) == 0 ? &state_extension : NULL;
}

static const hotgraft_plugin plugin = {
    .struct_size = sizeof(hotgraft_plugin),
    .abi_minor = HOTGRAFT_ABI_MINOR,
    .descriptor = hotgraft_descriptor,
    .descriptor_len = sizeof hotgraft_descriptor,
    .imports = &roof,
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
