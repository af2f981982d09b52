/* No fault: a plugin whose headers ended earlier than today's. TABLE_BYTES, STATE_BYTES and HEALTH_BYTES say how far
 * each of its tables goes. What stands behind that is not its word: whoever takes it for a function ends the process.
 */
#include "plain.h"

#ifndef TABLE_BYTES
#define TABLE_BYTES sizeof(hotgraft_plugin)
#endif
#ifndef STATE_BYTES
#define STATE_BYTES sizeof(hotgraft_ext_state)
#endif
#ifndef HEALTH_BYTES
#define HEALTH_BYTES sizeof(hotgraft_ext_health)
#endif
#define REACHES(bytes, type, member) ((bytes) >= offsetof(type, member) + sizeof(((type *)0)->member))
#define IN_STATE(member, function)                                                                                     \
    (REACHES(STATE_BYTES, hotgraft_ext_state, member) ? (function) : (__typeof__(&(function)))beyond)

static void beyond(void) {
    abort();
}

static hotgraft_status save(hotgraft_instance *instance, const hotgraft_sink *sink, hotgraft_error *error) {
    (void)error;
    return sink->put(sink->ctx, "calls", HOTGRAFT_VALUE_I64, &instance->calls, sizeof instance->calls);
}

static hotgraft_status restore(hotgraft_instance *instance, uint32_t schema, const hotgraft_source *source,
                               hotgraft_error *error) {
    const void *data = NULL;
    uint64_t len = 0;
    (void)schema;
    (void)error;
    const hotgraft_status status = source->get(source->ctx, "calls", HOTGRAFT_VALUE_I64, NULL, &data, &len);
    if (status == HOTGRAFT_OK) {
        memcpy(&instance->calls, data, sizeof instance->calls);
    }
    return status;
}

static int64_t *held; /* the block, from take or for surrender */

/* The block holds a hundred more than was counted: so a test sees which way state went. */
static hotgraft_status take(hotgraft_instance *instance, void *block, uint64_t bytes, uint64_t layout_id,
                            hotgraft_error *error) {
    (void)bytes;
    (void)layout_id;
    (void)error;
    instance->host->realloc(instance->host->ctx, held, 0, 0);
    held = block;
    instance->calls = *held;
    return HOTGRAFT_OK;
}

static hotgraft_status surrender(hotgraft_instance *instance, void **block, uint64_t *bytes, hotgraft_error *error) {
    (void)error;
    if (held == NULL) {
        held = instance->host->realloc(instance->host->ctx, NULL, sizeof *held, 0);
    }
    if (held == NULL) {
        return HOTGRAFT_E_NOMEM;
    }
    *held = instance->calls + 100;
    *block = held;
    *bytes = sizeof *held;
    held = NULL;
    return HOTGRAFT_OK;
}

static void destroy(hotgraft_instance *instance) {
    instance->host->realloc(instance->host->ctx, held, 0, 0);
    plain_destroy(instance);
}

static hotgraft_status check(hotgraft_instance *instance, uint32_t depth, hotgraft_error *error) {
    (void)instance;
    (void)depth;
    (void)error;
    return HOTGRAFT_OK;
}

static const hotgraft_ext_state state = {
    .struct_size = STATE_BYTES,
    .schema = 1,
    .layout_id = 7,
    .save = IN_STATE(save, save),
    .restore = IN_STATE(restore, restore),
    .take = IN_STATE(take, take),
    .surrender = IN_STATE(surrender, surrender),
};

static const hotgraft_ext_health health = {
    .struct_size = HEALTH_BYTES,
    .check = REACHES(HEALTH_BYTES, hotgraft_ext_health, check) ? check : (__typeof__(&check))beyond,
};

static const void *get_extension(const char *id) {
    return strcmp(id, HOTGRAFT_EXT_STATE) == 0    ? (const void *)&state
           : strcmp(id, HOTGRAFT_EXT_HEALTH) == 0 ? (const void *)&health
                                                  : NULL;
}

static const hotgraft_plugin plugin = {
    PLAIN_TABLE,
    .struct_size = TABLE_BYTES,
    .destroy = destroy,
    .get_extension =
        REACHES(TABLE_BYTES, hotgraft_plugin, get_extension) ? get_extension : (__typeof__(&get_extension))beyond,
};
PLAIN_ENTRY(plugin)
