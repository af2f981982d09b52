/* C03: the table does not lie in the library: it would outlive it, or not live long enough. */
#include "plain.h"

static const hotgraft_plugin plugin = {PLAIN_TABLE};
static void *kept; /* so that the copy is not lost: the fault is where it lies */
HOTGRAFT_EXPORT const hotgraft_plugin *hotgraft_plugin_v1(uint32_t host_abi_minor) {
    (void)host_abi_minor;
    if (kept == NULL) {
        kept = malloc(sizeof plugin);
        memcpy(kept, &plugin, sizeof plugin);
    }
    return (const hotgraft_plugin *)kept;
}
__attribute__((destructor)) static void release(void) {
    free(kept);
}
