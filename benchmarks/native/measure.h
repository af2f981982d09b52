/* What all measuring programs share: bringing plugins up, and the clock.
 *
 * A program measures one comparison and prints one line per sample: plain, measured, plain again, measured again. They
 * are taken in that order and round and round, so that whatever disturbs one disturbs all, and each side always follows
 * the other: what one leaves in the caches weighs the same on every sample. Judging is the caller's.
 */
#ifndef MEASURE_H
#define MEASURE_H

#include <hotgraft_core.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define DEADLINE_NS UINT64_C(10000000000)

static inline int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline void fail(const char *message) {
    fprintf(stderr, "%s\n", message);
    exit(1);
}

static inline hotgraft_core_report load(hotgraft_core_plugin *plugin, const char *image, const char *config_json) {
    hotgraft_error error = {.struct_size = sizeof error};
    hotgraft_core_report report = {.struct_size = sizeof report};
    if (hotgraft_core_load(plugin, image, config_json, DEADLINE_NS, &report, &error) != HOTGRAFT_CORE_OK) {
        fail(error.message);
    }
    return report;
}

/* Wait until everything that was replaced has left memory, for certain. */
static inline void see_unloaded(hotgraft_core_plugin *plugin) {
    char reason[512] = "";
    uint64_t proven = 0;
    uint64_t stuck = 0;
    if (hotgraft_core_unloaded(plugin, DEADLINE_NS, &proven, &stuck, reason, sizeof reason) != HOTGRAFT_CORE_OK ||
        stuck != 0) {
        fail(stuck != 0 ? reason : "a replaced library is still on its way out at the deadline");
    }
}

/* Load the first generation. `requires`: the provider that the plugin's import of that name leads to, or NULL. */
static inline hotgraft_core_plugin *bring(const char *name, const char *folder, const char *id, const char *image,
                                          const char *config_json, hotgraft_import *import,
                                          hotgraft_core_plugin *requires) {
    hotgraft_core_plugin *plugin = NULL;
    hotgraft_error error = {.struct_size = sizeof error};
    if (hotgraft_core_open(name, folder, &id, 1, &plugin, &error) != HOTGRAFT_CORE_OK ||
        hotgraft_core_import(plugin, id, import, &error) != HOTGRAFT_CORE_OK ||
        (requires != NULL &&
         hotgraft_core_require(plugin, "provider", requires, "provider/1", &error) != HOTGRAFT_CORE_OK)) {
        fail(error.message);
    }
    (void)load(plugin, image, config_json);
    return plugin;
}

/* How many rounds of `run` take `sample_ns`, a multiple of 64. */
static inline int64_t rounds_for(int64_t (*run)(int64_t rounds), int64_t sample_ns) {
    int64_t rounds = 64;
    for (;;) {
        const int64_t began_ns = now_ns();
        (void)run(rounds);
        if (now_ns() - began_ns >= sample_ns / 2 || rounds > (INT64_C(1) << 40)) {
            return rounds * 2;
        }
        rounds *= 2;
    }
}

/* Nanoseconds per round. */
static inline double time_of(int64_t (*run)(int64_t rounds), int64_t rounds) {
    const int64_t began_ns = now_ns();
    (void)run(rounds);
    return (double)(now_ns() - began_ns) / (double)rounds;
}

/* One measurement of `subject`, in the unit of the program. */
typedef double (*timed)(void *subject);

/* Measure in turn and print. Printed at the end: formatting in between would weigh on what is measured after it. */
static inline void take_turns(timed plain, timed measured, void *subject, long samples) {
    double *const taken = (double *)calloc((size_t)samples * 4, sizeof *taken);
    if (taken == NULL) {
        fail("no memory for the samples");
    }
    for (long i = 0; i < samples * 4; ++i) {
        taken[i] = i % 2 == 0 ? plain(subject) : measured(subject);
    }
    for (long i = 0; i < samples * 4; i += 4) {
        printf("%.4f %.4f %.4f %.4f\n", taken[i], taken[i + 1], taken[i + 2], taken[i + 3]);
    }
    free(taken);
}

#endif /* MEASURE_H */
