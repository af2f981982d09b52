/* C04: built with the headers of a host that is newer than this one. */
#include "plain.h"

#ifndef MINOR
#define MINOR (HOTGRAFT_ABI_MINOR + 1)
#endif

static const hotgraft_plugin plugin = {PLAIN_TABLE, .abi_minor = MINOR};
PLAIN_ENTRY(plugin)
