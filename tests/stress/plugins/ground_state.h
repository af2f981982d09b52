/* The block that the C ground hands over. */
#ifndef GROUND_STATE_H
#define GROUND_STATE_H

#include <stdint.h>

typedef struct ground_state {
    uint64_t total;
} ground_state;

#endif /* GROUND_STATE_H */
