/* D09: who wants to be called back by a bell. What rings it answers with COUNTER_BUILD, or with -1000 where it holds
 * still. It gives the bell its number when it starts, serves again, or is told that the bell was replaced. Its config:
 *
 *     {"raw": 1}              gives its address instead, and tells nobody
 *     {"mute": 1}             offers nothing
 *     {"fail": "start"}
 *     {"withdraw": "quiesce"} offers it no more as soon as it is to hold still
 *     {"hold": "rung", "until": F}     a call-back does not return before there is a file F; F.inside is there
 * meanwhile
 *     {"hold": "quiesce", "until": F}  likewise
 */
#include <hotgraft/call.h>
#include <hotgraft/hotgraft.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "counter_descriptor.h"

typedef struct bell_v1 {
    uint32_t struct_size;
    int64_t (*ring)(void *self);
    hotgraft_status (*enlist)(void *self, uint64_t number);
    hotgraft_status (*enlist_raw)(void *self, uint64_t address, uint64_t data);
} bell_v1;

typedef struct rung_v1 {
    uint32_t struct_size;
    int64_t (*rung)(void *self);
} rung_v1;

typedef struct hearer_v1 {
    uint32_t struct_size;
    uint64_t (*number)(void *self);
    int64_t (*withdraw)(void *self);
    int64_t (*ring_there)(void *self);
    int64_t (*lease_to_bell)(void *self);
} hearer_v1;

struct hotgraft_instance {
    const hotgraft_host *host;
    const hotgraft_ext_callbacks *callbacks;
    uint64_t number;
    uint64_t lease;
    int is_resting;
    char config[512];
};

static hotgraft_import bell = HOTGRAFT_IMPORT("bell", "^1.0", 0);

static int is_told(const hotgraft_instance *hearer, const char *what) {
    return strstr(hearer->config, what) != NULL;
}

static int is_over(const hotgraft_instance *hearer) {
    char until[256] = "";
    const char *path = strstr(hearer->config, "\"until\": \"");
    if (path != NULL) {
        path += strlen("\"until\": \"");
        snprintf(until, sizeof until, "%.*s", (int)strcspn(path, "\""), path);
    }
    char inside[sizeof until + 8];
    snprintf(inside, sizeof inside, "%s.inside", until);
    close(open(inside, O_CREAT | O_WRONLY, 0600));
    return access(until, F_OK) == 0;
}

static int64_t rung(void *self) {
    const struct timespec look = {0, 1000000};
    hotgraft_instance *hearer = self;
    while (is_told(hearer, "\"hold\": \"rung\"") && !is_over(hearer)) {
        nanosleep(&look, NULL);
    }
    return __atomic_load_n(&hearer->is_resting, __ATOMIC_SEQ_CST) ? -1000 : COUNTER_BUILD;
}

static const rung_v1 to_be_rung = {sizeof(rung_v1), rung};

static hotgraft_status enlist(hotgraft_instance *hearer) {
    const int is_raw = is_told(hearer, "\"raw\": 1");
    hotgraft_guard guard;
    if (is_told(hearer, "\"mute\": 1")) {
        return HOTGRAFT_OK;
    }
    if (!is_raw) {
        hearer->number = hearer->callbacks->offer(hearer->host->ctx, "rung", 1u << 16, &to_be_rung, hearer);
        if (hearer->number == 0) {
            return HOTGRAFT_E_NOMEM;
        }
    }
    const hotgraft_table *table = hotgraft_enter(&bell, &guard);
    if (table == NULL) {
        return HOTGRAFT_OK; /* the bell is replaced with it: it will be told when that is over */
    }
    const bell_v1 *functions = HOTGRAFT_INTERFACE(bell_v1, table);
    const hotgraft_status status =
        is_raw ? functions->enlist_raw(table->self, (uint64_t)(uintptr_t)rung, (uint64_t)(uintptr_t)hearer)
               : functions->enlist(table->self, hearer->number);
    hotgraft_leave(&guard);
    return status;
}

static uint64_t number(void *self) {
    return ((hotgraft_instance *)self)->number;
}

static int64_t withdraw(void *self) {
    hotgraft_instance *hearer = self;
    return hearer->callbacks->withdraw(hearer->host->ctx, hearer->number);
}

static int64_t ring_there(void *self) {
    hotgraft_guard guard;
    const hotgraft_table *table = hotgraft_enter(&bell, &guard);
    (void)self;
    if (table == NULL) {
        return -1;
    }
    const int64_t answer = HOTGRAFT_INTERFACE(bell_v1, table)->ring(table->self);
    hotgraft_leave(&guard);
    return answer;
}

