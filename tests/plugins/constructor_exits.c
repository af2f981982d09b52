/* I03: a constructor ends the process as if all were well. */
#include "plain.h"

__attribute__((constructor)) static void construct(void) {
    exit(0);
}

static const hotgraft_plugin plugin = {PLAIN_TABLE};
PLAIN_ENTRY(plugin)
