/* One plugin in five versions: what differs stands in walk_state.h and walk_words.h, made by walk_images.py.
 *
 * WALK_SAVES: it offers save and restore beside the block. A control function fails once where $WALK_FAULT names it
 * and the version: "take 4".
 */
#include "walk.h"
#include "walk_descriptor.h"
#include "walk_state.h"
#include "walk_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LANES (sizeof((walk_state *)0)->lanes / sizeof((walk_state *)0)->lanes[0])
#define TAPS  (sizeof((walk_state *)0)->taps / sizeof((walk_state *)0)->taps[0])

struct hotgraft_instance {
    const hotgraft_host *host;
    walk_state *state;
};

static int fails(const char *where, hotgraft_error *error) {
    const char *fault = getenv("WALK_FAULT");
    char here[32];
    (void)snprintf(here, sizeof here, "%s %d", where, WALK_VERSION);
    if (fault == NULL || strcmp(fault, here) != 0) {
        return 0;
    }
    (void)unsetenv("WALK_FAULT");
    (void)snprintf(error->message, sizeof error->message, "%s was told to fail", where);
    return 1;
}

/* --- the interface --- */

static int64_t add(void *self, uint32_t lane, int64_t by) {
    const hotgraft_instance *walk = self;
    if (walk->state->lanes[lane].twin != -walk->state->lanes[lane].LANE_SUM) {
        return INT64_MIN;
    }
    walk->state->lanes[lane].LANE_SUM += by;
    walk->state->lanes[lane].twin -= by;
    return walk->state->lanes[lane].LANE_SUM;
}

static uint64_t peek(void *self, uint8_t *data, uint64_t n) {
    const hotgraft_instance *walk = self;
    memcpy(data, walk->state, n < sizeof *walk->state ? n : sizeof *walk->state);
    return sizeof *walk->state;
}

static void poke(void *self, uint64_t at, const uint8_t *data, uint64_t n) {
    const hotgraft_instance *walk = self;
    if (at <= sizeof *walk->state && n <= sizeof *walk->state - at) {
        memcpy((uint8_t *)walk->state + at, data, n);
    }
}

static uint64_t where(void *self) {
    const hotgraft_instance *walk = self;
    return (uint64_t)(uintptr_t)walk->state;
}

static const walk_v1 interface = {sizeof(walk_v1), add, peek, poke, where};

/* --- the block --- */

static hotgraft_status surrender(hotgraft_instance *walk, void **block, uint64_t *bytes, hotgraft_error *error) {
    if (fails("surrender", error)) {
        return HOTGRAFT_E_FAILED;
    }
    *block = walk->state;
    *bytes = sizeof *walk->state;
    walk->state = NULL;
    return HOTGRAFT_OK;
}

static hotgraft_status take(hotgraft_instance *walk, void *block, uint64_t bytes, uint64_t layout_id,
                            hotgraft_error *error) {
    if (layout_id != HOTGRAFT_LAYOUT_ID || bytes != sizeof *walk->state || fails("take", error)) {
        return HOTGRAFT_E_FAILED;
    }
    (void)walk->host->realloc(walk->host->ctx, walk->state, 0, 0);
    walk->state = block;
    return HOTGRAFT_OK;
}

/* --- values under keys --- */

#ifdef WALK_SAVES
static void put(const hotgraft_sink *sink, hotgraft_status *status, const char *key, uint32_t type, const void *data,
                uint64_t bytes) {
    if (*status == HOTGRAFT_OK) {
        *status = sink->put(sink->ctx, key, type, data, bytes);
    }
}

static void put_number(const hotgraft_sink *sink, hotgraft_status *status, const char *key, int64_t value) {
    put(sink, status, key, HOTGRAFT_VALUE_I64, &value, sizeof value);
}

static hotgraft_status save(hotgraft_instance *walk, const hotgraft_sink *sink, hotgraft_error *error) {
    const walk_state *state = walk->state;
    hotgraft_status status = HOTGRAFT_OK;
    char key[32];
    if (fails("save", error)) {
        return HOTGRAFT_E_FAILED;
    }
    put_number(sink, &status, WALK_LEVEL_KEY, state->WALK_LEVEL);
    put(sink, &status, "gain", HOTGRAFT_VALUE_F64, &state->gain, sizeof state->gain);
    put_number(sink, &status, "mode", (int64_t)state->mode);
    put(sink, &status, "name", HOTGRAFT_VALUE_BYTES, state->name, sizeof state->name);
    for (unsigned index = 0; index < TAPS; ++index) {
        (void)snprintf(key, sizeof key, "tap %u", index);
        put_number(sink, &status, key, state->taps[index]);
    }
    for (unsigned index = 0; index < LANES; ++index) {
        (void)snprintf(key, sizeof key, "sum %u", index);
        put_number(sink, &status, key, state->lanes[index].LANE_SUM);
        (void)snprintf(key, sizeof key, "twin %u", index);
        put_number(sink, &status, key, state->lanes[index].twin);
        (void)snprintf(key, sizeof key, "weight %u", index);
        put(sink, &status, key, HOTGRAFT_VALUE_F64, &state->lanes[index].weight, sizeof(double));
    }
#ifdef WALK_EXTRA
    put_number(sink, &status, "extra", state->extra);
#endif
    return status;
}

static const void *get(const hotgraft_source *source, const char *key, uint32_t type, uint64_t *bytes) {
    const void *data = NULL;
    uint64_t found = 0;
    if (source->get(source->ctx, key, type, NULL, &data, &found) != HOTGRAFT_OK) {
        return NULL;
    }
    *bytes = found;
    return data;
}

