/* Native callers. Never replaced while they run. */
#include "hammer.h"
#include "../ground.h"
#include "../leaf.h"
#include "../roof.h"
#include "../stress_plugin.h"
#include "hammer_descriptor.h"

#include <hotgraft/call.h>

#include <pthread.h>

enum { CALLS, WRONG, FAILED, GATES_MET, NESTED, BACK, ADDED, THREADS, COUNTS };
enum { GROUND, ROOF, LEAF, PROVIDERS };
enum { HOT, NESTING, CHURNING, KINDS };

/* Places of functions in the interface structs, which all begin alike. */
enum { STAMP, BELOW, AROUND };

static hotgraft_import imports[PROVIDERS] = {
    HOTGRAFT_IMPORT("ground", "^1.0", 0),
    HOTGRAFT_IMPORT("roof", "^1.0", 0),
    HOTGRAFT_IMPORT("leaf", "^1.0", 0),
};

#define MOST_THREADS 8

struct hotgraft_instance {
    uint64_t counts[COUNTS];
    int is_over;
    uint32_t started;
    pthread_t threads[MOST_THREADS];
};

/* One thread's view: what it saw last of each provider, and counts that it adds to the instance's now and then. */
typedef struct view {
    hotgraft_instance *hammer;
    uint64_t counts[COUNTS];
    uint64_t last[PROVIDERS];
} view;

static void flush(view *own) {
    for (int i = 0; i < COUNTS; i++) {
        __atomic_fetch_add(&own->hammer->counts[i], own->counts[i], __ATOMIC_RELAXED);
        own->counts[i] = 0;
    }
}

/* An answer must be of one piece and never of an older generation than this thread has seen. */
static void judge(view *own, int provider, uint64_t answer) {
    own->counts[CALLS]++;
    if (!stress_is_whole(answer) || answer >> 8 < own->last[provider]) {
        own->counts[WRONG]++;
    } else {
        own->last[provider] = answer >> 8;
    }
}

/* As hotgraft_enter, and counts the closed gates that it meets. */
static const hotgraft_table *enter(view *own, const hotgraft_import *import, hotgraft_guard *guard) {
    const hotgraft_table *check = __atomic_load_n(&import->slot->check, __ATOMIC_RELAXED);
    own->counts[GATES_MET] += (uintptr_t)check == 1;
    return hotgraft_enter(import, guard);
}

static void ask(view *own, int provider, int place, int about) {
    hotgraft_guard guard;
    const hotgraft_table *table = enter(own, &imports[provider], &guard);
    if (table == NULL) {
        own->counts[FAILED]++;
        return;
    }
    const roof_v1 *functions = HOTGRAFT_INTERFACE(roof_v1, table); /* the longest of those that begin alike */
    const uint64_t answer = (&functions->stamp)[place](table->self);
    hotgraft_leave(&guard);
    judge(own, about, answer);
}

static void add(view *own) {
    hotgraft_guard guard;
    const hotgraft_table *table = enter(own, &imports[GROUND], &guard);
    if (table == NULL) {
        own->counts[FAILED]++;
        return;
    }
    const uint64_t answer = HOTGRAFT_INTERFACE(ground_v1, table)->add(table->self, 1);
    hotgraft_leave(&guard);
    own->counts[ADDED]++;
    judge(own, GROUND, answer);
}

static int is_over(const hotgraft_instance *hammer) {
    return __atomic_load_n(&hammer->is_over, __ATOMIC_RELAXED);
}

static void *call_hot(void *arg) {
    view own = {.hammer = arg};
    while (!is_over(own.hammer)) {
        for (int i = 0; i < 500; i++) {
            ask(&own, GROUND, STAMP, GROUND);
            ask(&own, ROOF, STAMP, ROOF);
            ask(&own, LEAF, STAMP, LEAF);
            add(&own);
        }
        flush(&own);
    }
    return NULL;
}

static void nest(view *own) {
    ask(own, ROOF, BELOW, GROUND);
    ask(own, ROOF, AROUND, ROOF);
    own->counts[NESTED]++;
    own->counts[BACK]++;
}

static void *call_nested(void *arg) {
    view own = {.hammer = arg};
    while (!is_over(own.hammer)) {
        for (int i = 0; i < 500; i++) {
            nest(&own);
        }
        flush(&own);
    }
    return NULL;
}

static void *call_briefly(void *arg) {
    view own = {.hammer = arg};
    for (int i = 0; i < 20; i++) {
        ask(&own, GROUND, STAMP, GROUND);
        nest(&own);
    }
    flush(&own);
    return NULL;
}

/* Four at a time, each with a record of its own. */
static void *let_threads_come_and_go(void *arg) {
    view own = {.hammer = arg};
    while (!is_over(own.hammer)) {
        pthread_t threads[4];
        int made = 0;
        while (made < 4 && pthread_create(&threads[made], NULL, call_briefly, arg) == 0) {
            made++;
        }
        own.counts[THREADS] += (uint64_t)made;
        while (made > 0) {
            (void)pthread_join(threads[--made], NULL);
        }
        flush(&own);
    }
    return NULL;
}

static hotgraft_status begin(void *self, uint32_t kind) {
    static void *(*const bodies[KINDS])(void *) = {call_hot, call_nested, let_threads_come_and_go};
    hotgraft_instance *hammer = self;
    if (kind >= KINDS || hammer->started == MOST_THREADS ||
        pthread_create(&hammer->threads[hammer->started], NULL, bodies[kind], hammer) != 0) {
        return HOTGRAFT_E_FAILED;
    }
    hammer->started++;
    return HOTGRAFT_OK;
}

static hotgraft_status end(void *self) {
    hotgraft_instance *hammer = self;
    __atomic_store_n(&hammer->is_over, 1, __ATOMIC_RELAXED);
    while (hammer->started > 0) {
        (void)pthread_join(hammer->threads[--hammer->started], NULL);
    }
    return HOTGRAFT_OK;
}

static hotgraft_status counts(void *self, uint64_t *out, uint64_t n) {
    const hotgraft_instance *hammer = self;
    for (uint64_t i = 0; i < n; i++) {
        out[i] = i < COUNTS ? __atomic_load_n(&hammer->counts[i], __ATOMIC_RELAXED) : 0;
    }
    return HOTGRAFT_OK;
}

static const hammer_v1 interface = {sizeof(hammer_v1), begin, end, counts};

static hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config, hotgraft_instance **instance,
                              hotgraft_error *error) {
    (void)host;
    (void)config;
    (void)error;
    *instance = calloc(1, sizeof **instance);
    return *instance == NULL ? HOTGRAFT_E_NOMEM : HOTGRAFT_OK;
}

static void destroy(hotgraft_instance *hammer) {
    (void)end(hammer);
    free(hammer);
}

static const void *get_interface(hotgraft_instance *hammer, const char *id, void **self) {
    *self = hammer;
    return strcmp(id, "hammer/1") == 0 ? &interface : NULL;
}

static const hotgraft_plugin plugin = {
    .struct_size = sizeof(hotgraft_plugin),
    .abi_minor = HOTGRAFT_ABI_MINOR,
    .descriptor = hotgraft_descriptor,
    .descriptor_len = sizeof hotgraft_descriptor,
    .imports = imports,
    .import_count = PROVIDERS,
    .create = create,
    .destroy = destroy,
    .get_interface = get_interface,
};

const hotgraft_plugin *hotgraft_plugin_v1(uint32_t host_abi_minor) {
    (void)host_abi_minor;
    return &plugin;
}
