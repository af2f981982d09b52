/* What the host's tests load: a counter whose every control function can be told, by its config, to fail, to hang, to
 * press Ctrl-C or to say "again" (until it has counted to a hundred). Built in variants:
 *   COUNTER_BUILD      what `build` answers, so that a test sees which code ran
 *   COUNTER_HANDOVER   offers surrender and take; COUNTER_LAYOUT names the layout of the block, which has COUNTER_SPARE
 *                      more numbers than the count
 *   COUNTER_SHARED     the same block, but the host's: it is shared
 *   COUNTER_SAVES      offers save and restore
 *   COUNTER_MORE       one more function at the end of the interface
 *   COUNTER_HEALTH     a health check
 *   COUNTER_OFFERS     its interface, with a slash, if that is another than "counter/"
 *   COUNTER_CALLS      `build` calls another plugin, see counter_calls.h
 *   COUNTER_CONVERTERS its converters: `R(1, 2, tenfold) R(2, 1, tenth)`, see below for what there is; CONVERTERS_LIE:
 *                      1 to 3, their table lies
 * What serves already and was given its config long ago can be told by the environment, and every function of its can:
 * COUNTER_DOES="PID:BUILD:STEP:WAY". PID is of the only process that this is meant for; below 0, of the only one that
 * it is not meant for, which leaves the probe. Ways: fail, hang, crash, abort, exit, and hold: until nothing is at the
 * path in COUNTER_HOLDS. The descriptor comes from the test (counter_descriptor.h), so that it may lie.
 */
#include <hotgraft/call.h>
#include <hotgraft/hotgraft.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "counter_descriptor.h"

#ifndef COUNTER_BUILD
#define COUNTER_BUILD 1
#endif
#ifndef COUNTER_OFFERS
#define COUNTER_OFFERS "counter/"
#endif
#ifndef COUNTER_SCHEMA
#define COUNTER_SCHEMA 1
#endif
#ifndef COUNTER_LAYOUT
#define COUNTER_LAYOUT 7
#endif
#ifndef COUNTER_SPARE
#define COUNTER_SPARE 0
#endif
#define COUNTER_BLOCK_BYTES (8 * (1 + COUNTER_SPARE))

struct hotgraft_instance {
    const hotgraft_host *host;
    int64_t *count;
    char config[512];
};

typedef struct counter_v1 {
    uint32_t struct_size;
    int64_t (*add)(void *self, int64_t by);
    int64_t (*build)(void *self);
    int64_t (*run)(void *self, uint64_t address);
    hotgraft_status (*nap)(void *self, uint32_t ms);
    hotgraft_status (*say)(void *self, int32_t level, const uint8_t *text, uint64_t n);
    hotgraft_status (*fail)(void *self, int32_t code);
#ifdef COUNTER_MORE
    int64_t (*twice)(void *self);
#endif
} counter_v1;

/* Does the config say so: {"fail": "start"}? No JSON reader: the tests write it exactly like this. */
static int is_told(const hotgraft_instance *instance, const char *what, const char *where) {
    char text[64];
    snprintf(text, sizeof text, "\"%s\": \"%s\"", what, where);
    return strstr(instance->config, text) != NULL;
}

static int does(const char *where, const char *what) {
    const char *const told = getenv("COUNTER_DOES");
    long pid = 0;
    int build = 0;
    char step[24];
    char way[16];
    if (told == NULL || sscanf(told, "%ld:%d:%23[^:]:%15s", &pid, &build, step, way) != 4 || build != COUNTER_BUILD) {
        return 0;
    }
    const int is_meant = pid > 0 ? pid == getpid() : pid != -getpid();
    return is_meant && strcmp(step, where) == 0 && strcmp(way, what) == 0;
}

static volatile int *volatile nowhere;

/* What the environment tells it to do here, but for failing: that is for who has an answer to give. */
static void reach(const char *where) {
    while (does(where, "hang")) {
        pause();
    }
    if (does(where, "crash")) {
        *nowhere = 1;
    }
    if (does(where, "abort")) {
        abort();
    }
    if (does(where, "exit")) {
        _exit(7);
    }
    if (does(where, "hold")) {
        const char *const gate = getenv("COUNTER_HOLDS");
        while (gate != NULL && access(gate, F_OK) == 0) {
            usleep(200);
        }
    }
}

__attribute__((constructor)) static void construct(void) {
    reach("map");
}

__attribute__((destructor)) static void destruct(void) {
    reach("close");
}

static hotgraft_status step(const hotgraft_instance *instance, const char *where, hotgraft_error *error) {
    while (is_told(instance, "hang", where)) {
        pause();
    }
    reach(where);
    if (is_told(instance, "interrupt", where)) {
        kill(getpid(), SIGINT);
    }
    if (is_told(instance, "fail", where) || does(where, "fail")) {
        error->code = 5;
        snprintf(error->message, sizeof error->message, "told to fail in %s", where);
        return HOTGRAFT_E_FAILED;
    }
    return HOTGRAFT_OK;
}

