/* One of several plugins that call one another in a ring: LINK_NAME imports LINK_NEXT, both with interface "link". What
 * it counts is handed over, so that a swap of it closes a gate. With LINK_MORE it offers one function more, as 1.2.
 * `walk` goes `depth` links on and answers the last digits of all builds it went through; the link that has `at` left
 * to go runs the function at `address` first. Its config may say {"worker": "tries"}, "waits" or "registers": then a
 * thread of its own calls the next one, from start to quiesce, without waiting, waiting like anybody, or as its own.
 */
#include <hotgraft/call.h>
#include <hotgraft/hotgraft.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "counter_descriptor.h"

#define TEXT_OF(name) #name
#define TEXT(name)    TEXT_OF(name)

typedef struct link_v1 {
    uint32_t struct_size;
    int64_t (*walk)(void *self, int64_t depth, int64_t at, uint64_t address);
    int64_t (*try_next)(void *self);
    int64_t (*reach)(void *self);
    int64_t (*worked)(void *self);
#ifdef LINK_KNOWS_MORE
    int64_t (*more)(void *self); /* since 1.2 */
#endif
} link_v1;

struct hotgraft_instance {
    const hotgraft_host *host;
    int64_t *count;
    char config[128];
    pthread_t thread;
    int is_working;
    int is_to_stop;
    int64_t worked;
};

#ifdef CALLER_OPTIONAL
static hotgraft_import next = HOTGRAFT_IMPORT(TEXT(LINK_NEXT), LINK_RANGE, HOTGRAFT_IMPORT_OPTIONAL);
#else
static hotgraft_import next = HOTGRAFT_IMPORT(TEXT(LINK_NEXT), LINK_RANGE, 0);
#endif

static int64_t walk(void *self, int64_t depth, int64_t at, uint64_t address) {
    hotgraft_guard guard;
    if (depth == at && address != 0) {
        int64_t (*call)(void) = (int64_t(*)(void))(uintptr_t)address;
        call();
    }
    (void)self;
    if (depth == 0) {
        return COUNTER_BUILD;
    }
    const hotgraft_table *table = hotgraft_enter(&next, &guard);
    if (table == NULL) {
        return -1;
    }
    const int64_t answer = HOTGRAFT_INTERFACE(link_v1, table)->walk(table->self, depth - 1, at, address);
    hotgraft_leave(&guard);
    return answer < 0 ? answer : answer % 100000000000000000 * 10 + COUNTER_BUILD;
}

/* As a real-time thread calls: it never waits. -2: not now; -1: there is nobody. */
static int64_t try_next(void *self) {
    const hotgraft_host *host = ((hotgraft_instance *)self)->host;
    const hotgraft_table *table = host->try_enter(host->ctx, next.slot);
    if (table == NULL) {
        return -2;
    }
    const int64_t answer = HOTGRAFT_INTERFACE(link_v1, table)->walk(table->self, 0, -1, 0);
    host->leave(host->ctx, table);
    return answer;
}

static int64_t reach(void *self) {
    hotgraft_guard guard;
    const hotgraft_table *table = hotgraft_enter(&next, &guard);
    int64_t answer = -1;
    (void)self;
    if (table != NULL) {
        const link_v1 *link = HOTGRAFT_INTERFACE(link_v1, table);
#ifdef LINK_KNOWS_MORE
        answer = HOTGRAFT_HAS(link_v1, link, more) ? link->more(table->self) : link->walk(table->self, 0, -1, 0);
#else
        answer = link->walk(table->self, 0, -1, 0);
#endif
        hotgraft_leave(&guard);
    }
    return answer;
}

static int64_t worked(void *self) {
    return __atomic_load_n(&((hotgraft_instance *)self)->worked, __ATOMIC_SEQ_CST);
}

#ifdef LINK_MORE
static int64_t more(void *self) {
    (void)self;
    return 100 + COUNTER_BUILD;
}
static const link_v1 functions = {sizeof(link_v1), walk, try_next, reach, worked, more};
#elif defined(LINK_KNOWS_MORE)
static const link_v1 functions = {offsetof(link_v1, more), walk, try_next, reach, worked, NULL};
#else
static const link_v1 functions = {sizeof(link_v1), walk, try_next, reach, worked};
#endif

