/* C04: cannot do without a host of minor 1, and says so where it is asked for its table. */
#include "plain.h"

static const hotgraft_plugin plugin = {PLAIN_TABLE};
HOTGRAFT_EXPORT const hotgraft_plugin *hotgraft_plugin_v1(uint32_t host_abi_minor) {
    return host_abi_minor < 1 ? NULL : &plugin;
}
