/* C03: imports in memory that cannot be written; the host would end the process by filling them. */
#include "plain.h"

#include <hotgraft/call.h>

static const hotgraft_import imports[1] = {HOTGRAFT_IMPORT("codec", "^1.0", 0)};
static const hotgraft_plugin plugin = {PLAIN_TABLE, .imports = (hotgraft_import *)imports, .import_count = 1};
PLAIN_ENTRY(plugin)
