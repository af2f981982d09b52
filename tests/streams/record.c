/* Records how long calls of a real plugin take, as a host's sampler would see it.
 *
 *     record FOLDER IMAGE.so biquad|textstats SECONDS GAP_NS SIZE
 *
 * A caller works without end: a call of SIZE samples or bytes, every GAP_NS if it can (0: one after another). A sampler
 * asks 2,000 times a second for the next call that begins to be timed, whatever the calls before it took. Printed at
 * the end, a line per tenth of a second: the times of the calls that ended in it, in nanoseconds; with a minus those in
 * which the scheduler pushed the caller off its processor (getrusage(2), ru_nivcsw).
 */
#include <hotgraft_core.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "biquad.h"
#include "textstats.h"

#define DEADLINE_NS UINT64_C(5000000000)
#define TICK_NS     UINT64_C(500000)
#define SLICE_NS    UINT64_C(100000000)
#define TIMES_MAX   (1u << 20)
#define SIZE_MAX_   65536u

typedef struct times {
    uint64_t at_ns[TIMES_MAX];
    uint64_t ns[TIMES_MAX];
    int was_pushed_off[TIMES_MAX];
    uint32_t count;
} times;

static hotgraft_import import;
static int is_text;
static uint64_t size;
static uint64_t gap_ns;
static uint64_t began_ns;
static atomic_int is_wanted;
static atomic_int is_over;
static times calls;
static char text[SIZE_MAX_];
static float samples[SIZE_MAX_];

static uint64_t now_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static void sleep_until(uint64_t ns) {
    const struct timespec when = {(time_t)(ns / UINT64_C(1000000000)), (long)(ns % UINT64_C(1000000000))};
    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL);
}

/* How often the scheduler took the processor from this thread while it wanted to go on. */
static long times_pushed_off(void) {
    struct rusage usage;
    return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_nivcsw : 0;
}

static void note(times *into, uint64_t start, uint64_t end, int was_pushed_off) {
    if (into->count < TIMES_MAX) {
        into->at_ns[into->count] = end - began_ns;
        into->was_pushed_off[into->count] = was_pushed_off;
        into->ns[into->count++] = end - start;
    }
}

static void call_once(void) {
    static float out[SIZE_MAX_];
    hotgraft_guard guard;
    uint64_t stamp = 0;
    hotgraft_status status = HOTGRAFT_E_FAILED;
    const hotgraft_table *table = hotgraft_enter(&import, &guard);
    if (table != NULL) {
        status = is_text ? HOTGRAFT_INTERFACE(textstats_v1, table)->feed(table->self, (const uint8_t *)text, size)
                         : HOTGRAFT_INTERFACE(biquad_v1, table)->process(table->self, 0, samples, out, size, &stamp);
        hotgraft_leave(&guard);
    }
    if (status != HOTGRAFT_OK) {
        fprintf(stderr, "record: a call failed\n");
        exit(1);
    }
}

static void *call_all_the_time(void *unused) {
    (void)unused;
    while (!atomic_load(&is_over)) {
        const int is_timed = atomic_exchange(&is_wanted, 0);
        const long pushed_off = is_timed ? times_pushed_off() : 0;
        const uint64_t start = now_ns();
        call_once();
        if (is_timed) {
            const uint64_t end = now_ns();
            note(&calls, start, end, times_pushed_off() != pushed_off);
        }
        if (gap_ns > 0) {
            sleep_until(start + gap_ns);
        }
    }
    return NULL;
}

static void sample(uint64_t seconds) {
    for (uint64_t next = began_ns; next < began_ns + seconds * UINT64_C(1000000000); next += TICK_NS) {
        sleep_until(next);
        atomic_store(&is_wanted, 1);
    }
}

static void fill_inputs(void) {
    static const char letters[] = "etaoin shrdlu cmfwyp ";
    uint64_t state = 1;
    for (uint32_t i = 0; i < SIZE_MAX_; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        text[i] = letters[(state >> 40) % (sizeof letters - 1)];
        samples[i] = (float)((state >> 40) % 2000) / 1000.0F - 1.0F;
    }
}

static void print_slices(uint64_t seconds) {
    uint32_t call = 0;
    for (uint64_t end = SLICE_NS; end <= seconds * UINT64_C(1000000000); end += SLICE_NS) {
        while (call < calls.count && calls.at_ns[call] < end) {
            printf("%s%llu ", calls.was_pushed_off[call] ? "-" : "", (unsigned long long)calls.ns[call]);
            call++;
        }
        printf("\n");
    }
}

int main(int argc, char **argv) {
    hotgraft_core_plugin *plugin = NULL;
    hotgraft_error error = {.struct_size = sizeof error};
    pthread_t caller;
    if (argc != 7) {
        fprintf(stderr, "usage: record FOLDER IMAGE.so biquad|textstats SECONDS GAP_NS SIZE\n");
        return 2;
    }
    is_text = strcmp(argv[3], "textstats") == 0;
    gap_ns = strtoull(argv[5], NULL, 10);
    size = strtoull(argv[6], NULL, 10);
    const uint64_t seconds = strtoull(argv[4], NULL, 10);
    const char *const interfaces[] = {is_text ? "textstats/1" : "biquad/1"};
    import = (hotgraft_import)HOTGRAFT_IMPORT(argv[3], "^1", 0);
    fill_inputs();
    if (size > SIZE_MAX_ || hotgraft_core_open(argv[3], argv[1], interfaces, 1, &plugin, &error) != HOTGRAFT_CORE_OK ||
        hotgraft_core_import(plugin, interfaces[0], &import, &error) != HOTGRAFT_CORE_OK ||
        hotgraft_core_load(plugin, argv[2], NULL, DEADLINE_NS, NULL, &error) != HOTGRAFT_CORE_OK) {
        fprintf(stderr, "record: %s\n", error.message);
        return 1;
    }
    began_ns = now_ns();
    if (pthread_create(&caller, NULL, call_all_the_time, NULL) != 0) {
        return 1;
    }
    sample(seconds);
    atomic_store(&is_over, 1);
    (void)pthread_join(caller, NULL);
    print_slices(seconds);
    return hotgraft_core_close(plugin, DEADLINE_NS, NULL) == HOTGRAFT_CORE_OK ? 0 : 1;
}
