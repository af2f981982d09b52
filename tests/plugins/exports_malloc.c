/* E17: exports the allocator; the process goes on using its own. */
#include "plain.h"

HOTGRAFT_EXPORT void *malloc(size_t bytes);
HOTGRAFT_EXPORT void free(void *block);
void *malloc(size_t bytes) {
    (void)bytes;
    return NULL;
}
void free(void *block) {
    (void)block;
}

static const hotgraft_plugin plugin = {PLAIN_TABLE};
PLAIN_ENTRY(plugin)