static void *work(void *arg) {
    const struct timespec pause = {0, 100000};
    hotgraft_instance *link = arg;
    const int registers = strstr(link->config, "\"worker\": \"registers\"") != NULL;
    const int waits = registers || strstr(link->config, "\"worker\": \"waits\"") != NULL;
    const hotgraft_ext_threads *threads = link->host->get_extension(link->host->ctx, HOTGRAFT_EXT_THREADS);
    if (registers && threads->register_thread(link->host->ctx) != HOTGRAFT_OK) {
        return NULL;
    }
    while (!__atomic_load_n(&link->is_to_stop, __ATOMIC_SEQ_CST)) {
        if ((waits ? walk(link, 1, -1, 0) : try_next(link)) > 0) {
            __atomic_add_fetch(&link->worked, 1, __ATOMIC_SEQ_CST);
        }
        nanosleep(&pause, NULL);
    }
    return NULL;
}

static hotgraft_status begin(hotgraft_instance *link, hotgraft_error *error) {
    (void)error;
    if (strstr(link->config, "\"worker\"") == NULL) {
        return HOTGRAFT_OK;
    }
    __atomic_store_n(&link->is_to_stop, 0, __ATOMIC_SEQ_CST);
    if (!link->is_working && pthread_create(&link->thread, NULL, work, link) != 0) {
        return HOTGRAFT_E_FAILED;
    }
    link->is_working = 1;
    return HOTGRAFT_OK;
}

static hotgraft_status quiesce(hotgraft_instance *link, uint64_t budget_ns, hotgraft_error *error) {
    (void)budget_ns;
    (void)error;
    __atomic_store_n(&link->is_to_stop, 1, __ATOMIC_SEQ_CST);
    if (link->is_working && pthread_tryjoin_np(link->thread, NULL) != 0) {
        return HOTGRAFT_AGAIN;
    }
    link->is_working = 0;
    return HOTGRAFT_OK;
}

static hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config, hotgraft_instance **out,
                              hotgraft_error *error) {
    hotgraft_instance *link = calloc(1, sizeof *link);
    int64_t *count = host->realloc(host->ctx, NULL, sizeof *count, 0);
    (void)error;
    if (link == NULL || count == NULL || config->len >= sizeof link->config) {
        free(link);
        host->realloc(host->ctx, count, 0, 0);
        return HOTGRAFT_E_NOMEM;
    }
    *count = 0;
    link->host = host;
    link->count = count;
    memcpy(link->config, config->ptr, config->len);
    *out = link;
    return HOTGRAFT_OK;
}

static void destroy(hotgraft_instance *link) {
    if (link->count != NULL) {
        link->host->realloc(link->host->ctx, link->count, 0, 0);
    }
    free(link);
}

static hotgraft_status take(hotgraft_instance *link, void *block, uint64_t bytes, uint64_t layout_id,
                            hotgraft_error *error) {
    (void)error;
    if (bytes != sizeof *link->count || layout_id != COUNTER_LAYOUT) {
        return HOTGRAFT_E_INVALID;
    }
    if (link->count != NULL) {
        link->host->realloc(link->host->ctx, link->count, 0, 0);
    }
    link->count = block;
    return HOTGRAFT_OK;
}

static hotgraft_status surrender(hotgraft_instance *link, void **block, uint64_t *bytes, hotgraft_error *error) {
    (void)error;
    *block = link->count;
    *bytes = sizeof *link->count;
    link->count = NULL;
    return HOTGRAFT_OK;
}

static const hotgraft_ext_state state = {
    .struct_size = sizeof(hotgraft_ext_state),
    .schema = 1,
    .layout_id = COUNTER_LAYOUT,
    .take = take,
    .surrender = surrender,
};

static const void *get_extension(const char *id) {
    return strcmp(id, HOTGRAFT_EXT_STATE) == 0 ? &state : NULL;
}

static const void *get_interface(hotgraft_instance *link, const char *id, void **self) {
    *self = link;
    return strcmp(id, TEXT(LINK_NAME) "/1") == 0 ? &functions : NULL;
}

static const hotgraft_plugin plugin = {
    .struct_size = sizeof(hotgraft_plugin),
    .abi_minor = HOTGRAFT_ABI_MINOR,
    .descriptor = counter_descriptor,
    .descriptor_len = sizeof counter_descriptor_note.text,
    .imports = &next,
    .import_count = 1,
    .create = create,
    .start = begin,
    .quiesce = quiesce,
    .resume = begin,
    .destroy = destroy,
    .get_interface = get_interface,
    .get_extension = get_extension,
};

const hotgraft_plugin *hotgraft_plugin_v1(uint32_t host_abi_minor) {
    (void)host_abi_minor;
    return &plugin;
}
