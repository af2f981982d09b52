/* E12: calls a function that nobody defines. */
#include "plain.h"

int nobody_defines_this(void);
static int64_t add(void *self, int64_t a, int64_t b) {
    (void)self;
    return a + b + nobody_defines_this();
}

PLAIN_WITH_ADD(add)
