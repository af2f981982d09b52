/* E09, E10, E11: needs a function of another library, which the test takes away or builds otherwise afterwards. */
#include "plain.h"

int helper(void);
static int64_t add(void *self, int64_t a, int64_t b) {
    (void)self;
    return a + b + helper();
}

PLAIN_WITH_ADD(add)
