/* Interface counter/1.0: a number that goes up. */
#ifndef COUNTER_H
#define COUNTER_H

#include <hotgraft/hotgraft.h>

typedef struct counter_v1 {
    uint32_t struct_size;

    /* Count one on, and return the new number: 1 the first time. [call] */
    int64_t (*next)(void *self);

    /* The number as it is now. [call] */
    int64_t (*value)(void *self);
} counter_v1;

#endif /* COUNTER_H */
