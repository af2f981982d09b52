/* One half of a pair that calls each other: it answers with stamps of its code and of its state, and lets the other
 * half do so inside of its own call, to and fro.
 *
 * The code's stamp is a number in an instruction, 0 … 3, which the tests write into the bytes of the image; the serial
 * is of its config. Serial n is loaded with the code n modulo 4: an answer of two generations gives itself away. Its
 * state, a count for each caller, is handed over. It fails where its config says so: {"fail": "take"}. With
 * {"thread": ADDRESS} of a pair_thread it has a thread of its own that calls the other half without a pause.
 */
#define _GNU_SOURCE 1 /* pthread_tryjoin_np */

#include <hotgraft/call.h>
#include <hotgraft/hotgraft.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "pair_stamps.h"

#define PAIR_CODE   UINT64_C(0x5afe57a3c0de57a3) /* what is replaced in the image's bytes */
#define PAIR_LAYOUT 31

__attribute__((used, aligned(4), section(".note.hotgraft"))) static const struct {
    uint32_t name_bytes, text_bytes, type;
    char name[12], text[20];
} note = {9, 19, 1, "hotgraft", "{\"name\": \"pair\"}   "};

enum { KEEPS, SHALL_END, HAS_ENDED };

typedef struct pair_state {
    uint64_t counts[PAIR_LANES][8]; /* a line each */
} pair_state;

struct hotgraft_instance {
    const hotgraft_host *host;
    pair_state *state;
    uint64_t serial;
    int rests;
    pair_thread *own;
    pthread_t thread;
    int works;
    int ends; /* KEEPS, SHALL_END, HAS_ENDED: the last word is the thread's */
    char config[128];
};

static hotgraft_import other = HOTGRAFT_IMPORT("other", "^1.0", 0);

__attribute__((noinline)) static uint64_t code(void) {
    return PAIR_CODE;
}

static uint64_t stamp(const hotgraft_instance *half) {
    const uint64_t resting = half->rests || half->state == NULL ? PAIR_RESTING : 0;
    return half->serial << 8 | code() | resting;
}

static void ask(void *self, pair_call *call, uint64_t depth) {
    hotgraft_instance *half = self;
    const uint64_t before = stamp(half);
    hotgraft_guard guard;
    call->stamps[call->count++] = before;
    if (before & PAIR_RESTING) {
        return;
    }
    half->state->counts[call->lane][0] += 1;
    if (depth == 0) {
        return;
    }
    if (call->between != NULL && call->count == 1) {
        call->between(call->ctx);
    }
    const hotgraft_table *table = hotgraft_enter(&other, &guard);
    if (table == NULL) {
        call->refused += 1;
        return;
    }
    HOTGRAFT_INTERFACE(pair_v1, table)->ask(table->self, call, depth - 1);
    hotgraft_leave(&guard);
    call->stamps[call->count++] = stamp(half); /* still what it was, after all that */
}

static uint64_t total(void *self, uint64_t lane) {
    return ((hotgraft_instance *)self)->state->counts[lane][0];
}

static const pair_v1 functions = {sizeof(pair_v1), ask, total};

static void count(uint64_t *what, uint64_t more) {
    __atomic_add_fetch(what, more, __ATOMIC_SEQ_CST);
}

static void call_other(pair_thread *own) {
    pair_call call = {.lane = own->lane};
    hotgraft_guard guard;
    const hotgraft_table *table = hotgraft_enter(&other, &guard);
    if (table == NULL) {
        count(&own->refused, 1);
        return;
    }
    HOTGRAFT_INTERFACE(pair_v1, table)->ask(table->self, &call, own->depth);
    hotgraft_leave(&guard);
    uint64_t rested = 0;
    for (uint64_t i = 0; i < call.count; ++i) {
        rested += (call.stamps[i] & PAIR_RESTING) != 0;
    }
    const uint64_t entered = call.refused != 0 ? 1 : own->depth + 1;
    count(&own->resting, rested != 0);
    count(&own->refused, call.refused);
    count(&own->calls, rested == 0 && call.refused == 0);
    if (rested == 0) {
        count(&own->counted[0], (entered + 1) / 2);
        count(&own->counted[1], entered / 2);
    }
}

