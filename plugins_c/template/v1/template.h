/* Interface template/1.0: arithmetic, to have something to call. */
#ifndef TEMPLATE_H
#define TEMPLATE_H

#include <hotgraft/hotgraft.h>

typedef struct template_v1 {
    uint32_t struct_size;

    /* The sum; it wraps around at the ends of the range. [call] */
    int64_t (*add)(void *self, int64_t a, int64_t b) HOTGRAFT_IDEMPOTENT;
} template_v1;

#endif /* TEMPLATE_H */
