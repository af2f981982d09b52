/* What a second caller, or swaps beside it, cost a caller. A line per sample, nanoseconds per call: alone, with the
 * other, and both again.
 *
 *     threads FOLDER PROVIDER.so pair SAMPLES NS        two threads that call / one
 *     threads FOLDER PROVIDER.so swapping SAMPLES NS    one caller while another thread swaps at 1 kHz / while it rests
 *
 * A swap here is all of it: copy, hash, inspect, map, create, publish, drain, unload, proof. Who swaps must reach 90 %
 * of that rate, or what was measured is something else: `swapping` then ends with 3.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "measure.h"
#include "provider/provider.h"

#define SWAP_PERIOD_NS       1000000
#define SWAPS_PER_SECOND_MIN 900
#define SLOW                 3

static hotgraft_import provider = HOTGRAFT_IMPORT("provider", "^1", 0);
static hotgraft_core_plugin *plugin;
static const char *image;

static int64_t run_guarded(int64_t rounds) {
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

/* --- pair --- */

static atomic_int arrived;
static int64_t pair_rounds;

/* Both begin together: who begins alone runs part of the time alone. */
static double run_beside(void) {
    atomic_fetch_add(&arrived, 1);
    while (atomic_load(&arrived) < 2) {
    }
    return time_of(run_guarded, pair_rounds);
}

static void *run_other(void *per_call) {
    *(double *)per_call = run_beside();
    return NULL;
}

static double time_alone(void *rounds) {
    return time_of(run_guarded, *(int64_t *)rounds);
}

static double time_of_pair(void *unused) {
    pthread_t other;
    double theirs = 0;
    double own = 0;
    (void)unused;
    atomic_store(&arrived, 0);
    if (pthread_create(&other, NULL, run_other, &theirs) != 0) {
        fail("no second thread");
    }
    own = run_beside();
    pthread_join(other, NULL);
    return (own + theirs) / 2;
}

static void pair(long samples, int64_t sample_ns) {
    pair_rounds = rounds_for(run_guarded, sample_ns);
    (void)time_of_pair(NULL);
    take_turns(time_alone, time_of_pair, &pair_rounds, samples);
}

/* --- swapping --- */

enum { REST, SWAP, END };
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int wish = REST;
static int is_resting = 0;
static int64_t swaps;
static int64_t swapping_ns;

/* Rests until it is told to swap, then swaps every millisecond until it is told to rest. */
static void *swap_on_demand(void *unused) {
    (void)unused;
    pthread_mutex_lock(&mutex);
    while (wish != END) {
        is_resting = 1;
        pthread_cond_broadcast(&changed);
        while (wish == REST) {
            pthread_cond_wait(&changed, &mutex);
        }
        is_resting = 0;
        int64_t next_ns = now_ns();
        const int64_t began_ns = next_ns;
        while (wish == SWAP) {
            pthread_mutex_unlock(&mutex);
            (void)load(plugin, image, NULL);
            ++swaps;
            next_ns += SWAP_PERIOD_NS;
            const struct timespec until = {next_ns / 1000000000, next_ns % 1000000000};
            (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
            pthread_mutex_lock(&mutex);
        }
        swapping_ns += now_ns() - began_ns;
        pthread_mutex_unlock(&mutex);
        see_unloaded(plugin);
        pthread_mutex_lock(&mutex);
    }
    pthread_mutex_unlock(&mutex);
    return NULL;
}

static void tell(int what) {
    pthread_mutex_lock(&mutex);
    wish = what;
    pthread_cond_broadcast(&changed);
    while (what == REST && !is_resting) {
        pthread_cond_wait(&changed, &mutex);
    }
    pthread_mutex_unlock(&mutex);
}

static double time_at_rest(void *rounds) {
    tell(REST);
    return time_alone(rounds);
}

static double time_beside_swaps(void *rounds) {
    tell(SWAP);
    return time_alone(rounds);
}

static void swapping(long samples, int64_t sample_ns) {
    pthread_t other;
    int64_t rounds = rounds_for(run_guarded, sample_ns);
    if (pthread_create(&other, NULL, swap_on_demand, NULL) != 0) {
        fail("no second thread");
    }
    take_turns(time_at_rest, time_beside_swaps, &rounds, samples);
    tell(END);
    pthread_join(other, NULL);
    if ((double)swaps * 1e9 < SWAPS_PER_SECOND_MIN * (double)swapping_ns) {
        fprintf(stderr, "only %.0f swaps per second\n", (double)swaps * 1e9 / (double)swapping_ns);
        exit(SLOW);
    }
}

int main(int argc, char **argv) {
    if (argc != 6) {
        fail("usage: threads FOLDER PROVIDER.so pair|swapping SAMPLES NS");
    }
    image = argv[2];
    plugin = bring("provider", argv[1], "provider/1", image, NULL, &provider, NULL);
    if (strcmp(argv[3], "pair") == 0) {
        pair(strtol(argv[4], NULL, 10), strtoll(argv[5], NULL, 10));
    } else {
        swapping(strtol(argv[4], NULL, 10), strtoll(argv[5], NULL, 10));
    }
    return 0;
}
