/* I06: a constructor waits for a thread, and that one for the loader's lock, which the constructor's thread holds. */
#include "plain.h"

#include <dlfcn.h>
#include <pthread.h>

static void *load(void *path) {
    return dlopen(path, RTLD_NOW);
}

__attribute__((noinline)) static void wait_for_loader(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, load, (void *)"libm.so.6") == 0) {
        pthread_join(thread, NULL);
    }
}

__attribute__((constructor)) static void construct(void) {
    wait_for_loader();
}

static const hotgraft_plugin plugin = {PLAIN_TABLE};
PLAIN_ENTRY(plugin)
