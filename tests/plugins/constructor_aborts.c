/* I02: a constructor aborts. */
#include "plain.h"

__attribute__((constructor)) static void construct(void) {
    abort();
}

static const hotgraft_plugin plugin = {PLAIN_TABLE};
PLAIN_ENTRY(plugin)
