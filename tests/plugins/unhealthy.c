/* I12, I13: says of itself that it is not fit to serve, or with HANGS says nothing at all. */
#include "plain.h"

#include <stdio.h>
#include <unistd.h>

static hotgraft_status check(hotgraft_instance *instance, uint32_t depth, hotgraft_error *error) {
    (void)instance;
#ifdef HANGS
    for (;;) {
        pause();
    }
#endif
    if (depth == HOTGRAFT_HEALTH_FULL) {
        snprintf(error->message, sizeof error->message, "the model answers 3 of 8 questions");
        return HOTGRAFT_E_FAILED;
    }
    return HOTGRAFT_OK;
}

static const hotgraft_ext_health health = {sizeof(hotgraft_ext_health), 0, check};
static const void *get_extension(const char *id) {
    return strcmp(id, HOTGRAFT_EXT_HEALTH) == 0 ? &health : NULL;
}

static const hotgraft_plugin plugin = {PLAIN_TABLE, .get_extension = get_extension};
PLAIN_ENTRY(plugin)
