/* A counter for every session: state of its own, handed over, or saved and restored when built with SESSIONS_SAVES.
 * Without a session there is one count that no swap carries. SESSIONS_BUILD is what `build` answers; SESSIONS_SPARE how
 * many numbers the block has beside the count. A session that counted to 13 does not cross: take and restore say so.
 * One that counted to 17 does not even take its own state back.
 */
#include <hotgraft/hotgraft.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef SESSIONS_PLAIN /* the core's tests need no descriptor that says anything */
__attribute__((used, aligned(4), section(".note.hotgraft"))) static const struct {
    uint32_t name_bytes, text_bytes, type;
    char name[12], text[20];
} counter_descriptor_note = {9, 20, 1, "hotgraft", "{\"name\": \"sessions\"}"};
#define counter_descriptor (counter_descriptor_note.text)
#else
#include "counter_descriptor.h"
#endif

#ifndef SESSIONS_BUILD
#define SESSIONS_BUILD 1
#endif
#ifndef SESSIONS_SPARE
#define SESSIONS_SPARE 0
#endif
#ifndef SESSIONS_SCHEMA
#define SESSIONS_SCHEMA 1
#endif
#ifndef SESSIONS_LAYOUT
#define SESSIONS_LAYOUT 7
#endif
#define BLOCK_BYTES (8 * (1 + SESSIONS_SPARE))
#define UNLUCKY     13
#define NEVER_BACK  17

struct hotgraft_session {
    int64_t *count; /* first in both: what functions are given */
};

struct hotgraft_instance {
    int64_t *count;
    const hotgraft_host *host;
    int64_t own;
    int64_t sessions;
};

typedef struct sessions_v1 {
    uint32_t struct_size;
    int64_t (*add)(void *self, int64_t by);
    int64_t (*build)(void *self);
    hotgraft_status (*nap)(void *self, uint32_t ms);
} sessions_v1;

static int64_t add(void *self, int64_t by) {
    return __atomic_add_fetch(*(int64_t **)self, by, __ATOMIC_RELAXED);
}

static int64_t build(void *self) {
    (void)self;
    return SESSIONS_BUILD;
}

static hotgraft_status nap(void *self, uint32_t ms) {
    (void)self;
    usleep(ms * 1000);
    return HOTGRAFT_OK;
}

static const sessions_v1 functions = {sizeof(sessions_v1), add, build, nap};

static hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config, hotgraft_instance **out,
                              hotgraft_error *error) {
    hotgraft_instance *instance = calloc(1, sizeof *instance);
    (void)config;
    (void)error;
    if (instance == NULL) {
        return HOTGRAFT_E_NOMEM;
    }
    instance->host = host;
    instance->count = &instance->own;
    *out = instance;
    return HOTGRAFT_OK;
}

static void destroy(hotgraft_instance *instance) {
    if (instance->sessions != 0) {
        abort(); /* they go first */
    }
    free(instance);
}

static const void *get_interface(hotgraft_instance *instance, const char *id, void **self) {
    *self = instance;
    return strncmp(id, "sessions/", 9) == 0 ? &functions : NULL;
}

static hotgraft_status create_session(hotgraft_instance *instance, hotgraft_session **out, hotgraft_error *error) {
    hotgraft_session *session = calloc(1, sizeof *session);
    (void)error;
    if (session != NULL) {
        session->count = instance->host->realloc(instance->host->ctx, NULL, BLOCK_BYTES, 0);
    }
    if (session == NULL || session->count == NULL) {
        free(session);
        return HOTGRAFT_E_NOMEM;
    }
    memset(session->count, 0, BLOCK_BYTES);
    instance->sessions += 1;
    *out = session;
    return HOTGRAFT_OK;
}

static void destroy_session(hotgraft_instance *instance, hotgraft_session *session) {
    instance->sessions -= 1;
    (void)instance->host->realloc(instance->host->ctx, session->count, 0, 0);
    free(session);
}

static hotgraft_status unlucky(hotgraft_error *error) {
    strcpy(error->message, "it counted to 13");
    return HOTGRAFT_E_FAILED;
}

#ifdef SESSIONS_SAVES
static hotgraft_status save(hotgraft_instance *instance, hotgraft_session *session, const hotgraft_sink *sink,
                            hotgraft_error *error) {
    (void)instance;
    (void)error;
    return sink->put(sink->ctx, "count", HOTGRAFT_VALUE_I64, session->count, 8);
}

static hotgraft_status restore(hotgraft_instance *instance, hotgraft_session *session, uint32_t schema,
                               const hotgraft_source *source, hotgraft_error *error) {
    const void *data = NULL;
    uint64_t bytes = 0;
    (void)instance;
    (void)schema;
    if (source->get(source->ctx, "count", HOTGRAFT_VALUE_I64, NULL, &data, &bytes) == HOTGRAFT_OK) {
        memcpy(session->count, data, 8);
    }
    return *session->count == UNLUCKY ? unlucky(error) : HOTGRAFT_OK;
}
#else
static hotgraft_status take(hotgraft_instance *instance, hotgraft_session *session, void *block, uint64_t bytes,
                            uint64_t layout_id, hotgraft_error *error) {
    if (bytes != BLOCK_BYTES || layout_id != SESSIONS_LAYOUT) {
        return HOTGRAFT_E_INVALID;
    }
    if (*(int64_t *)block == NEVER_BACK) {
        strcpy(error->message, "it counted to 17");
        return HOTGRAFT_E_FAILED;
    }
    if (*(int64_t *)block == UNLUCKY && session->count != NULL) { /* NULL: it was its own, and comes back */
        return unlucky(error);
    }
    (void)instance->host->realloc(instance->host->ctx, session->count, 0, 0);
    session->count = block;
    return HOTGRAFT_OK;
}

static hotgraft_status surrender(hotgraft_instance *instance, hotgraft_session *session, void **block, uint64_t *bytes,
                                 hotgraft_error *error) {
    (void)instance;
    (void)error;
    *block = session->count;
    *bytes = BLOCK_BYTES;
    session->count = NULL;
    return HOTGRAFT_OK;
}
#endif

static const hotgraft_ext_session sessions = {
    .struct_size = sizeof(hotgraft_ext_session),
    .schema = SESSIONS_SCHEMA,
    .create_session = create_session,
    .destroy_session = destroy_session,
#ifdef SESSIONS_SAVES
    .save = save,
    .restore = restore,
#else
    .layout_id = SESSIONS_LAYOUT,
    .take = take,
    .surrender = surrender,
#endif
};

static const void *get_extension(const char *id) {
    return strcmp(id, HOTGRAFT_EXT_SESSION) == 0 ? &sessions : NULL;
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

HOTGRAFT_EXPORT const hotgraft_plugin *hotgraft_plugin_v1(uint32_t host_abi_minor) {
    (void)host_abi_minor;
    return &plugin;
}