static void *work(void *arg) {
    struct hotgraft_instance *half = arg;
    pair_thread *own = half->own;
    const hotgraft_host *host = half->host;
    const hotgraft_ext_threads *threads = host->get_extension(host->ctx, HOTGRAFT_EXT_THREADS);
    if (own->registers != 0) {
        count(&own->faults, threads->register_thread(host->ctx) != HOTGRAFT_OK);
        count(&own->faults, threads->count(host->ctx) != 1);
    }
    if (own->registers > 1) {
        count(&own->faults, threads->register_thread(host->ctx) != HOTGRAFT_E_INVALID);
        count(&own->faults, threads->count(host->ctx) != 1);
    }
    int shall = SHALL_END;
    while (!__atomic_compare_exchange_n(&half->ends, &shall, HAS_ENDED, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) &&
           !__atomic_load_n(&own->ends, __ATOMIC_SEQ_CST)) {
        call_other(own);
        shall = SHALL_END;
    }
    if (own->registers != 0 && !own->just_ends) {
        count(&own->faults, threads->unregister_thread(host->ctx) != HOTGRAFT_OK);
        count(&own->faults, threads->unregister_thread(host->ctx) != HOTGRAFT_E_INVALID);
    }
    if (own->is_left) {
        pthread_detach(pthread_self()); /* nobody joins it */
    }
    __atomic_sub_fetch(&own->alive, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void begin_to_work(struct hotgraft_instance *half) {
    int shall = SHALL_END;
    if (half->own == NULL || (half->works && __atomic_compare_exchange_n(&half->ends, &shall, KEEPS, 0,
                                                                         __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))) {
        return; /* it has not seen that it was to end */
    }
    if (half->works && half->ends == HAS_ENDED) {
        half->works = pthread_join(half->thread, NULL) != 0;
    }
    if (!half->works) {
        half->ends = KEEPS;
        count(&half->own->alive, 1);
        half->works = pthread_create(&half->thread, NULL, work, half) == 0;
    }
}

/* Whether it has ended; asked again until it has, as quiesce is. */
static int ends_to_work(struct hotgraft_instance *half) {
    int keeps = KEEPS;
    if (half->works && !half->own->is_left) {
        __atomic_compare_exchange_n(&half->ends, &keeps, SHALL_END, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
        half->works = pthread_tryjoin_np(half->thread, NULL) != 0;
        return !half->works;
    }
    return 1;
}

static hotgraft_status act(const hotgraft_instance *half, const char *function, hotgraft_error *error) {
    if (strstr(half->config, function) == NULL) {
        return HOTGRAFT_OK;
    }
    strcpy(error->message, "told to fail in ");
    strcat(error->message, function);
    return HOTGRAFT_E_FAILED;
}

static hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config, hotgraft_instance **out,
                              hotgraft_error *error) {
    static const char key[] = "\"serial\":";
    static const char thread_key[] = "\"thread\":";
    hotgraft_instance *half = calloc(1, sizeof *half);
    (void)error;
    half->host = host;
    memcpy(half->config, config->ptr, config->len < sizeof half->config ? config->len : sizeof half->config - 1);
    half->serial = strtoull(strstr(half->config, key) + sizeof key - 1, NULL, 10);
    const char *own = strstr(half->config, thread_key);
    half->own = own == NULL ? NULL : (pair_thread *)(uintptr_t)strtoull(own + sizeof thread_key - 1, NULL, 10);
    half->state = host->realloc(host->ctx, NULL, sizeof *half->state, 64);
    memset(half->state, 0, sizeof *half->state);
    *out = half;
    return HOTGRAFT_OK;
}

static hotgraft_status start(hotgraft_instance *half, hotgraft_error *error) {
    const hotgraft_status status = act(half, "start", error);
    if (status == HOTGRAFT_OK) {
        begin_to_work(half);
    }
    return status;
}

static hotgraft_status quiesce(hotgraft_instance *half, uint64_t budget_ns, hotgraft_error *error) {
    (void)budget_ns;
    if (!ends_to_work(half)) {
        return HOTGRAFT_AGAIN;
    }
    half->rests = 1;
    return act(half, "quiesce", error);
}

static hotgraft_status resume(hotgraft_instance *half, hotgraft_error *error) {
    (void)error;
    half->rests = 0;
    begin_to_work(half);
    return HOTGRAFT_OK;
}

static void destroy(hotgraft_instance *half) {
    (void)half->host->realloc(half->host->ctx, half->state, 0, 0);
    free(half);
}

static hotgraft_status take(hotgraft_instance *half, void *block, uint64_t bytes, uint64_t layout_id,
                            hotgraft_error *error) {
    const hotgraft_status status = act(half, "take", error);
    if (status != HOTGRAFT_OK || bytes != sizeof *half->state || layout_id != PAIR_LAYOUT) {
        return status != HOTGRAFT_OK ? status : HOTGRAFT_E_INVALID;
    }
    (void)half->host->realloc(half->host->ctx, half->state, 0, 0);
    half->state = block;
    return HOTGRAFT_OK;
}

static hotgraft_status surrender(hotgraft_instance *half, void **block, uint64_t *bytes, hotgraft_error *error) {
    const hotgraft_status status = act(half, "surrender", error);
    if (status == HOTGRAFT_OK) {
        *block = half->state;
        *bytes = sizeof *half->state;
        half->state = NULL;
    }
    return status;
}

static const hotgraft_ext_state state = {sizeof(hotgraft_ext_state), 1, PAIR_LAYOUT, NULL, NULL, take, surrender};

static const void *get_interface(hotgraft_instance *half, const char *id, void **self) {
    *self = half;
    return strcmp(id, "pair/1") == 0 ? &functions : NULL;
}

static const void *get_extension(const char *id) {
    return strcmp(id, HOTGRAFT_EXT_STATE) == 0 ? &state : NULL;
}

static const hotgraft_plugin plugin = {
    .struct_size = sizeof(hotgraft_plugin),
    .abi_minor = HOTGRAFT_ABI_MINOR,
    .descriptor = note.text,
    .descriptor_len = 19,
    .imports = &other,
    .import_count = 1,
    .create = create,
    .start = start,
    .quiesce = quiesce,
    .resume = resume,
    .destroy = destroy,
    .get_interface = get_interface,
    .get_extension = get_extension,
};

HOTGRAFT_EXPORT const hotgraft_plugin *hotgraft_plugin_v1(uint32_t host_abi_minor) {
    (void)host_abi_minor;
    return &plugin;
}
