/* Loads a plugin, replaces it while the N-th request for memory, a mapping or an fd fails, and looks at what runs.
 *
 *     fail_every KIND MODE FOLDER OLD.so NEW.so FIRST STRIDE LAST state|stateless
 *
 * KIND is malloc, mmap or open, MODE is one (only the N-th) or all (the N-th and every one after it). For each N =
 * FIRST, FIRST + STRIDE, … a child of its own loads OLD, counts to 5, has the N-th request fail from the reload to NEW
 * until the old library is out of memory, and then asks: did the reload say what happened; does what serves have the
 * whole state; does the next reload work; is anything left in memory, on disk, or open? Ends at the first N that was
 * never reached, or past LAST (0: no end). Prints one line of counts and one for each N with a wrong answer; exit 0 if
 * there was none.
 *
 * Run with LD_PRELOAD of inject.c.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <hotgraft_core.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inject.h"

#define DEADLINE_NS UINT64_C(5000000000)
#define PUBLISHED   0
#define REFUSED     1
#define NOT_REACHED 2
#define WRONG_MAX   20

struct counter_v1 {
    uint32_t struct_size;
    int64_t (*add)(void *self, int64_t by);
    int64_t (*build)(void *self);
};

static hotgraft_import counter = HOTGRAFT_IMPORT("counter", "^1", 0);
static hotgraft_core_plugin *plugin;
static const char *folder;
static const char *images[2];
static int carries_state;
static char said[512]; /* by the last load: why it was refused */

static void expect(int holds, const char *what) {
    if (!holds) {
        fprintf(stderr, "  wrong: %s; the last load said: %s\n", what, said);
        _exit(100);
    }
}

static int64_t call(int which, int64_t by) {
    hotgraft_guard guard;
    const hotgraft_table *const table = hotgraft_enter(&counter, &guard);
    int64_t answer = -1;
    expect(table != NULL, "a call finds nothing that serves");
    const struct counter_v1 *const own = HOTGRAFT_INTERFACE(struct counter_v1, table);
    answer = which == 0 ? own->add(table->self, by) : own->build(table->self);
    hotgraft_leave(&guard);
    return answer;
}

static int64_t add(int64_t by) {
    return call(0, by);
}

static int64_t build(void) {
    return call(1, 0);
}

static hotgraft_core_code load(const char *image, hotgraft_core_report *report) {
    hotgraft_error error = {.struct_size = sizeof error};
    const hotgraft_core_code code = hotgraft_core_load(plugin, image, NULL, DEADLINE_NS, report, &error);
    snprintf(said, sizeof said, "%s", code == HOTGRAFT_CORE_OK ? "" : error.message);
    return code;
}

static int entries(const char *listing) {
    DIR *const directory = opendir(listing);
    int count = 0;
    expect(directory != NULL, "a folder cannot be listed");
    while (readdir(directory) != NULL) {
        ++count;
    }
    closedir(directory);
    return count - 2;
}

static int mapped_copies(void) {
    FILE *const maps = fopen("/proc/self/maps", "re");
    char line[4096];
    int count = 0;
    while (fgets(line, sizeof line, maps) != NULL) {
        if (strstr(line, "/counter.g") != NULL) {
            ++count;
            fprintf(stderr, "  mapped: %s", line);
        }
    }
    fclose(maps);
    return count;
}

/* Calls go on all the time on a thread of their own: none may fail or wait for ever. */
static atomic_int is_over;
static atomic_int has_called;

static void *call_all_the_time(void *unused) {
    inject_spare_thread(1);
    while (!atomic_load(&is_over)) {
        (void)add(0);
        atomic_store(&has_called, 1);
        sched_yield();
    }
    return unused;
}

/* Everything on its way out is out. */
static void wait_for_unloads(void) {
    uint64_t proven = 0;
    uint64_t stuck = 0;
    char reason[512] = "";
    expect(hotgraft_core_unloaded(plugin, DEADLINE_NS, &proven, &stuck, reason, sizeof reason) == HOTGRAFT_CORE_OK,
           "something never left memory");
    if (stuck != 0) {
        fprintf(stderr, "  stuck: %s\n", reason);
    }
    expect(stuck == 0, "something is stuck");
}

