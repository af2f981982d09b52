/* One number that must survive every new build.
 *
 * It lies in memory of the host's, not in this library: when a new build replaces this one, surrender gives the block
 * away and the new build's take adopts it. No byte is copied, and the next call counts on from where this one stopped.
 */
#include "counter.h"
#include "counter_descriptor.h"
#include "counter_state.h"

#include <stdlib.h>
#include <string.h>

/* What step a build counts in. */
#define STEP 1

struct hotgraft_instance {
    const hotgraft_host *host;
    counter_state *state;
};

/* --- the interface: callers, on any thread and several at once --- */

static int64_t next(void *self) {
    const hotgraft_instance *counter = self;
    return __atomic_add_fetch(&counter->state->number, STEP, __ATOMIC_RELAXED); /* only the number itself is shared */
}

static int64_t value(void *self) {
    const hotgraft_instance *counter = self;
    return __atomic_load_n(&counter->state->number, __ATOMIC_RELAXED);
}

static const counter_v1 interface = {sizeof(counter_v1), next, value};

/* --- state: the host, while no call is inside --- */

static hotgraft_status surrender(hotgraft_instance *counter, void **block, uint64_t *bytes, hotgraft_error *error) {
    (void)error;
    *block = counter->state;
    *bytes = sizeof *counter->state;
    counter->state = NULL;
    return HOTGRAFT_OK;
}

/* May not write to the block: if the swap is called off, the old build goes on with it. */
static hotgraft_status take(hotgraft_instance *counter, void *block, uint64_t bytes, uint64_t layout_id,
                            hotgraft_error *error) {
    static const char why[] = "take: the block is not a counter_state";
    if (layout_id != HOTGRAFT_LAYOUT_ID || bytes != sizeof *counter->state) {
        memcpy(error->message, why, sizeof why);
        return HOTGRAFT_E_INVALID;
    }
    (void)counter->host->realloc(counter->host->ctx, counter->state, 0, 0); /* the fresh one, or nothing */
    counter->state = block;
    return HOTGRAFT_OK;
}

/* Hand over only: save and restore are not offered. */
static const hotgraft_ext_state state_extension = {
    .struct_size = sizeof(hotgraft_ext_state),
    .schema = 1,
    .layout_id = HOTGRAFT_LAYOUT_ID,
    .take = take,
    .surrender = surrender,
};

/* --- the instance --- */

static hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config_json, hotgraft_instance **instance,
                              hotgraft_error *error) {
    (void)config_json;
    (void)error;
    hotgraft_instance *counter = calloc(1, sizeof *counter);
    counter_state *state = host->realloc(host->ctx, NULL, sizeof *state, 0);
    if (counter == NULL || state == NULL) {
        free(counter);
        (void)host->realloc(host->ctx, state, 0, 0);
        return HOTGRAFT_E_NOMEM;
    }
    state->number = 0;
    *counter = (hotgraft_instance){host, state};
    *instance = counter;
    return HOTGRAFT_OK;
}

static void destroy(hotgraft_instance *counter) {
    (void)counter->host->realloc(counter->host->ctx, counter->state, 0, 0); /* NULL when it was surrendered */
    free(counter);
}

static const void *get_interface(hotgraft_instance *counter, const char *id, void **self) {
    *self = counter;
    return strcmp(id, "counter/1") == 0 ? &interface : NULL;
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

const hotgraft_plugin *hotgraft_plugin_v1(uint32_t host_abi_minor) {
    (void)host_abi_minor; /* nothing here needs more than minor 0 */
    return &plugin;
}
