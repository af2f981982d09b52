/* C04: built with the headers of a host that is newer than this one. */
#include "plain.h"

static const hotgraft_plugin plugin = {PLAIN_TABLE, .abi_minor = HOTGRAFT_ABI_MINOR + 1};
PLAIN_ENTRY(plugin)
