/* Interface leaf/1.0: no state, so that it is swapped without a gate while sessions hold pins on it. */
#ifndef LEAF_H
#define LEAF_H

#include <hotgraft/hotgraft.h>

typedef struct leaf_v1 {
    uint32_t struct_size;

    uint64_t (*stamp)(void *self);
} leaf_v1;

#endif /* LEAF_H */
