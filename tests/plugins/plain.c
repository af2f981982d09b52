/* No fault: what the others are compared with. */
#include "plain.h"

static const hotgraft_plugin plugin = {PLAIN_TABLE};
PLAIN_ENTRY(plugin)
