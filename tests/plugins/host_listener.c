/* A consumer that writes down what it is told of its provider (notify.h): `trace` answers it as digits, oldest first,
 * 1 prepare, 2 changed, 3 called off, of the last eighteen; `last` answers what the last of a kind said. Its config may
 * say {"hang": "prepare"}: then that one waits for let_go. create may call its provider, and writes down what answered.
 */
#include <hotgraft/call.h>
#include <hotgraft/hotgraft.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "counter_descriptor.h"

typedef struct counter_v1 {
    uint32_t struct_size;
    int64_t (*add)(void *self, int64_t by);
    int64_t (*build)(void *self);
} counter_v1;

typedef struct listener_v1 {
    uint32_t struct_size;
    int64_t (*trace)(void *self);
    int64_t (*last)(void *self, int64_t kind, int64_t what);
    int64_t (*let_go)(void *self);
    int64_t (*build_there)(void *self);
} listener_v1;

enum { PREPARE = 1, CHANGED, CALLED_OFF, KINDS };
enum { FROM, TO, FROM_VERSION, TO_VERSION, FLAGS, IS_OF_COUNTER, BUILD, THREAD, WHATS };

struct hotgraft_instance {
    char config[256];
    int64_t trace;
    int64_t last[KINDS][WHATS];
    int is_let_go;
};

#ifdef CALLER_OPTIONAL
static hotgraft_import counter = HOTGRAFT_IMPORT("counter", "^1.0", HOTGRAFT_IMPORT_OPTIONAL);
#else
static hotgraft_import counter = HOTGRAFT_IMPORT("counter", "^1.0", 0);
#endif

static int64_t build_there(void *self) {
    hotgraft_guard guard;
    const hotgraft_table *table = hotgraft_enter(&counter, &guard);
    int64_t answer = -1;
    (void)self;
    if (table != NULL) {
        answer = HOTGRAFT_INTERFACE(counter_v1, table)->build(table->self);
        hotgraft_leave(&guard);
    }
    return answer;
}

static void note(hotgraft_instance *instance, int kind, const hotgraft_change *change) {
    const struct timespec look = {0, 1000000};
    char told[64];
    int64_t *last = instance->last[kind];
    last[FROM] = (int64_t)change->from_generation;
    last[TO] = (int64_t)change->to_generation;
    last[FROM_VERSION] = change->from_version;
    last[TO_VERSION] = change->to_version;
    last[FLAGS] = change->flags;
    last[IS_OF_COUNTER] = strcmp(change->import, "counter") == 0;
    last[BUILD] = kind == PREPARE ? 0 : build_there(instance);
    last[THREAD] = syscall(SYS_gettid);
    __atomic_store_n(&instance->trace, instance->trace % 100000000000000000 * 10 + kind, __ATOMIC_SEQ_CST);
    snprintf(told, sizeof told, "\"hang\": \"%s\"", kind == PREPARE ? "prepare" : kind == CHANGED ? "changed" : "off");
    while (strstr(instance->config, told) != NULL && !__atomic_load_n(&instance->is_let_go, __ATOMIC_SEQ_CST)) {
        nanosleep(&look, NULL);
    }
}

static void prepare(hotgraft_instance *instance, const hotgraft_change *change) {
    note(instance, PREPARE, change);
}

static void changed(hotgraft_instance *instance, const hotgraft_change *change) {
    note(instance, CHANGED, change);
}

static void called_off(hotgraft_instance *instance, const hotgraft_change *change) {
    note(instance, CALLED_OFF, change);
}

static int64_t trace(void *self) {
    return __atomic_load_n(&((hotgraft_instance *)self)->trace, __ATOMIC_SEQ_CST);
}

static int64_t last(void *self, int64_t kind, int64_t what) {
    return ((hotgraft_instance *)self)->last[kind][what];
}

static int64_t let_go(void *self) {
    __atomic_store_n(&((hotgraft_instance *)self)->is_let_go, 1, __ATOMIC_SEQ_CST);
    return 0;
}

static const listener_v1 functions = {sizeof(listener_v1), trace, last, let_go, build_there};

static hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config, hotgraft_instance **out,
                              hotgraft_error *error) {
    hotgraft_instance *instance = calloc(1, sizeof *instance);
    (void)host;
    (void)error;
    if (instance == NULL || config->len >= sizeof instance->config) {
        free(instance);
        return HOTGRAFT_E_NOMEM;
    }
    memcpy(instance->config, config->ptr, config->len);
    *out = instance;
    return HOTGRAFT_OK;
}

static hotgraft_status start(hotgraft_instance *instance, hotgraft_error *error) {
    (void)error;
    return strstr(instance->config, "\"fail\": \"start\"") != NULL ? HOTGRAFT_E_FAILED : HOTGRAFT_OK;
}

static void destroy(hotgraft_instance *instance) {
    free(instance);
}

static const void *get_interface(hotgraft_instance *instance, const char *id, void **self) {
    *self = instance;
    return strcmp(id, "listener/1") == 0 ? &functions : NULL;
}

#ifdef LISTENER_LIES
static const hotgraft_ext_notify notify = {sizeof(hotgraft_ext_notify), 0, prepare,
                                           (void (*)(hotgraft_instance *, const hotgraft_change *))1, called_off};
#else
static const hotgraft_ext_notify notify = {sizeof(hotgraft_ext_notify), 0, prepare, changed, called_off};
#endif

static const void *get_extension(const char *id) {
    return strcmp(id, HOTGRAFT_EXT_NOTIFY) == 0 ? &notify : NULL;
}

static const hotgraft_plugin plugin = {
    .struct_size = sizeof(hotgraft_plugin),
    .abi_minor = HOTGRAFT_ABI_MINOR,
    .descriptor = counter_descriptor,
    .descriptor_len = sizeof counter_descriptor_note.text,
    .imports = &counter,
    .import_count = 1,
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
