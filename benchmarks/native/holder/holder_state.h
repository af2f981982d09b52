/* The head of the block; what follows it are bytes nobody looks at. */
#ifndef HOLDER_STATE_H
#define HOLDER_STATE_H

#include <stdint.h>

typedef struct holder_state {
    uint64_t unused;
} holder_state;

#endif /* HOLDER_STATE_H */
