/* What a swap of a plugin with state costs, by the core's own report. A line per sample, microseconds.
 *
 *     swaps FOLDER HOLDER.so hand-over SAMPLES BYTES    surrender and take: 64 bytes beside BYTES
 *     swaps FOLDER HOLDER.so pause SAMPLES THREADS      gates closed to open, under THREADS callers that never rest
 *
 * Before `hand-over` measures, one swap is done with every page of the state made inaccessible: whoever touches one
 * byte of it dies there. Every swap must leave the block at its address.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "holder/holder.h"
#include "measure.h"

/* A plugin, the import that leads to it, and where its state lies. */
typedef struct held {
    hotgraft_core_plugin *plugin;
    hotgraft_import import;
    uint64_t address;
} held;

static const char *image;

static uint64_t address_of(const hotgraft_import *import) {
    hotgraft_guard guard;
    uint64_t address = 0;
    const hotgraft_table *table = hotgraft_enter(import, &guard);
    if (table == NULL) {
        fail("holder: nothing is loaded");
    }
    address = HOTGRAFT_INTERFACE(holder_v1, table)->address(table->self);
    hotgraft_leave(&guard);
    return address;
}

static void bring_holder(held *it, const char *name, const char *folder, uint64_t bytes) {
    char config[64];
    (void)snprintf(config, sizeof config, "{\"bytes\":%llu}", (unsigned long long)bytes);
    it->plugin = bring(name, folder, "holder/1", image, config, &it->import, NULL);
    it->address = address_of(&it->import);
}

static hotgraft_core_report swap(held *it) {
    const hotgraft_core_report report = load(it->plugin, image, NULL);
    see_unloaded(it->plugin);
    if (address_of(&it->import) != it->address) {
        fail("the state is no longer at its address");
    }
    return report;
}

/* --- hand-over --- */

static held small = {.import = HOTGRAFT_IMPORT("holder", "^1", 0)};
static held large = {.import = HOTGRAFT_IMPORT("holder", "^1", 0)};

static double small_us(void *unused) {
    (void)unused;
    return (double)swap(&small).transfer_ns / 1e3;
}

static double large_us(void *unused) {
    (void)unused;
    return (double)swap(&large).transfer_ns / 1e3;
}

static void swap_untouchable(held *it, uint64_t bytes) {
    void *const pages = (void *)(uintptr_t)it->address;
    memset(pages, 1, bytes); /* resident from here on, as state in use is */
    if (mprotect(pages, bytes, PROT_NONE) != 0) {
        fail("the state's pages cannot be made inaccessible");
    }
    (void)swap(it);
    (void)mprotect(pages, bytes, PROT_READ | PROT_WRITE);
}

static void hand_over(const char *folder, long samples, uint64_t bytes) {
    bring_holder(&small, "small", folder, 64);
    bring_holder(&large, "large", folder, bytes);
    swap_untouchable(&large, bytes);
    take_turns(small_us, large_us, NULL, samples);
}

/* --- pause --- */

static held shared_holder = {.import = HOTGRAFT_IMPORT("holder", "^1", 0)};
static pthread_barrier_t all_have_called;
static atomic_int is_over;

static void *call_all_the_time(void *unused) {
    (void)address_of(&shared_holder.import);
    pthread_barrier_wait(&all_have_called);
    while (!atomic_load_explicit(&is_over, memory_order_relaxed)) {
        (void)address_of(&shared_holder.import);
    }
    return unused;
}

static double pause_us(void *unused) {
    (void)unused;
    return (double)swap(&shared_holder).pause_ns / 1e3;
}

static void pause_under_callers(const char *folder, long samples, long count) {
    pthread_t *const threads = calloc((size_t)count, sizeof *threads);
    bring_holder(&shared_holder, "holder", folder, 64);
    pthread_barrier_init(&all_have_called, NULL, (unsigned)count + 1);
    for (long i = 0; i < count; ++i) {
        if (threads == NULL || pthread_create(&threads[i], NULL, call_all_the_time, NULL) != 0) {
            fail("not so many threads here");
        }
    }
    pthread_barrier_wait(&all_have_called);
    take_turns(pause_us, pause_us, NULL, samples);
    atomic_store(&is_over, 1);
    for (long i = 0; i < count; ++i) {
        pthread_join(threads[i], NULL);
    }
    free(threads);
}

int main(int argc, char **argv) {
    if (argc != 6) {
        fail("usage: swaps FOLDER HOLDER.so hand-over|pause SAMPLES BYTES|THREADS");
    }
    const long samples = strtol(argv[4], NULL, 10);
    image = argv[2];
    if (strcmp(argv[3], "hand-over") == 0) {
        hand_over(argv[1], samples, strtoull(argv[5], NULL, 10));
    } else {
        pause_under_callers(argv[1], samples, strtol(argv[5], NULL, 10));
    }
    return 0;
}
