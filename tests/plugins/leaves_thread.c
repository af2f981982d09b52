/* D06: a thread that destroy does not join. `let_go` ends it; LEAVES_BUSY never lets it rest. */
#include "plain.h"

#include <pthread.h>
#include <time.h>

HOTGRAFT_EXPORT int let_go;
HOTGRAFT_EXPORT int has_begun;
static pthread_t thread;

HOTGRAFT_EXPORT __attribute__((noinline)) void leaves_thread_loop(void);
void leaves_thread_loop(void) {
    const struct timespec pause = {0, 1000000};
    while (__atomic_load_n(&let_go, __ATOMIC_ACQUIRE) == 0) {
        __atomic_store_n(&has_begun, 1, __ATOMIC_RELEASE);
#ifndef LEAVES_BUSY
        nanosleep(&pause, NULL);
#else
        (void)pause;
#endif
    }
}

static void *work(void *arg) {
    leaves_thread_loop();
    return arg;
}

static hotgraft_status start(hotgraft_instance *instance, hotgraft_error *error) {
    (void)instance;
    (void)error;
    return pthread_create(&thread, NULL, work, NULL) == 0 ? HOTGRAFT_OK : HOTGRAFT_E_FAILED;
}

HOTGRAFT_EXPORT void join(void);
void join(void) {
    __atomic_store_n(&let_go, 1, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
}

static const hotgraft_plugin plugin = {PLAIN_TABLE, .start = start};
PLAIN_ENTRY(plugin)
