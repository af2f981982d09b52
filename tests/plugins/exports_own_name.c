/* E17: exports a name of ours, as a plugin that links the core does. */
#include "plain.h"

HOTGRAFT_EXPORT int hotgraft_core_v1(void);
int hotgraft_core_v1(void) {
    return 0;
}

static const hotgraft_plugin plugin = {PLAIN_TABLE};
PLAIN_ENTRY(plugin)
