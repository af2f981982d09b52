/* A host in C: loads a plugin, calls it from a thread without a pause, and replaces it underneath that thread.
 *
 *     c_host FOLDER FIRST.so SECOND.so
 *
 * The plugin offers interface "counter/1" as in plugins_c/counter, whose first version counts by one and whose
 * second counts by ten. Prints what happened; exit 0 only if the count went on
 * where it was, no call failed, and the first library was proven to have left memory.
 */
#include <hotgraft_core.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "counter.h"

#define DEADLINE_NS UINT64_C(5000000000)

static hotgraft_import counter = HOTGRAFT_IMPORT("counter", "^1", 0);
static atomic_int is_over;
static atomic_llong calls;
static atomic_llong failed;

/* Count on and answer the new number, or exit: what this example is about is that it never has to. */
static int64_t next_number(void) {
    hotgraft_guard guard;
    int64_t number = 0;
    const hotgraft_table *table = hotgraft_enter(&counter, &guard);
    if (table == NULL) {
        fprintf(stderr, "counter: nothing is loaded\n");
        exit(1);
    }
    number = HOTGRAFT_INTERFACE(counter_v1, table)->next(table->self);
    hotgraft_leave(&guard);
    return number;
}

static void *call_all_the_time(void *unused) {
    int64_t last = 0;
    (void)unused;
    while (!atomic_load(&is_over)) {
        const int64_t now = next_number();
        if (now != last + 1 && now != last + 10) {
            atomic_fetch_add(&failed, 1); /* neither build counts like this: state was lost */
        }
        last = now;
        atomic_fetch_add(&calls, 1);
    }
    return NULL;
}

static void load(hotgraft_core_plugin *plugin, const char *image) {
    hotgraft_error error = {.struct_size = sizeof error};
    hotgraft_core_report report = {.struct_size = sizeof report};
    if (hotgraft_core_load(plugin, image, NULL, DEADLINE_NS, &report, &error) != HOTGRAFT_CORE_OK) {
        fprintf(stderr, "%s\ngeneration %llu still serves\n", error.message, (unsigned long long)report.generation);
        exit(1);
    }
    printf("generation %llu serves; made ready in %.1f us, callers waited at most %.1f us\n",
           (unsigned long long)report.generation, (double)report.prepare_ns / 1e3, (double)report.pause_ns / 1e3);
}

static void wait_for_calls(long long at_least) {
    while (atomic_load(&calls) < at_least) {
        sched_yield();
    }
}

int main(int argc, char **argv) {
    static const char *const interfaces[] = {"counter/1"};
    hotgraft_core_plugin *plugin = NULL;
    hotgraft_error error = {.struct_size = sizeof error};
    uint64_t proven = 0;
    uint64_t stuck = 0;
    char reason[512] = "";
    hotgraft_core_meter meter = {.struct_size = sizeof meter};
    pthread_t caller;
    if (argc != 4) {
        fprintf(stderr, "usage: c_host FOLDER FIRST.so SECOND.so\n");
        return 2;
    }
    if (hotgraft_core_open("counter", argv[1], interfaces, 1, &plugin, &error) != HOTGRAFT_CORE_OK ||
        hotgraft_core_import(plugin, "counter/1", &counter, &error) != HOTGRAFT_CORE_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    (void)hotgraft_core_set_sampling(2000, NULL);
    load(plugin, argv[2]);
    pthread_create(&caller, NULL, call_all_the_time, NULL);
    wait_for_calls(100000);
    load(plugin, argv[3]);
    wait_for_calls(atomic_load(&calls) + 100000);
    atomic_store(&is_over, 1);
    pthread_join(caller, NULL);
    (void)hotgraft_core_unloaded(plugin, DEADLINE_NS, &proven, &stuck, reason, sizeof reason);
    printf("%lld calls, %lld failed; unloaded for certain: %llu, stuck: %llu %s\n", (long long)calls, (long long)failed,
           (unsigned long long)proven, (unsigned long long)stuck, reason);
    (void)hotgraft_core_read_meter(plugin, &meter, NULL);
    printf("generation %llu was called %llu times; of %llu calls that were timed half took %llu ns or less\n",
           (unsigned long long)meter.generation, (unsigned long long)meter.calls, (unsigned long long)meter.samples,
           (unsigned long long)meter.p50_ns);
    if (hotgraft_core_close(plugin, DEADLINE_NS, &error) != HOTGRAFT_CORE_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    return failed == 0 && proven == 1 && stuck == 0 ? 0 : 1;
}