/* What is absent keeps what it has. Returns 0 where the value has no place between the limits. */
static int get_number(const hotgraft_source *source, const char *key, int64_t least, int64_t most, int64_t *value) {
    uint64_t bytes = 0;
    const int64_t *found = get(source, key, HOTGRAFT_VALUE_I64, &bytes);
    if (found != NULL) {
        *value = *found;
    }
    return *value >= least && *value <= most;
}

static void get_real(const hotgraft_source *source, const char *key, double *value) {
    uint64_t bytes = 0;
    const void *found = get(source, key, HOTGRAFT_VALUE_F64, &bytes);
    if (found != NULL) {
        memcpy(value, found, sizeof *value);
    }
}

/* What was called level in the first schema is a tenth of the second's volume: only restore can know. */
static int get_level(const hotgraft_source *source, uint32_t schema, walk_state *state) {
    int64_t value = 0;
    if (!get_number(source, schema == 1 ? "level" : "volume", INT64_MIN, INT64_MAX, &value)) {
        return 0;
    }
    if (schema < WALK_SCHEMA && __builtin_mul_overflow(value, 10, &value)) {
        return 0;
    }
    value = schema > WALK_SCHEMA ? value / 10 : value;
    state->WALK_LEVEL = (WALK_LEVEL_TYPE)value;
    return state->WALK_LEVEL == value;
}

static int get_name(const hotgraft_source *source, walk_state *state) {
    uint64_t bytes = 0;
    const char *found = get(source, "name", HOTGRAFT_VALUE_BYTES, &bytes);
    if (found == NULL) {
        return 1;
    }
    memset(state->name, 0, sizeof state->name);
    memcpy(state->name, found, bytes < sizeof state->name ? bytes : sizeof state->name);
    return bytes <= sizeof state->name || memchr(state->name, 0, sizeof state->name) != NULL;
}

static hotgraft_status restore(hotgraft_instance *walk, uint32_t schema, const hotgraft_source *source,
                               hotgraft_error *error) {
    walk_state *state = walk->state;
    int64_t value = 0;
    char key[32];
    if (fails("restore", error)) {
        return HOTGRAFT_E_FAILED;
    }
    int fits = get_level(source, schema, state) & get_name(source, state);
    get_real(source, "gain", &state->gain);
    fits &= get_number(source, "mode", 0, UINT32_MAX, &value);
    state->mode = (walk_mode)value;
    for (unsigned index = 0; index < TAPS; ++index) {
        (void)snprintf(key, sizeof key, "tap %u", index);
        value = 0;
        fits &= get_number(source, key, WALK_TAP_MIN, WALK_TAP_MAX, &value);
        state->taps[index] = (WALK_TAP)value;
    }
    for (unsigned index = 0; index < LANES; ++index) {
        (void)snprintf(key, sizeof key, "sum %u", index);
        (void)get_number(source, key, INT64_MIN, INT64_MAX, &state->lanes[index].LANE_SUM);
        (void)snprintf(key, sizeof key, "twin %u", index);
        (void)get_number(source, key, INT64_MIN, INT64_MAX, &state->lanes[index].twin);
        (void)snprintf(key, sizeof key, "weight %u", index);
        get_real(source, key, &state->lanes[index].weight);
    }
#ifdef WALK_EXTRA
    value = state->extra;
    fits &= get_number(source, "extra", 0, UINT32_MAX, &value);
    state->extra = (uint32_t)value;
#endif
    if (!fits) {
        (void)snprintf(error->message, sizeof error->message, "a value has no place in this version");
    }
    return fits ? HOTGRAFT_OK : HOTGRAFT_E_FAILED;
}
#endif

static const hotgraft_ext_state state_extension = {
    .struct_size = sizeof(hotgraft_ext_state),
    .schema = WALK_SCHEMA,
    .layout_id = HOTGRAFT_LAYOUT_ID,
#ifdef WALK_SAVES
    .save = save,
    .restore = restore,
#endif
    .take = take,
    .surrender = surrender,
};

/* --- the instance --- */

static hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config_json, hotgraft_instance **instance,
                              hotgraft_error *error) {
    (void)config_json;
    if (fails("create", error)) {
        return HOTGRAFT_E_FAILED;
    }
    hotgraft_instance *walk = calloc(1, sizeof *walk);
    walk_state *state = host->realloc(host->ctx, NULL, sizeof *state, 0);
    if (walk == NULL || state == NULL) {
        free(walk);
        (void)host->realloc(host->ctx, state, 0, 0);
        return HOTGRAFT_E_NOMEM;
    }
    memset(state, 0, sizeof *state);
    WALK_FRESH(state);
    *walk = (hotgraft_instance){host, state};
    *instance = walk;
    return HOTGRAFT_OK;
}

static hotgraft_status start(hotgraft_instance *walk, hotgraft_error *error) {
    (void)walk;
    return fails("start", error) ? HOTGRAFT_E_FAILED : HOTGRAFT_OK;
}

static void destroy(hotgraft_instance *walk) {
    (void)walk->host->realloc(walk->host->ctx, walk->state, 0, 0);
    free(walk);
}

static const void *get_interface(hotgraft_instance *walk, const char *id, void **self) {
    *self = walk;
    return strcmp(id, "walk/1") == 0 ? &interface : NULL;
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
    .start = start,
    .destroy = destroy,
    .get_interface = get_interface,
    .get_extension = get_extension,
};

const hotgraft_plugin *hotgraft_plugin_v1(uint32_t host_abi_minor) {
    (void)host_abi_minor;
    return &plugin;
}
