/* D09: what calls others back. Who wants to hear gives a number (callbacks.h), or, as it should not, an address. `ring`
 * calls all of them and answers the sum of their answers; numbers that are over it forgets. With COUNTER_HANDOVER its
 * list is its state.
 */
#include <hotgraft/hotgraft.h>

#include <string.h>

#include "counter_descriptor.h"

enum { MOST = 8 };

typedef struct rung_v1 { /* what it calls, of whoever gave a number */
    uint32_t struct_size;
    int64_t (*rung)(void *self);
} rung_v1;

typedef struct bell_v1 {
    uint32_t struct_size;
    int64_t (*ring)(void *self);
    hotgraft_status (*enlist)(void *self, uint64_t number);
    hotgraft_status (*enlist_raw)(void *self, uint64_t address, uint64_t data);
    int64_t (*listed)(void *self);
    int64_t (*ring_one)(void *self, uint64_t number);
} bell_v1;

typedef struct bell_state {
    uint64_t numbers[MOST];
    uint64_t raw, raw_data;
} bell_state;

struct hotgraft_instance {
    const hotgraft_host *host;
    const hotgraft_ext_callbacks *callbacks;
    bell_state *state;
};

static int64_t ring_one(void *self, uint64_t number) {
    hotgraft_instance *bell = self;
    const hotgraft_table *table = bell->callbacks->enter(bell->host->ctx, number);
    if (table == NULL) {
        return 0;
    }
    const int64_t answer = HOTGRAFT_INTERFACE(rung_v1, table)->rung(table->self);
    bell->host->leave(bell->host->ctx, table);
    return answer;
}

static int64_t ring(void *self) {
    hotgraft_instance *bell = self;
    int64_t sum = 0;
    for (int i = 0; i < MOST; i++) {
        const uint64_t number = bell->state->numbers[i];
        const int64_t answer = number == 0 ? 0 : ring_one(self, number);
        if (number != 0 && answer == 0 && bell->callbacks->is_over(bell->host->ctx, number)) {
            bell->state->numbers[i] = 0;
        }
        sum += answer;
    }
    if (bell->state->raw != 0) {
        int64_t (*rung)(void *) = (int64_t(*)(void *))(uintptr_t)bell->state->raw;
        sum += rung((void *)(uintptr_t)bell->state->raw_data);
    }
    return sum;
}

static hotgraft_status enlist(void *self, uint64_t number) {
    bell_state *state = ((hotgraft_instance *)self)->state;
    int place = -1;
    for (int i = MOST; i-- > 0;) {
        if (state->numbers[i] == number) {
            return HOTGRAFT_OK; /* it is known: the number is the same for every version */
        }
        place = state->numbers[i] == 0 ? i : place;
    }
    if (place < 0) {
        return HOTGRAFT_E_NOMEM;
    }
    state->numbers[place] = number;
    return HOTGRAFT_OK;
}

static hotgraft_status enlist_raw(void *self, uint64_t address, uint64_t data) {
    bell_state *state = ((hotgraft_instance *)self)->state;
    state->raw = address;
    state->raw_data = data;
    return HOTGRAFT_OK;
}

static int64_t listed(void *self) {
    int64_t count = 0;
    for (int i = 0; i < MOST; i++) {
        count += ((hotgraft_instance *)self)->state->numbers[i] != 0;
    }
    return count;
}

static const bell_v1 functions = {sizeof(bell_v1), ring, enlist, enlist_raw, listed, ring_one};

static hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config, hotgraft_instance **out,
                              hotgraft_error *error) {
    hotgraft_instance *bell = host->realloc(host->ctx, NULL, sizeof *bell, 0);
    bell_state *state = host->realloc(host->ctx, NULL, sizeof *state, 0);
    (void)config;
    (void)error;
    if (bell == NULL || state == NULL) {
        host->realloc(host->ctx, bell, 0, 0);
        host->realloc(host->ctx, state, 0, 0);
        return HOTGRAFT_E_NOMEM;
    }
    memset(state, 0, sizeof *state);
    bell->host = host;
    bell->state = state;
    bell->callbacks = host->get_extension(host->ctx, HOTGRAFT_EXT_CALLBACKS);
    *out = bell;
    return bell->callbacks != NULL ? HOTGRAFT_OK : HOTGRAFT_E_UNSUPPORTED;
}

static void destroy(hotgraft_instance *bell) {
    const hotgraft_host *host = bell->host;
    if (bell->state != NULL) {
        host->realloc(host->ctx, bell->state, 0, 0);
    }
    host->realloc(host->ctx, bell, 0, 0);
}

static const void *get_interface(hotgraft_instance *bell, const char *id, void **self) {
    *self = bell;
    return strcmp(id, "bell/1") == 0 ? &functions : NULL;
}

#ifdef COUNTER_HANDOVER
static hotgraft_status take(hotgraft_instance *bell, void *block, uint64_t bytes, uint64_t layout_id,
                            hotgraft_error *error) {
    (void)error;
    if (bytes != sizeof(bell_state) || layout_id != COUNTER_LAYOUT) {
        return HOTGRAFT_E_INVALID;
    }
    if (bell->state != NULL) {
        bell->host->realloc(bell->host->ctx, bell->state, 0, 0);
    }
    bell->state = block;
    return HOTGRAFT_OK;
}

static hotgraft_status surrender(hotgraft_instance *bell, void **block, uint64_t *bytes, hotgraft_error *error) {
    (void)error;
    *block = bell->state;
    *bytes = sizeof(bell_state);
    bell->state = NULL;
    return HOTGRAFT_OK;
}

static const hotgraft_ext_state state = {
    .struct_size = sizeof(hotgraft_ext_state),
    .schema = 1,
    .layout_id = COUNTER_LAYOUT,
    .take = take,
    .surrender = surrender,
};
#endif

static const void *get_extension(const char *id) {
#ifdef COUNTER_HANDOVER
    if (strcmp(id, HOTGRAFT_EXT_STATE) == 0) {
        return &state;
    }
#endif
    (void)id;
    return NULL;
}

static const hotgraft_plugin plugin = {
    .struct_size = sizeof(hotgraft_plugin),
    .abi_minor = HOTGRAFT_ABI_MINOR,
    .descriptor = counter_descriptor,
    .descriptor_len = sizeof counter_descriptor_note.text,
    .create = create,
    .destroy = destroy,
    .get_interface = get_interface,
    .get_extension = get_extension,
};

const hotgraft_plugin *hotgraft_plugin_v1(uint32_t host_abi_minor) {
    (void)host_abi_minor;
    return &plugin;
}