static int attempt(int kind, long n, int from) {
    static const char *const interfaces[] = {"counter/1"};
    hotgraft_core_report report = {.struct_size = sizeof report};
    pthread_t caller;
    uint64_t ignored = 0;
    alarm(30);
    const int fds = entries("/proc/self/fd"); /* with nothing loaded, as at the end */
    expect(hotgraft_core_open("counter", folder, interfaces, 1, &plugin, NULL) == HOTGRAFT_CORE_OK, "open");
    expect(hotgraft_core_import(plugin, "counter/1", &counter, NULL) == HOTGRAFT_CORE_OK, "import");
    expect(load(images[0], &report) == HOTGRAFT_CORE_OK, "the first load");
    expect(add(5) == 5 && build() == 1, "the first generation");
    expect(pthread_create(&caller, NULL, call_all_the_time, NULL) == 0, "a thread");
    while (!atomic_load(&has_called)) { /* bounded by the alarm: from here on the core knows whose thread it is */
        sched_yield();
    }

    expect(inject_arm(kind, n, from) == 0, "failures can be injected here");
    const hotgraft_core_code code = load(images[1], &report);
    (void)hotgraft_core_unloaded(plugin, from ? 0 : DEADLINE_NS, &ignored, &ignored, NULL, 0);
    const int is_reached = inject_disarm() >= n;

    expect(inject_inherited() == 0, "an fd would leak into a program started now");
    expect(code == HOTGRAFT_CORE_OK || is_reached, "the reload failed without a reason");
    expect(report.is_published == (code == HOTGRAFT_CORE_OK), "the report says what the code does not");
    expect(report.generation == (code == HOTGRAFT_CORE_OK ? 2 : 1), "the report names what does not serve");
    expect(build() == (code == HOTGRAFT_CORE_OK ? 2 : 1), "the wrong generation serves");
    expect(add(1) == (carries_state || code != HOTGRAFT_CORE_OK ? 6 : 1), "state was lost");
    expect(load(images[1], &report) == HOTGRAFT_CORE_OK, "the next reload");
    expect(build() == 2 && add(1) == (carries_state ? 7 : 1), "the next generation lost the state");
    wait_for_unloads();
    atomic_store(&is_over, 1);
    pthread_join(caller, NULL);
    expect(entries(folder) == 1, "a staged copy was left");
    expect(hotgraft_core_close(plugin, DEADLINE_NS, NULL) == HOTGRAFT_CORE_OK, "close");
    expect(hotgraft_core_open("other", folder, interfaces, 1, &plugin, NULL) == HOTGRAFT_CORE_OK, "open again");
    wait_for_unloads(); /* the reaper is one for all plugins */
    expect(entries(folder) == 0, "a staged copy was left at the end");
    expect(mapped_copies() == 0, "a library was left in memory");
    expect(entries("/proc/self/fd") == fds, "an fd was left");
    return !is_reached ? NOT_REACHED : code == HOTGRAFT_CORE_OK ? PUBLISHED : REFUSED;
}

int main(int argc, char **argv) {
    if (argc != 10) {
        return 2;
    }
    const int kind = strcmp(argv[1], "malloc") == 0 ? INJECT_MALLOC
                     : strcmp(argv[1], "mmap") == 0 ? INJECT_MMAP
                                                    : INJECT_OPEN;
    const int from = strcmp(argv[2], "all") == 0;
    const long stride = atol(argv[7]);
    const long last = atol(argv[8]);
    long counts[3] = {0, 0, 0};
    long wrong = 0;
    images[0] = argv[4];
    images[1] = argv[5];
    carries_state = strcmp(argv[9], "state") == 0;
    for (long n = atol(argv[6]); counts[NOT_REACHED] == 0 && (last == 0 || n <= last) && wrong < WRONG_MAX;
         n += stride) {
        char own[1024]; /* a child that dies leaves its copies behind; the next one must not count them */
        int status = 0;
        snprintf(own, sizeof own, "%s-%ld", argv[3], n);
        folder = own;
        fflush(NULL);
        const pid_t child = fork(); /* before this process has touched the core: each child has one of its own */
        if (child == 0) {
            _exit(attempt(kind, n, from));
        }
        if (waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) <= NOT_REACHED) {
            ++counts[WEXITSTATUS(status)];
            rmdir(own);
            continue;
        }
        ++wrong;
        printf("N = %ld: %s %d\n", n, WIFSIGNALED(status) ? "signal" : "exit",
               WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        fflush(stdout);
    }
    printf("%s %s: refused %ld, published %ld, never reached %ld, wrong %ld\n", argv[1], argv[2], counts[REFUSED],
           counts[PUBLISHED], counts[NOT_REACHED], wrong);
    return wrong == 0 ? 0 : 1;
}
