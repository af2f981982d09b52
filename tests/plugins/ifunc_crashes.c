/* E18: the resolver of an IFUNC crashes; the loader runs it before any constructor. */
#include "plain.h"

static int *volatile nowhere;

static int first(void) {
    return 1;
}

static int (*choose(void))(void) {
    *nowhere = 1;
    return first;
}
HOTGRAFT_EXPORT int chosen_at_load(void) __attribute__((ifunc("choose")));

static int is_made;
__attribute__((constructor)) static void make(void) {
    is_made = chosen_at_load();
}

static const hotgraft_plugin plugin = {PLAIN_TABLE};
PLAIN_ENTRY(plugin)
