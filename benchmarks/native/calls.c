/* One loop per way to call, for counting instructions and for timing.
 *
 *     calls FOLDER PROVIDER.so CONSUMER.so WAY ROUNDS
 *
 * WAY: plain (a function pointer and self from memory), guarded (hotgraft_enter, call, hotgraft_leave), nested (the
 * consumer plugin calls the provider through call.h in its own loop), nested-plain (the same loop through a plain
 * pointer), work-plain and work-guarded (about 20 ns of work in the callee), batch (one guard over 64 calls). Prints
 * nanoseconds for all rounds. Loop alignment comes from the compiler: build once with -falign-loops=16, 32 and 64.
 */
#include <hotgraft_core.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench_interface.h"

static hotgraft_import provider = HOTGRAFT_IMPORT("provider", "^1", 0);
static hotgraft_import consumer = HOTGRAFT_IMPORT("consumer", "^1", 0);

/* What a hand-written program would hold: a table and a self in memory, read anew for each call. */
static struct plain {
    const provider_v1 *functions;
    void *self;
} plain_provider;
static struct plain *volatile plain_at = &plain_provider;

static void fail(const hotgraft_error *error) {
    fprintf(stderr, "%s\n", error->message);
    exit(1);
}

/* `requires`: the provider that the plugin's import of that name leads to, or NULL. */
static hotgraft_core_plugin *bring(const char *name, const char *folder, const char *id, const char *image,
                                   hotgraft_import *import, hotgraft_core_plugin *requires) {
    hotgraft_core_plugin *plugin = NULL;
    hotgraft_error error = {.struct_size = sizeof error};
    if (hotgraft_core_open(name, folder, &id, 1, &plugin, &error) != HOTGRAFT_CORE_OK ||
        (requires != NULL &&
         hotgraft_core_require(plugin, "provider", requires, "provider/1", &error) != HOTGRAFT_CORE_OK) ||
        hotgraft_core_load(plugin, image, NULL, UINT64_C(5000000000), NULL, &error) != HOTGRAFT_CORE_OK ||
        hotgraft_core_import(plugin, id, import, &error) != HOTGRAFT_CORE_OK) {
        fail(&error);
    }
    return plugin;
}

__attribute__((noinline)) static int64_t run_plain(int64_t rounds) {
    int64_t sum = 0;
    struct plain *const at = plain_at;
    for (int64_t i = 0; i < rounds; ++i) {
        sum += at->functions->add(at->self, i, 1);
        __asm__ volatile("" ::: "memory");
    }
    return sum;
}

__attribute__((noinline)) static int64_t run_guarded(const hotgraft_import *import, int64_t rounds) {
    int64_t sum = 0;
    for (int64_t i = 0; i < rounds; ++i) {
        hotgraft_guard guard;
        const hotgraft_table *table = hotgraft_enter(import, &guard);
        if (table == NULL) {
            abort();
        }
        sum += HOTGRAFT_INTERFACE(provider_v1, table)->add(table->self, i, 1);
        hotgraft_leave(&guard);
        __asm__ volatile("" ::: "memory");
    }
    return sum;
}

__attribute__((noinline)) static int64_t run_work_plain(int64_t rounds) {
    int64_t sum = 0;
    struct plain *const at = plain_at;
    for (int64_t i = 0; i < rounds; ++i) {
        sum += at->functions->work(at->self, i);
        __asm__ volatile("" ::: "memory");
    }
    return sum;
}

__attribute__((noinline)) static int64_t run_work_guarded(const hotgraft_import *import, int64_t rounds) {
    int64_t sum = 0;
    for (int64_t i = 0; i < rounds; ++i) {
        hotgraft_guard guard;
        const hotgraft_table *table = hotgraft_enter(import, &guard);
        if (table == NULL) {
            abort();
        }
        sum += HOTGRAFT_INTERFACE(provider_v1, table)->work(table->self, i);
        hotgraft_leave(&guard);
        __asm__ volatile("" ::: "memory");
    }
    return sum;
}

__attribute__((noinline)) static int64_t run_batch(const hotgraft_import *import, int64_t rounds) {
    int64_t sum = 0;
    for (int64_t i = 0; i < rounds; i += 64) {
        hotgraft_guard guard;
        const hotgraft_table *table = hotgraft_enter(import, &guard);
        if (table == NULL) {
            abort();
        }
        for (int64_t k = 0; k < 64; ++k) {
            sum += HOTGRAFT_INTERFACE(provider_v1, table)->add(table->self, i + k, 1);
            __asm__ volatile("" ::: "memory");
        }
        hotgraft_leave(&guard);
    }
    return sum;
}

/* The loop itself runs inside the consumer plugin. */
static int64_t run_consumer(int64_t rounds, int is_guarded) {
    hotgraft_guard guard;
    int64_t sum = 0;
    const hotgraft_table *table = hotgraft_enter(&consumer, &guard);
    if (table == NULL) {
        abort();
    }
    const consumer_v1 *functions = HOTGRAFT_INTERFACE(consumer_v1, table);
    sum = is_guarded ? functions->nested(table->self, rounds)
                     : functions->nested_plain(table->self, rounds, (const uint8_t *)plain_provider.functions,
                                               plain_provider.self);
    hotgraft_leave(&guard);
    return sum;
}

static int64_t run(const char *way, int64_t rounds) {
    if (strcmp(way, "plain") == 0) {
        return run_plain(rounds);
    }
    if (strcmp(way, "guarded") == 0) {
        return run_guarded(&provider, rounds);
    }
    if (strcmp(way, "work-plain") == 0) {
        return run_work_plain(rounds);
    }
    if (strcmp(way, "work-guarded") == 0) {
        return run_work_guarded(&provider, rounds);
    }
    if (strcmp(way, "batch") == 0) {
        return run_batch(&provider, rounds);
    }
    return run_consumer(rounds, strcmp(way, "nested") == 0);
}

int main(int argc, char **argv) {
    struct timespec begin;
    struct timespec end;
    hotgraft_guard guard;
    const hotgraft_table *table = NULL;
    int64_t sum = 0;
    if (argc != 6) {
        fprintf(stderr, "usage: calls FOLDER PROVIDER.so CONSUMER.so WAY ROUNDS\n");
        return 2;
    }
    bring("consumer", argv[1], "consumer/1", argv[3], &consumer,
          bring("provider", argv[1], "provider/1", argv[2], &provider, NULL));
    table = hotgraft_enter(&provider, &guard);
    plain_provider.functions = HOTGRAFT_INTERFACE(provider_v1, table);
    plain_provider.self = table->self;
    hotgraft_leave(&guard);
    (void)run(argv[4], 640);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    sum = run(argv[4], strtoll(argv[5], NULL, 10));
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%lld %lld\n", (long long)((end.tv_sec - begin.tv_sec) * 1000000000LL + end.tv_nsec - begin.tv_nsec),
           (long long)(sum & 1));
    return 0;
}
