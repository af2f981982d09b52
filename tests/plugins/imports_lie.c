/* C03: more imports than the library has room for. */
#include "plain.h"

#include <hotgraft/call.h>

static hotgraft_import imports[1] = {HOTGRAFT_IMPORT("codec", "^1.0", 0)};
static const hotgraft_plugin plugin = {PLAIN_TABLE, .imports = imports, .import_count = 1000};
PLAIN_ENTRY(plugin)

hotgraft_import *not_dropped(void);
hotgraft_import *not_dropped(void) {
    return imports;
}