static int64_t lease_to_bell(void *self) {
    hotgraft_instance *hearer = self;
    const hotgraft_host *host = hearer->host;
    if (hearer->lease != 0) { /* the bell gave it back */
        host->unlease(host->ctx, hearer->lease);
        hearer->lease = 0;
    } else {
        hearer->lease = hearer->callbacks->lease_to(host->ctx, "bell", "the bell has its clapper");
    }
    return (int64_t)hearer->lease;
}

static const hearer_v1 functions = {sizeof(hearer_v1), number, withdraw, ring_there, lease_to_bell};

static hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config, hotgraft_instance **out,
                              hotgraft_error *error) {
    hotgraft_instance *hearer = calloc(1, sizeof *hearer);
    (void)error;
    if (hearer == NULL || config->len >= sizeof hearer->config) {
        free(hearer);
        return HOTGRAFT_E_NOMEM;
    }
    hearer->host = host;
    hearer->callbacks = host->get_extension(host->ctx, HOTGRAFT_EXT_CALLBACKS);
    memcpy(hearer->config, config->ptr, config->len);
    *out = hearer;
    return HOTGRAFT_OK;
}

static hotgraft_status start(hotgraft_instance *hearer, hotgraft_error *error) {
    const hotgraft_status status = enlist(hearer);
    (void)error;
    return is_told(hearer, "\"fail\": \"start\"") ? HOTGRAFT_E_FAILED : status;
}

static hotgraft_status quiesce(hotgraft_instance *hearer, uint64_t budget_ns, hotgraft_error *error) {
    (void)budget_ns;
    (void)error;
    __atomic_store_n(&hearer->is_resting, 1, __ATOMIC_SEQ_CST);
    if (hearer->lease != 0) { /* the bell is replaced with it, and has nothing of it any more */
        hearer->host->unlease(hearer->host->ctx, hearer->lease);
        hearer->lease = 0;
    }
    if (is_told(hearer, "\"hold\": \"quiesce\"") && !is_over(hearer)) {
        return HOTGRAFT_AGAIN;
    }
    if (is_told(hearer, "\"withdraw\": \"quiesce\"")) {
        return hearer->callbacks->withdraw(hearer->host->ctx, hearer->number);
    }
    return HOTGRAFT_OK;
}

static hotgraft_status resume(hotgraft_instance *hearer, hotgraft_error *error) {
    (void)error;
    __atomic_store_n(&hearer->is_resting, 0, __ATOMIC_SEQ_CST);
    return is_told(hearer, "\"withdraw\": \"quiesce\"") ? HOTGRAFT_OK : enlist(hearer);
}

static void destroy(hotgraft_instance *hearer) {
    free(hearer);
}

static const void *get_interface(hotgraft_instance *hearer, const char *id, void **self) {
    *self = hearer;
    return strcmp(id, "hearer/1") == 0 ? &functions : NULL;
}

static void changed(hotgraft_instance *hearer, const hotgraft_change *change) {
    (void)change;
    (void)enlist(hearer);
}

static const hotgraft_ext_notify notify = {sizeof(hotgraft_ext_notify), 0, NULL, changed, NULL};

#ifdef COUNTER_SAVES
static hotgraft_status save(hotgraft_instance *hearer, const hotgraft_sink *sink, hotgraft_error *error) {
    const int64_t is_resting = hearer->is_resting;
    (void)error;
    return sink->put(sink->ctx, "rests", HOTGRAFT_VALUE_I64, &is_resting, sizeof is_resting);
}

static hotgraft_status restore(hotgraft_instance *hearer, uint32_t schema, const hotgraft_source *source,
                               hotgraft_error *error) {
    (void)hearer;
    (void)schema;
    (void)source;
    (void)error;
    return HOTGRAFT_OK;
}

static const hotgraft_ext_state state = {
    .struct_size = sizeof(hotgraft_ext_state), .schema = 1, .save = save, .restore = restore};
#endif

static const void *get_extension(const char *id) {
#ifdef COUNTER_SAVES
    if (strcmp(id, HOTGRAFT_EXT_STATE) == 0) {
        return &state;
    }
#endif
    return strcmp(id, HOTGRAFT_EXT_NOTIFY) == 0 ? &notify : NULL;
}

static const hotgraft_plugin plugin = {
    .struct_size = sizeof(hotgraft_plugin),
    .abi_minor = HOTGRAFT_ABI_MINOR,
    .descriptor = counter_descriptor,
    .descriptor_len = sizeof counter_descriptor_note.text,
    .imports = &bell,
    .import_count = 1,
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
