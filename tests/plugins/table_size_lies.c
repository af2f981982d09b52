/* C03: the table says it is larger than the library. */
#include "plain.h"

static const hotgraft_plugin plugin = {PLAIN_TABLE, .struct_size = 1u << 30};
PLAIN_ENTRY(plugin)
