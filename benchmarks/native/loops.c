/* The loops in C. The clobber at the end of each round makes a compiler read memory anew, as between real calls. */
#include <stdlib.h>

#include "loops.h"

static plain_target *volatile plain_at = &plain_provider;

int64_t run_plain(int64_t rounds) {
    int64_t sum = 0;
    plain_target *const at = plain_at;
    for (int64_t i = 0; i < rounds; ++i) {
        sum += at->functions->add(at->self, i, 1);
        __asm__ volatile("" ::: "memory");
    }
    return sum;
}

int64_t run_guarded(int64_t rounds) {
    int64_t sum = 0;
    for (int64_t i = 0; i < rounds; ++i) {
        hotgraft_guard guard;
        const hotgraft_table *table = hotgraft_enter(&provider, &guard);
        if (table == NULL) {
            abort();
        }
        sum += HOTGRAFT_INTERFACE(provider_v1, table)->add(table->self, i, 1);
        hotgraft_leave(&guard);
        __asm__ volatile("" ::: "memory");
    }
    return sum;
}

int64_t run_work_plain(int64_t rounds) {
    int64_t sum = 0;
    plain_target *const at = plain_at;
    for (int64_t i = 0; i < rounds; ++i) {
        sum += at->functions->work(at->self, i);
        __asm__ volatile("" ::: "memory");
    }
    return sum;
}

int64_t run_work_guarded(int64_t rounds) {
    int64_t sum = 0;
    for (int64_t i = 0; i < rounds; ++i) {
        hotgraft_guard guard;
        const hotgraft_table *table = hotgraft_enter(&provider, &guard);
        if (table == NULL) {
            abort();
        }
        sum += HOTGRAFT_INTERFACE(provider_v1, table)->work(table->self, i);
        hotgraft_leave(&guard);
        __asm__ volatile("" ::: "memory");
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

int64_t run_nested(int64_t rounds) {
    return run_consumer(rounds, 1);
}

int64_t run_nested_plain(int64_t rounds) {
    return run_consumer(rounds, 0);
}
