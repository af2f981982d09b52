/* Does what FAILS_IN says, "create:crash", in that stage of its life and in no other: map, entry, create, interface,
 * take, restore, start, health, quiesce, destroy, close. Ways: crash, abort, exit, hang. The variable is read when the
 * library is mapped, so that one which serves already is not told what is meant for the next.
 */
#include "plain.h"

#include <stdio.h>
#include <unistd.h>

static char told[64];
static int64_t *volatile nowhere;

__attribute__((noinline)) static void fail_by(const char *way) {
    if (strcmp(way, "crash") == 0) {
        *nowhere = 1;
    } else if (strcmp(way, "abort") == 0) {
        abort();
    } else if (strcmp(way, "exit") == 0) {
        _exit(7);
    }
    for (;;) {
        pause();
    }
}

static void reach(const char *stage) {
    const size_t len = strlen(stage);
    if (strncmp(told, stage, len) == 0 && told[len] == ':') {
        fail_by(told + len + 1);
    }
}

__attribute__((constructor)) static void construct(void) {
    const char *const way = getenv("FAILS_IN");
    snprintf(told, sizeof told, "%s", way == NULL ? "" : way);
    reach("map");
}

__attribute__((destructor)) static void destruct(void) {
    reach("close");
}

static hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config, hotgraft_instance **instance,
                              hotgraft_error *error) {
    reach("create");
    return plain_create(host, config, instance, error);
}

static const void *interface(hotgraft_instance *instance, const char *id, void **self) {
    reach("interface");
    return plain_interface(instance, id, self);
}

static hotgraft_status start(hotgraft_instance *instance, hotgraft_error *error) {
    (void)instance;
    (void)error;
    reach("start");
    return HOTGRAFT_OK;
}

static hotgraft_status quiesce(hotgraft_instance *instance, uint64_t budget_ns, hotgraft_error *error) {
    (void)instance;
    (void)budget_ns;
    (void)error;
    reach("quiesce");
    return HOTGRAFT_OK;
}

static void destroy(hotgraft_instance *instance) {
    reach("destroy");
    plain_destroy(instance);
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
    reach("restore");
    if (source->get(source->ctx, "calls", HOTGRAFT_VALUE_I64, NULL, &data, &len) == HOTGRAFT_OK) {
        memcpy(&instance->calls, data, sizeof instance->calls);
    }
    return HOTGRAFT_OK;
}

static int64_t *block_of(hotgraft_instance *instance) {
    int64_t *const block = instance->host->realloc(instance->host->ctx, NULL, sizeof *block, 0);
    *block = instance->calls;
    return block;
}

static hotgraft_status take(hotgraft_instance *instance, void *block, uint64_t bytes, uint64_t layout_id,
                            hotgraft_error *error) {
    (void)bytes;
    (void)layout_id;
    (void)error;
    reach("take");
    instance->calls = *(int64_t *)block;
    instance->host->realloc(instance->host->ctx, block, 0, 0);
    return HOTGRAFT_OK;
}

static hotgraft_status surrender(hotgraft_instance *instance, void **block, uint64_t *bytes, hotgraft_error *error) {
    (void)error;
    *block = block_of(instance);
    *bytes = sizeof(int64_t);
    return HOTGRAFT_OK;
}

static hotgraft_status check(hotgraft_instance *instance, uint32_t depth, hotgraft_error *error) {
    (void)instance;
    (void)depth;
    (void)error;
    reach("health");
    return HOTGRAFT_OK;
}

static const hotgraft_ext_state state = {
    sizeof(hotgraft_ext_state), COUNTER_SCHEMA, COUNTER_LAYOUT, save, restore, take, surrender};
static const hotgraft_ext_health health = {sizeof(hotgraft_ext_health), 0, check};

static const void *get_extension(const char *id) {
    return strcmp(id, HOTGRAFT_EXT_STATE) == 0    ? (const void *)&state
           : strcmp(id, HOTGRAFT_EXT_HEALTH) == 0 ? (const void *)&health
                                                  : NULL;
}

static const hotgraft_plugin plugin = {PLAIN_TABLE,
                                       .create = create,
                                       .start = start,
                                       .quiesce = quiesce,
                                       .destroy = destroy,
                                       .get_interface = interface,
                                       .get_extension = get_extension};

HOTGRAFT_EXPORT const hotgraft_plugin *hotgraft_plugin_v1(uint32_t host_abi_minor) {
    (void)host_abi_minor;
    reach("entry");
    return &plugin;
}
