/* Interface counter/1.1: a number that goes up. */
#ifndef COUNTER_H
#define COUNTER_H

#include <hotgraft/hotgraft.h>

typedef struct counter_v1 {
    uint32_t struct_size;

    /* Count ten on, and return the new number. [call] */
    int64_t (*next)(void *self);

    /* The number as it is now. [call] */
    int64_t (*value)(void *self);

    /* Set the number. [call] */
    void (*set)(void *self, int64_t number) HOTGRAFT_SINCE(1, 1);
} counter_v1;

#endif /* COUNTER_H */
