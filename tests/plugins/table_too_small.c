/* C03: the table ends before its required functions. */
#include "plain.h"

static const hotgraft_plugin plugin = {PLAIN_TABLE, .struct_size = 16};
PLAIN_ENTRY(plugin)
