/* I11: start takes what TAKES names: "memory", ten gigabytes of it, or "fds", ten thousand, and says so when it gets
 * no more; "greedy" memory is touched without a look at what malloc answered. Whoever has none of them takes nothing.
 */
#include "plain.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static hotgraft_status take_memory(hotgraft_error *error, int looks) {
    for (int i = 0; i < 100; i++) {
        char *const part = malloc((size_t)100 << 20);
        if (part == NULL && looks) {
            snprintf(error->message, sizeof error->message, "no memory after %d00 MiB", i);
            return HOTGRAFT_E_NOMEM;
        }
        ((char volatile *)part)[0] = 1;
    }
    return HOTGRAFT_OK;
}

static hotgraft_status take_fds(hotgraft_error *error) {
    for (int i = 0; i < 10000; i++) {
        if (open("/dev/null", O_RDONLY) < 0) {
            snprintf(error->message, sizeof error->message, "no fd after some %d0", i / 10);
            return HOTGRAFT_E_FAILED;
        }
    }
    return HOTGRAFT_OK;
}

static hotgraft_status start(hotgraft_instance *instance, hotgraft_error *error) {
    const char *const what = getenv("TAKES");
    (void)instance;
    if (what == NULL) {
        return HOTGRAFT_OK;
    }
    return strcmp(what, "fds") == 0 ? take_fds(error) : take_memory(error, strcmp(what, "memory") == 0);
}

static const hotgraft_plugin plugin = {PLAIN_TABLE, .start = start};
PLAIN_ENTRY(plugin)
