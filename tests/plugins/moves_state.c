/* Hand over and save of one number; DOUBLE_KEY puts a key twice and swallows the answer, OWN_BLOCK surrenders memory
 * that is not the host's. */
#include "plain.h"

static int64_t *number;

static hotgraft_status save(hotgraft_instance *instance, const hotgraft_sink *sink, hotgraft_error *error) {
    (void)instance;
    (void)error;
#ifdef DOUBLE_KEY
    (void)sink->put(sink->ctx, "calls", HOTGRAFT_VALUE_I64, &instance->calls, 8);
#endif
    (void)sink->put(sink->ctx, "calls", HOTGRAFT_VALUE_I64, &instance->calls, 8);
    return HOTGRAFT_OK;
}

static hotgraft_status restore(hotgraft_instance *instance, uint32_t schema, const hotgraft_source *source,
                               hotgraft_error *error) {
    const void *data = NULL;
    uint64_t len = 0;
    if (schema != 1) {
        strcpy(error->message, "only schema 1");
        return HOTGRAFT_E_STATE_VERSION;
    }
    if (source->get(source->ctx, "calls", HOTGRAFT_VALUE_I64, NULL, &data, &len) == HOTGRAFT_OK) {
        instance->calls = *(const int64_t *)data;
    }
    return HOTGRAFT_OK;
}

static hotgraft_status take(hotgraft_instance *instance, void *block, uint64_t bytes, uint64_t layout_id,
                            hotgraft_error *error) {
    (void)instance;
    (void)layout_id;
    (void)error;
    number = (int64_t *)block;
    return bytes == 8 ? HOTGRAFT_OK : HOTGRAFT_E_INVALID;
}

static hotgraft_status surrender(hotgraft_instance *instance, void **block, uint64_t *bytes, hotgraft_error *error) {
#ifdef OWN_BLOCK
    static int64_t own;
    number = &own;
#endif
    (void)error;
    if (number == NULL) {
        number = (int64_t *)instance->host->realloc(instance->host->ctx, NULL, 8, 0);
        *number = 42;
    }
    *block = number;
    *bytes = 8;
    number = NULL;
    return HOTGRAFT_OK;
}

static const hotgraft_ext_state state = {sizeof(hotgraft_ext_state), 1, 7, save, restore, take, surrender};
static const void *get_extension(const char *id) {
    return strcmp(id, HOTGRAFT_EXT_STATE) == 0 ? &state : NULL;
}

static const hotgraft_plugin plugin = {PLAIN_TABLE, .get_extension = get_extension};
PLAIN_ENTRY(plugin)
