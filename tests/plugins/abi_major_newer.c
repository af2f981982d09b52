/* C04: another major is another entry symbol; the one this host looks up is not there. */
#include "plain.h"

static const hotgraft_plugin plugin = {PLAIN_TABLE};
HOTGRAFT_EXPORT const hotgraft_plugin *hotgraft_plugin_v2(uint32_t host_abi_minor) {
    (void)host_abi_minor;
    return &plugin;
}
