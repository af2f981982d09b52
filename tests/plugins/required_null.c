/* C05: create, destroy and get_interface are NULL, all three. */
#include "plain.h"

static const hotgraft_plugin plugin = {PLAIN_TABLE, .create = NULL, .destroy = NULL, .get_interface = NULL};
PLAIN_ENTRY(plugin)

const void *not_dropped(void);
const void *not_dropped(void) {
    return (const void *)&plain_functions;
}
