/* I09: create opens a file, begins a thread and gets memory, then fails; it cleans up as plugin.h asks, and so must the
 * host. With LEAKS it keeps its memory: the host must say so. */
#include "plain.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#ifdef LEAKS
__attribute__((visibility("default"))) void *kept;
#endif

static void *work(void *arg) {
    return arg;
}

static hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config, hotgraft_instance **instance,
                              hotgraft_error *error) {
    const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    void *const own = malloc(4096);
    void *const block = host->realloc(host->ctx, NULL, 8192, 64);
    pthread_t thread;
    (void)config;
    (void)instance;
    if (pthread_create(&thread, NULL, work, NULL) == 0) {
        pthread_join(thread, NULL);
    }
#ifndef LEAKS
    host->realloc(host->ctx, block, 0, 0);
#else
    kept = block;
#endif
    free(own);
    close(fd);
    strcpy(error->message, "half done");
    return HOTGRAFT_E_FAILED;
}

static const hotgraft_plugin plugin = {PLAIN_TABLE, .create = create};
PLAIN_ENTRY(plugin)
