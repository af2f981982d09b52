/* E15: an address in the code itself: the loader would have to write into it. */
#include "plain.h"

__asm__(".text\n.quad hotgraft_plugin_v1");

static const hotgraft_plugin plugin = {PLAIN_TABLE};
PLAIN_ENTRY(plugin)
