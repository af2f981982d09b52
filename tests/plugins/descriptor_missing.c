/* C06: no note at all. */
#include <hotgraft/hotgraft.h>

HOTGRAFT_EXPORT const hotgraft_plugin *hotgraft_plugin_v1(uint32_t host_abi_minor) {
    (void)host_abi_minor;
    return NULL;
}
