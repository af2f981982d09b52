/* C05: a state extension with save and no restore: the state could leave and never come in. */
#include "plain.h"

static hotgraft_status save(hotgraft_instance *instance, const hotgraft_sink *sink, hotgraft_error *error) {
    (void)instance;
    (void)sink;
    (void)error;
    return HOTGRAFT_OK;
}
static const hotgraft_ext_state state = {.struct_size = sizeof(hotgraft_ext_state), .schema = 0, .save = save};
static const void *get_extension(const char *id) {
    return strcmp(id, HOTGRAFT_EXT_STATE) == 0 ? &state : NULL;
}

static const hotgraft_plugin plugin = {PLAIN_TABLE, .get_extension = get_extension};
PLAIN_ENTRY(plugin)
