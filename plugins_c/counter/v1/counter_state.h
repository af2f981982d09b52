/* What the counter remembers. `hotgraft bind` computes its layout id from this: builds with equal ids hand it over. */
#ifndef COUNTER_STATE_H
#define COUNTER_STATE_H

#include <stdint.h>

typedef struct counter_state {
    int64_t number;
} counter_state;

#endif /* COUNTER_STATE_H */
