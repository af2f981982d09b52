/* E09, E10, E11: needs a function of another library, which the test takes away or builds otherwise afterwards. */
#include "plain.h"

int helper(void);
static int64_t add(void *self, int64_t a, int64_t b) {
    (void)self;
    return a + b + helper();
}

static const plain_v1 functions = {sizeof(plain_v1), add, plain_calls};
static const void *get_interface(hotgraft_instance *instance, const char *id, void **self) {
    (void)id;
    *self = instance;
    return &functions;
}
static const hotgraft_plugin plugin = {PLAIN_TABLE, .get_interface = get_interface};
PLAIN_ENTRY(plugin)
