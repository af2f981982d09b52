/* Interface walk/1.0: a state that callers write, and that the test reads and writes as it lies. */
#ifndef WALK_H
#define WALK_H

#include <hotgraft/hotgraft.h>

typedef struct walk_v1 {
    uint32_t struct_size;

    /* Add to a lane, which one thread writes, and return its sum. INT64_MIN: its twin disagrees. [call] */
    int64_t (*add)(void *self, uint32_t lane, int64_t by);
    /* Copy the state's first bytes; return its size. [call] */
    uint64_t (*peek)(void *self, uint8_t *data HOTGRAFT_OUT(n), uint64_t n);
    /* Write into the state at a byte; what a lane's thread writes is left alone. [call] */
    void (*poke)(void *self, uint64_t at, const uint8_t *data HOTGRAFT_IN(n), uint64_t n);
    /* The state's address. [call] */
    uint64_t (*where)(void *self);
} walk_v1;

#endif /* WALK_H */
