/* C04: built with the headers of a host that is newer than this one. */
#include "plain.h"

#ifndef NEWER_BY
#define NEWER_BY 1
#endif

static const hotgraft_plugin plugin = {PLAIN_TABLE, .abi_minor = HOTGRAFT_ABI_MINOR + NEWER_BY};
PLAIN_ENTRY(plugin)
