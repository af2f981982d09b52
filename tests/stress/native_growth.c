/* A C host that reloads the ground N times and says what it holds at reload 100, at the end, and its heap on the way.
 *
 *     native_growth FOLDER N IMAGE IMAGE
 *
 * One JSON line: {"at_100": [mappings, fds, threads, link maps, staged files], "at_end": […], "heap": [[reload, bytes],
 * …], "proven": …, "stuck": …, "total": …}. Each reload adds 1 to the ground's total, which must come to N.
 */
#define _GNU_SOURCE
#include <hotgraft_core.h>

#include <dirent.h>
#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ground.h"

#define DEADLINE_NS     UINT64_C(60000000000)
#define HEAP_EVERY      200
#define THREADS_AT_ONCE 8

static hotgraft_import ground = HOTGRAFT_IMPORT("ground", "^1.0", 0);
static const char *folder;

static void give_up(const char *what, const hotgraft_error *error) {
    fprintf(stderr, "%s: %s\n", what, error->message);
    exit(1);
}

static int count_entries(const char *path) {
    DIR *listing = opendir(path);
    int count = -2; /* "." and ".."; the fd of an open listing counts alike every time */
    while (listing != NULL && readdir(listing) != NULL) {
        count++;
    }
    if (listing != NULL) {
        closedir(listing);
    }
    return count;
}

static int count_mappings(void) {
    FILE *maps = fopen("/proc/self/maps", "r");
    int count = 0;
    for (int c = 0; (c = fgetc(maps)) != EOF;) {
        count += c == '\n';
    }
    fclose(maps);
    return count;
}

static int count_one(struct dl_phdr_info *info, size_t bytes, void *count) {
    (void)info;
    (void)bytes;
    ++*(int *)count;
    return 0;
}

/* The thread that reclaims ends when it has nothing to do: give it a moment, at most five seconds. */
static void wait_for_threads(void) {
    for (int i = 0; i < 5000 && count_entries("/proc/self/task") > 1; i++) {
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
}

static void print_belongings(const char *key) {
    int link_maps = 0;
    wait_for_threads();
    dl_iterate_phdr(count_one, &link_maps);
    printf("\"%s\": [%d, %d, %d, %d, %d], ", key, count_mappings(), count_entries("/proc/self/fd"),
           count_entries("/proc/self/task"), link_maps, count_entries(folder));
}

static void load(hotgraft_core_plugin *plugin, const char *image, long number) {
    hotgraft_error error = {.struct_size = sizeof error};
    hotgraft_core_report report = {.struct_size = sizeof report};
    char config[64];
    snprintf(config, sizeof config, "{\"serial\": %ld}", number + 1);
    if (hotgraft_core_load(plugin, image, config, DEADLINE_NS, &report, &error) != HOTGRAFT_CORE_OK) {
        give_up("load", &error);
    }
}

static uint64_t call(uint64_t add) {
    hotgraft_guard guard;
    const hotgraft_table *table = hotgraft_enter(&ground, &guard);
    const ground_v1 *functions = HOTGRAFT_INTERFACE(ground_v1, table);
    (void)functions->add(table->self, add);
    const uint64_t total = functions->total(table->self);
    hotgraft_leave(&guard);
    return total;
}

static void *meet(void *barrier) {
    pthread_barrier_wait(barrier);
    return NULL;
}

/* glibc keeps the stacks of threads that ended for those to come, as many as there ever were at once. More at once than
 * a reload ever has, so that no chance meeting of the reaper with two control threads counts as growth. */
static void fill_stack_cache(void) {
    pthread_barrier_t barrier;
    pthread_t threads[THREADS_AT_ONCE];
    pthread_barrier_init(&barrier, NULL, THREADS_AT_ONCE);
    for (int i = 0; i < THREADS_AT_ONCE; i++) {
        pthread_create(&threads[i], NULL, meet, &barrier);
    }
    for (int i = 0; i < THREADS_AT_ONCE; i++) {
        pthread_join(threads[i], NULL);
    }
    pthread_barrier_destroy(&barrier);
}

int main(int argc, char **argv) {
    static const char *const interfaces[] = {"ground/1"};
    hotgraft_core_plugin *plugin = NULL;
    hotgraft_error error = {.struct_size = sizeof error};
    uint64_t proven = 0;
    uint64_t stuck = 0;
    char reason[256] = "";
    if (argc != 5) {
        fprintf(stderr, "usage: native_growth FOLDER N IMAGE IMAGE\n");
        return 2;
    }
    folder = argv[1];
    const long reloads = strtol(argv[2], NULL, 10);
    const long samples = reloads / HEAP_EVERY;
    size_t *heap = calloc((size_t)samples + 1, sizeof *heap); /* before anything is measured */
    if (hotgraft_core_open("ground", folder, interfaces, 1, &plugin, &error) != HOTGRAFT_CORE_OK ||
        hotgraft_core_import(plugin, "ground/1", &ground, &error) != HOTGRAFT_CORE_OK) {
        give_up("open", &error);
    }
    fill_stack_cache();
    load(plugin, argv[3], 0);
    printf("{");
    for (long i = 1; i <= reloads; i++) {
        load(plugin, argv[3 + i % 2], i);
        (void)call(1);
        (void)hotgraft_core_unloaded(plugin, DEADLINE_NS, &proven, &stuck, reason, sizeof reason);
        if (i == 100) {
            print_belongings("at_100");
        }
        if (i % HEAP_EVERY == 0) {
            wait_for_threads();
            const struct mallinfo2 info = mallinfo2();
            heap[i / HEAP_EVERY] = info.uordblks + info.hblkhd;
        }
    }
    print_belongings("at_end");
    printf("\"heap\": [");
    for (long i = 1; i <= samples; i++) {
        printf("%s[%ld, %zu]", i == 1 ? "" : ", ", i * HEAP_EVERY, heap[i]);
    }
    printf("], \"proven\": %llu, \"stuck\": %llu, \"total\": %llu}\n", (unsigned long long)proven,
           (unsigned long long)stuck, (unsigned long long)call(0));
    free(heap);
    return hotgraft_core_close(plugin, DEADLINE_NS, &error) == HOTGRAFT_CORE_OK ? 0 : 1;
}