static int64_t add(void *self, int64_t by) {
    hotgraft_instance *instance = self;
    return __atomic_add_fetch(instance->count, by, __ATOMIC_RELAXED);
}

#ifdef COUNTER_CALLS
#include "counter_calls.h"
#endif

static int64_t build(void *self) {
    (void)self;
#ifdef COUNTER_CALLS
    return 1000 * COUNTER_BUILD + build_there();
#else
    return COUNTER_BUILD;
#endif
}

static int64_t run(void *self, uint64_t address) {
    int64_t (*call)(void) = (int64_t(*)(void))(uintptr_t)address;
    (void)self;
    return call();
}

static hotgraft_status nap(void *self, uint32_t ms) {
    (void)self;
    usleep(ms * 1000);
    return HOTGRAFT_OK;
}

static hotgraft_status say(void *self, int32_t level, const uint8_t *text, uint64_t n) {
    hotgraft_instance *instance = self;
    instance->host->log(instance->host->ctx, level, (const char *)text, n);
    return HOTGRAFT_OK;
}

static hotgraft_status fail(void *self, int32_t code) {
    (void)self;
    return code;
}

#ifdef COUNTER_MORE
static int64_t twice(void *self) {
    return 2 * *((hotgraft_instance *)self)->count;
}
static const counter_v1 functions = {sizeof(counter_v1), add, build, run, nap, say, fail, twice};
#else
static const counter_v1 functions = {sizeof(counter_v1), add, build, run, nap, say, fail};
#endif

static void free_instance(hotgraft_instance *instance) {
#ifndef COUNTER_SHARED
    if (instance->count != NULL) {
        instance->host->realloc(instance->host->ctx, instance->count, 0, 0);
    }
#endif
    free(instance);
}

static void destroy(hotgraft_instance *instance) {
    reach("destroy");
    free_instance(instance);
}

static hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config, hotgraft_instance **out,
                              hotgraft_error *error) {
    hotgraft_instance *instance = calloc(1, sizeof *instance);
    if (instance == NULL || config->len >= sizeof instance->config) {
        free(instance);
        return HOTGRAFT_E_NOMEM;
    }
    instance->host = host;
    memcpy(instance->config, config->ptr, config->len);
#ifndef COUNTER_SHARED
    instance->count = host->realloc(host->ctx, NULL, COUNTER_BLOCK_BYTES, 0);
    if (instance->count == NULL) {
        free(instance);
        return HOTGRAFT_E_NOMEM;
    }
    memset(instance->count, 0, COUNTER_BLOCK_BYTES);
#endif
    if (strstr(instance->config, "\"null\": \"create\"") != NULL) {
        free_instance(instance);
        return HOTGRAFT_OK;
    }
    const hotgraft_status status = step(instance, "create", error);
    if (status != HOTGRAFT_OK) {
        free_instance(instance);
        return status;
    }
    *out = instance;
    return HOTGRAFT_OK;
}

static hotgraft_status start(hotgraft_instance *instance, hotgraft_error *error) {
    return step(instance, "start", error);
}

static hotgraft_status quiesce(hotgraft_instance *instance, uint64_t budget_ns, hotgraft_error *error) {
    (void)budget_ns;
    if (is_told(instance, "again", "quiesce") && (instance->count == NULL || *instance->count < 100)) {
        return HOTGRAFT_AGAIN;
    }
    return step(instance, "quiesce", error);
}

static hotgraft_status resume(hotgraft_instance *instance, hotgraft_error *error) {
    return step(instance, "resume", error);
}

static const void *get_interface(hotgraft_instance *instance, const char *id, void **self) {
    *self = instance;
    reach("interface");
    return strncmp(id, COUNTER_OFFERS, sizeof COUNTER_OFFERS - 1) == 0 ? &functions : NULL;
}

#if defined(COUNTER_HANDOVER) || defined(COUNTER_SAVES)
#ifdef COUNTER_SAVES
static hotgraft_status save(hotgraft_instance *instance, const hotgraft_sink *sink, hotgraft_error *error) {
    const hotgraft_status status = step(instance, "save", error);
    return status != HOTGRAFT_OK
               ? status
               : sink->put(sink->ctx, "count", HOTGRAFT_VALUE_I64, instance->count, sizeof *instance->count);
}

