/* No fault: it calls a function of Python's, which only a host that is Python has. */
#include "plain.h"

extern long PyLong_AsLong(void *number);

void *not_dropped(void);
void *not_dropped(void) {
    return (void *)PyLong_AsLong;
}

static const hotgraft_plugin plugin = {PLAIN_TABLE};
PLAIN_ENTRY(plugin)
