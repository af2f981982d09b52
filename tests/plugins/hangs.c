/* I10 and its like: the function named by HANGS_IN (create, destroy) does not return until `let_go` is set. */
#include "plain.h"

#include <time.h>

HOTGRAFT_EXPORT int let_go;
HOTGRAFT_EXPORT int is_inside;

static void hang(void) {
    const struct timespec pause = {0, 1000000};
    __atomic_store_n(&is_inside, 1, __ATOMIC_RELEASE);
    while (__atomic_load_n(&let_go, __ATOMIC_ACQUIRE) == 0) {
        nanosleep(&pause, NULL);
    }
}

static hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config, hotgraft_instance **instance,
                              hotgraft_error *error) {
#ifdef HANGS_IN_CREATE
    hang();
#endif
    return plain_create(host, config, instance, error);
}

static void destroy(hotgraft_instance *instance) {
#ifdef HANGS_IN_DESTROY
    hang();
#endif
    plain_destroy(instance);
}

#ifdef HANGS_IN_CONSTRUCTOR
__attribute__((constructor)) static void construct(void) {
    hang();
}
#endif

void *not_dropped(void);
void *not_dropped(void) {
    return (void *)hang;
}

static const hotgraft_plugin plugin = {PLAIN_TABLE, .create = create, .destroy = destroy};
PLAIN_ENTRY(plugin)
