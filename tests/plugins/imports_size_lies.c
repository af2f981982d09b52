/* C03: two imports that are of two lengths. Elements of one array lie as far apart as each of them is long. */
#include "plain.h"

#include <hotgraft/call.h>

static hotgraft_import imports[2] = {
    HOTGRAFT_IMPORT("codec", "^1.0", 0),
    {.struct_size = 8, .id = "cache", .range = "^1.0"},
};
static const hotgraft_plugin plugin = {PLAIN_TABLE, .imports = imports, .import_count = 2};
PLAIN_ENTRY(plugin)

hotgraft_import *not_dropped(void);
hotgraft_import *not_dropped(void) {
    return imports;
}
