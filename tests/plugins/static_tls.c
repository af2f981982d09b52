/* E13: 1 KiB of initial-exec TLS: the space that the process keeps for it holds one generation, not two. */
#include "plain.h"

static __thread volatile char block[1024] __attribute__((tls_model("initial-exec")));

static int64_t add(void *self, int64_t a, int64_t b) {
    block[0] = (char)a;
    return plain_add(self, a, b);
}

PLAIN_WITH_ADD(add)
