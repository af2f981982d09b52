/* I01: a constructor writes to null. */
#include "plain.h"

static int *volatile nowhere;

__attribute__((noinline)) static void write_to_null(void) {
    *nowhere = 1;
}

__attribute__((constructor)) static void construct(void) {
    write_to_null();
}

static const hotgraft_plugin plugin = {PLAIN_TABLE};
PLAIN_ENTRY(plugin)