static hotgraft_status restore(hotgraft_instance *instance, uint32_t schema, const hotgraft_source *source,
                               hotgraft_error *error) {
    const void *data = NULL;
    uint64_t bytes = 0;
    hotgraft_status status = schema <= COUNTER_SCHEMA ? step(instance, "restore", error) : HOTGRAFT_E_STATE_VERSION;
    if (status != HOTGRAFT_OK) {
        return status;
    }
    status = source->get(source->ctx, "count", HOTGRAFT_VALUE_I64, NULL, &data, &bytes);
    if (status == HOTGRAFT_OK) {
        memcpy(instance->count, data, sizeof *instance->count);
    }
    return status == HOTGRAFT_E_UNSUPPORTED ? HOTGRAFT_OK : status;
}
#endif
#ifdef COUNTER_HANDOVER
static hotgraft_status take(hotgraft_instance *instance, void *block, uint64_t bytes, uint64_t layout_id,
                            hotgraft_error *error) {
    const hotgraft_status status = step(instance, "take", error);
    if (status != HOTGRAFT_OK || bytes != COUNTER_BLOCK_BYTES || layout_id != COUNTER_LAYOUT) {
        return status != HOTGRAFT_OK ? status : HOTGRAFT_E_INVALID;
    }
    if (instance->count != NULL) {
        instance->host->realloc(instance->host->ctx, instance->count, 0, 0);
    }
    instance->count = block;
    return HOTGRAFT_OK;
}

static hotgraft_status surrender(hotgraft_instance *instance, void **block, uint64_t *bytes, hotgraft_error *error) {
    const hotgraft_status status = step(instance, "surrender", error);
    if (status == HOTGRAFT_OK) {
        *block = instance->count;
        *bytes = COUNTER_BLOCK_BYTES;
        instance->count = NULL;
    }
    return status;
}
#endif

static const hotgraft_ext_state state = {
    .struct_size = sizeof(hotgraft_ext_state),
    .schema = COUNTER_SCHEMA,
#ifdef COUNTER_SAVES
    .save = save,
    .restore = restore,
#endif
#ifdef COUNTER_HANDOVER
    .layout_id = COUNTER_LAYOUT,
    .take = take,
    .surrender = surrender,
#endif
};

#endif

#ifdef COUNTER_SHARED
static hotgraft_status init(hotgraft_instance *instance, void *block, hotgraft_error *error) {
    *(int64_t *)block = COUNTER_BUILD > 100 ? COUNTER_BUILD : 0;
    return step(instance, "init", error);
}

static hotgraft_status attach(hotgraft_instance *instance, void *block, hotgraft_error *error) {
    const hotgraft_status status = step(instance, "attach", error);
    if (status == HOTGRAFT_OK) {
        instance->count = block;
    }
    return status;
}

static const hotgraft_ext_shared shared = {
    .struct_size = sizeof(hotgraft_ext_shared),
    .schema = COUNTER_SCHEMA,
    .layout_id = COUNTER_LAYOUT,
    .bytes = COUNTER_BLOCK_BYTES,
    .init = init,
    .attach = attach,
};
#endif

#ifdef COUNTER_CONVERTERS
#include "counter_converters.h"
#endif

#ifdef COUNTER_HEALTH
static hotgraft_status check(hotgraft_instance *instance, uint32_t depth, hotgraft_error *error) {
    (void)depth;
    return step(instance, "health", error);
}

static const hotgraft_ext_health health = {sizeof(hotgraft_ext_health), 0, check};
#endif

static const void *get_extension(const char *id) {
    (void)id;
#if defined(COUNTER_HANDOVER) || defined(COUNTER_SAVES)
    if (strcmp(id, HOTGRAFT_EXT_STATE) == 0) {
        return &state;
    }
#endif
#ifdef COUNTER_SHARED
    if (strcmp(id, HOTGRAFT_EXT_SHARED) == 0) {
        return &shared;
    }
#endif
#ifdef COUNTER_CONVERTERS
    if (strcmp(id, HOTGRAFT_EXT_CONVERT) == 0) {
        return &convert;
    }
#endif
#ifdef COUNTER_HEALTH
    if (strcmp(id, HOTGRAFT_EXT_HEALTH) == 0) {
        return &health;
    }
#endif
    return NULL;
}

static const hotgraft_plugin plugin = {
    .struct_size = sizeof(hotgraft_plugin),
    .abi_minor = HOTGRAFT_ABI_MINOR,
    .descriptor = counter_descriptor,
    .descriptor_len = sizeof counter_descriptor_note.text,
#ifdef COUNTER_CALLS
    .imports = &called,
    .import_count = 1,
#endif
    .create = create,
    .start = start,
    .quiesce = quiesce,
    .resume = resume,
    .destroy = destroy,
    .get_interface = get_interface,
    .get_extension = get_extension,
};

const hotgraft_plugin *hotgraft_plugin_v1(uint32_t host_abi_minor) {
    (void)host_abi_minor;
    reach("entry");
    return does("entry", "fail") ? NULL : &plugin;
}
