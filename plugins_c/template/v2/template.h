/* Interface template/1.1: arithmetic, to have something to call. */
#ifndef TEMPLATE_H
#define TEMPLATE_H

#include <hotgraft/hotgraft.h>

typedef struct template_v1 {
    uint32_t struct_size;

    /* The sum; it stops at the ends of the range. [call] */
    int64_t (*add)(void *self, int64_t a, int64_t b) HOTGRAFT_IDEMPOTENT;

    /* The larger of both. [call] */
    int64_t (*larger)(void *self, int64_t a, int64_t b) HOTGRAFT_IDEMPOTENT HOTGRAFT_SINCE(1, 1);
} template_v1;

#endif /* TEMPLATE_H */
