/* C01: the image has no entry symbol. */
#include "plain.h"

static const hotgraft_plugin plugin = {PLAIN_TABLE};
HOTGRAFT_EXPORT const hotgraft_plugin *some_other_name(void) {
    return &plugin;
}
