/* What a guarded call costs beside a plain one.
 *
 *     calls FOLDER PROVIDER.so CONSUMER.so count ROUNDS                    every way once, for callgrind
 *     calls FOLDER PROVIDER.so CONSUMER.so compare PLAIN WAY SAMPLES NS    a line per sample, nanoseconds per call
 *
 * PLAIN and WAY are names of the list below. Loop alignment comes from the compiler: build once with -falign-loops=16,
 * 32 and 64.
 */
#include <string.h>

#include "loops.h"
#include "measure.h"

hotgraft_import provider = HOTGRAFT_IMPORT("provider", "^1", 0);
hotgraft_import consumer = HOTGRAFT_IMPORT("consumer", "^1", 0);
plain_target plain_provider;

static const struct {
    const char *name;
    loop run;
} ways[] = {
    {"plain", run_plain},
    {"guarded", run_guarded},
    {"guarded-cpp", run_guarded_cpp},
    {"batch", run_batch},
    {"work-plain", run_work_plain},
    {"work-guarded", run_work_guarded},
    {"nested-plain", run_nested_plain},
    {"nested", run_nested},
};

/* The functions and self that `import` leads to now. */
static plain_target plain_target_of(const hotgraft_import *import) {
    hotgraft_guard guard;
    plain_target target;
    const hotgraft_table *table = hotgraft_enter(import, &guard);
    if (table == NULL) {
        fail("provider: nothing is loaded");
    }
    target.functions = HOTGRAFT_INTERFACE(provider_v1, table);
    target.self = table->self;
    hotgraft_leave(&guard);
    return target;
}

static loop find_way(const char *name) {
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; ++i) {
        if (strcmp(ways[i].name, name) == 0) {
            return ways[i].run;
        }
    }
    fail("no such way to call");
    return NULL;
}

/* Two ways and how often to call: what is compared. */
typedef struct comparison {
    loop plain;
    loop measured;
    int64_t rounds;
} comparison;

static double time_plain(void *subject) {
    const comparison *const it = subject;
    return time_of(it->plain, it->rounds);
}

static double time_measured(void *subject) {
    const comparison *const it = subject;
    return time_of(it->measured, it->rounds);
}

static void compare(loop plain, loop measured, long samples, int64_t sample_ns) {
    comparison it = {plain, measured, rounds_for(plain, sample_ns)};
    (void)time_measured(&it);
    take_turns(time_plain, time_measured, &it, samples);
}

int main(int argc, char **argv) {
    if (argc != 6 && argc != 9) {
        fail("usage: calls FOLDER PROVIDER.so CONSUMER.so (count ROUNDS | compare PLAIN WAY SAMPLES NS)");
    }
    (void)bring("consumer", argv[1], "consumer/1", argv[3], NULL, &consumer,
                bring("provider", argv[1], "provider/1", argv[2], NULL, &provider, NULL));
    plain_provider = plain_target_of(&provider);
    if (argc == 9) {
        compare(find_way(argv[5]), find_way(argv[6]), strtol(argv[7], NULL, 10), strtoll(argv[8], NULL, 10));
    } else {
        for (size_t i = 0; i < sizeof ways / sizeof ways[0]; ++i) {
            (void)ways[i].run(strtoll(argv[5], NULL, 10));
        }
    }
    return 0;
}
