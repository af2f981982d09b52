/* C04: built for a minor that this host cannot serve: the entry says so by NULL. */
#include "plain.h"

HOTGRAFT_EXPORT const hotgraft_plugin *hotgraft_plugin_v1(uint32_t host_abi_minor) {
    (void)host_abi_minor;
    return NULL;
}
