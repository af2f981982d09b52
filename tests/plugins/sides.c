/* A pair that is replaced as one: BASE counts, and TOP counts and calls it. What a call through TOP answers says which
 * build of each it met. Built with -DSIDES_BUILD=N, and for TOP with -DSIDES_TOP:
 *   SIDES_SAVES   its count crosses by save and restore; else its block is handed over
 *   SIDES_MORE    BASE has one more function, and TOP calls that one
 *   SIDES_TWO     BASE offers base/2, whose functions stand in another order, and TOP calls that
 *   SIDES_STARTS  TOP calls BASE when it is created and when it starts too, and fails where another build than this one
 *                 answers; nobody may answer
 * Every step of theirs is written to the file that SIDES_LOG names: "top 2 quiesce".
 */
#include <hotgraft/call.h>
#include <hotgraft/hotgraft.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "counter_descriptor.h"

typedef struct base_v1 {
    uint32_t struct_size;
#ifdef SIDES_TWO
    int64_t (*build)(void *self);
    int64_t (*add)(void *self, int64_t by);
#else
    int64_t (*add)(void *self, int64_t by);
    int64_t (*build)(void *self);
#endif
    int64_t (*run)(void *self, uint64_t address);
    int64_t (*more)(void *self); // since 1.1
} base_v1;

typedef struct top_v1 {
    uint32_t struct_size;
    int64_t (*add)(void *self, int64_t by);
    int64_t (*build)(void *self);
    int64_t (*run)(void *self, uint64_t address);
    int64_t (*both)(void *self);
} top_v1;

struct hotgraft_instance {
    const hotgraft_host *host;
    int64_t *count;
};

#ifdef SIDES_TOP
#define NAME "top"
#if defined(SIDES_MORE)
static hotgraft_import base = HOTGRAFT_IMPORT("base", "^1.1", 0);
#elif defined(SIDES_TWO)
static hotgraft_import base = HOTGRAFT_IMPORT("base", "^2.0", 0);
#else
static hotgraft_import base = HOTGRAFT_IMPORT("base", "^1.0", 0);
#endif
#else
#define NAME "base"
#endif
#if defined(SIDES_TWO) && !defined(SIDES_TOP)
#define OFFERED "base/2"
#else
#define OFFERED NAME "/1"
#endif

static void note(const char *step) {
    const char *const path = getenv("SIDES_LOG");
    const int fd = path == NULL ? -1 : open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0) {
        char line[64];
        const int bytes = snprintf(line, sizeof line, NAME " %d %s\n", SIDES_BUILD, step);
        if (write(fd, line, (size_t)bytes) != bytes) {
            abort();
        }
        close(fd);
    }
}

static int64_t add(void *self, int64_t by) {
    return __atomic_add_fetch(((hotgraft_instance *)self)->count, by, __ATOMIC_RELAXED);
}

static int64_t build(void *self) {
    (void)self;
    return SIDES_BUILD;
}

static int64_t run(void *self, uint64_t address) {
    int64_t (*call)(void) = (int64_t(*)(void))(uintptr_t)address;
    (void)self;
    return call();
}

#ifdef SIDES_TOP
/* Counts in both, and answers 1000 times its own build and that of BASE; below 0: nobody was there. */
static int64_t both(void *self) {
    hotgraft_guard guard;
    add(self, 1);
    const hotgraft_table *table = hotgraft_enter(&base, &guard);
    if (table == NULL) {
        return -1;
    }
    const base_v1 *const functions = HOTGRAFT_INTERFACE(base_v1, table);
    functions->add(table->self, 1);
#ifdef SIDES_MORE
    const int64_t there = functions->more(table->self);
#else
    const int64_t there = functions->build(table->self);
#endif
    hotgraft_leave(&guard);
    return 1000 * SIDES_BUILD + there;
}

static const top_v1 functions = {sizeof(top_v1), add, build, run, both};
#elif defined(SIDES_TWO)
static const base_v1 functions = {sizeof(base_v1) - sizeof(void *), build, add, run, NULL};
#elif defined(SIDES_MORE)
static const base_v1 functions = {sizeof(base_v1), add, build, run, build};
#else
static const base_v1 functions = {sizeof(base_v1) - sizeof(void *), add, build, run, NULL};
#endif

