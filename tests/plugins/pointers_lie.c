/* C03: two functions point to data, and into nowhere. */
#include "plain.h"

static const hotgraft_plugin plugin = {PLAIN_TABLE, .create = (void *)&note, .destroy = (void *)(uintptr_t)4096};
PLAIN_ENTRY(plugin)
