/* The block that the C roof hands over: there only so that a swap of it closes a gate. */
#ifndef ROOF_STATE_H
#define ROOF_STATE_H

#include <stdint.h>

typedef struct roof_state {
    uint64_t tiles;
} roof_state;

#endif /* ROOF_STATE_H */
