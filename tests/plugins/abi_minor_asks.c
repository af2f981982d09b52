/* C04: cannot do without a host of a later minor, and says so where it is asked for its table. */
#include "plain.h"

#ifndef NEEDED
#define NEEDED (HOTGRAFT_ABI_MINOR + 1)
#endif

static const hotgraft_plugin plugin = {PLAIN_TABLE};
HOTGRAFT_EXPORT const hotgraft_plugin *hotgraft_plugin_v1(uint32_t host_abi_minor) {
    return host_abi_minor < NEEDED ? NULL : &plugin;
}