static hotgraft_status meet(hotgraft_instance *instance, hotgraft_error *error) {
#ifdef SIDES_STARTS
    const int64_t met = both(instance) - 1000 * SIDES_BUILD;
    if (met >= 0 && met != SIDES_STARTS) {
        snprintf(error->message, sizeof error->message, "build %lld of base answered", (long long)met);
        return HOTGRAFT_E_FAILED;
    }
#else
    (void)instance;
    (void)error;
#endif
    return HOTGRAFT_OK;
}

static void destroy(hotgraft_instance *instance) {
    note("destroy");
    if (instance->count != NULL) {
        instance->host->realloc(instance->host->ctx, instance->count, 0, 0);
    }
    free(instance);
}

static hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config, hotgraft_instance **out,
                              hotgraft_error *error) {
    (void)config;
    hotgraft_instance *instance = calloc(1, sizeof *instance);
    if (instance == NULL) {
        return HOTGRAFT_E_NOMEM;
    }
    instance->host = host;
    instance->count = host->realloc(host->ctx, NULL, sizeof *instance->count, 0);
    if (instance->count == NULL) {
        free(instance);
        return HOTGRAFT_E_NOMEM;
    }
    *instance->count = 0;
    if (meet(instance, error) != HOTGRAFT_OK) {
        destroy(instance);
        return HOTGRAFT_E_FAILED;
    }
    *out = instance;
    return HOTGRAFT_OK;
}

static hotgraft_status start(hotgraft_instance *instance, hotgraft_error *error) {
    note("start");
    return meet(instance, error);
}

static hotgraft_status quiesce(hotgraft_instance *instance, uint64_t budget_ns, hotgraft_error *error) {
    (void)instance;
    (void)budget_ns;
    (void)error;
    note("quiesce");
    return HOTGRAFT_OK;
}

static hotgraft_status resume(hotgraft_instance *instance, hotgraft_error *error) {
    (void)instance;
    (void)error;
    note("resume");
    return HOTGRAFT_OK;
}

static const void *get_interface(hotgraft_instance *instance, const char *id, void **self) {
    *self = instance;
    return strcmp(id, OFFERED) == 0 ? &functions : NULL;
}

#ifdef SIDES_SAVES
static hotgraft_status save(hotgraft_instance *instance, const hotgraft_sink *sink, hotgraft_error *error) {
    (void)error;
    note("save");
    return sink->put(sink->ctx, "count", HOTGRAFT_VALUE_I64, instance->count, sizeof *instance->count);
}

static hotgraft_status restore(hotgraft_instance *instance, uint32_t schema, const hotgraft_source *source,
                               hotgraft_error *error) {
    const void *data = NULL;
    uint64_t bytes = 0;
    (void)schema;
    (void)error;
    note("restore");
    const hotgraft_status status = source->get(source->ctx, "count", HOTGRAFT_VALUE_I64, NULL, &data, &bytes);
    if (status == HOTGRAFT_OK) {
        memcpy(instance->count, data, sizeof *instance->count);
    }
    return status;
}

static const hotgraft_ext_state state = {
    .struct_size = sizeof(hotgraft_ext_state),
    .schema = 1,
    .save = save,
    .restore = restore,
};
#else
static hotgraft_status take(hotgraft_instance *instance, void *block, uint64_t bytes, uint64_t layout_id,
                            hotgraft_error *error) {
    (void)error;
    note("take");
    if (bytes != sizeof *instance->count || layout_id != 7) {
        return HOTGRAFT_E_INVALID;
    }
    if (instance->count != NULL) {
        instance->host->realloc(instance->host->ctx, instance->count, 0, 0);
    }
    instance->count = block;
    return HOTGRAFT_OK;
}

static hotgraft_status surrender(hotgraft_instance *instance, void **block, uint64_t *bytes, hotgraft_error *error) {
    (void)error;
    note("surrender");
    *block = instance->count;
    *bytes = sizeof *instance->count;
    instance->count = NULL;
    return HOTGRAFT_OK;
}

static const hotgraft_ext_state state = {
    .struct_size = sizeof(hotgraft_ext_state),
    .schema = 1,
    .layout_id = 7,
    .take = take,
    .surrender = surrender,
};
#endif

static const void *get_extension(const char *id) {
    return strcmp(id, HOTGRAFT_EXT_STATE) == 0 ? &state : NULL;
}

static const hotgraft_plugin plugin = {
    .struct_size = sizeof(hotgraft_plugin),
    .abi_minor = HOTGRAFT_ABI_MINOR,
    .descriptor = counter_descriptor,
    .descriptor_len = sizeof counter_descriptor_note.text,
#ifdef SIDES_TOP
    .imports = &base,
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
    return &plugin;
}
