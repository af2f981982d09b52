/* M09, M11: one block that is handed over. WRITES_IN_TAKE and WRITES_IN_START write to it where that is forbidden, the
 * latter while config says so; POINTS_TO_ITSELF keeps a pointer to a function of the library in it, POINTS_ELSEWHERE
 * one to other memory of the host. */
#include "plain.h"

typedef struct block {
    int64_t calls;
    const void *pointer;
} block;

static block *held;

static hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config, hotgraft_instance **instance,
                              hotgraft_error *error) {
    const hotgraft_status status = plain_create(host, config, instance, error);
    if (status == HOTGRAFT_OK) {
        held = host->realloc(host->ctx, NULL, sizeof *held, 0);
        memset(held, 0, sizeof *held);
#ifdef POINTS_TO_ITSELF
        held->pointer = (const void *)plain_add;
#endif
#ifdef POINTS_ELSEWHERE
        held->pointer = *instance;
#endif
    }
    return status;
}

static int64_t add(void *self, int64_t a, int64_t b) {
    held->calls++;
    return plain_add(self, a, b);
}

static int64_t calls(void *self) {
    (void)self;
    return held->calls;
}

static hotgraft_status start(hotgraft_instance *instance, hotgraft_error *error) {
    (void)instance;
    (void)error;
#ifdef WRITES_IN_START
    held->calls = -1;
    return HOTGRAFT_E_FAILED; /* too late for whoever served */
#else
    return HOTGRAFT_OK;
#endif
}

static hotgraft_status take(hotgraft_instance *instance, void *taken, uint64_t bytes, uint64_t layout_id,
                            hotgraft_error *error) {
    (void)bytes;
    (void)layout_id;
    (void)error;
    instance->host->realloc(instance->host->ctx, held, 0, 0);
    held = taken;
#ifdef WRITES_IN_TAKE
    held->calls = 0;
#endif
    return HOTGRAFT_OK;
}

static hotgraft_status surrender(hotgraft_instance *instance, void **out, uint64_t *bytes, hotgraft_error *error) {
    (void)instance;
    (void)error;
    *out = held;
    *bytes = sizeof *held;
    held = NULL;
    return HOTGRAFT_OK;
}

static void destroy(hotgraft_instance *instance) {
    if (held != NULL) {
        instance->host->realloc(instance->host->ctx, held, 0, 0);
    }
    plain_destroy(instance);
}

static const plain_v1 functions = {sizeof(plain_v1), add, calls};
static const void *interface(hotgraft_instance *instance, const char *id, void **self) {
    *self = instance;
    return strcmp(id, "plain/1") == 0 ? &functions : NULL;
}

static const hotgraft_ext_state state = {sizeof(hotgraft_ext_state), 1, COUNTER_LAYOUT, NULL, NULL, take, surrender};
static const void *get_extension(const char *id) {
    return strcmp(id, HOTGRAFT_EXT_STATE) == 0 ? &state : NULL;
}

static const hotgraft_plugin plugin = {PLAIN_TABLE,        .create = create,           .start = start,
                                       .destroy = destroy, .get_interface = interface, .get_extension = get_extension};
PLAIN_ENTRY(plugin)
