/* Interface hammer/1.0: native threads that call the others through call.h, without Python. */
#ifndef HAMMER_H
#define HAMMER_H

#include <hotgraft/hotgraft.h>

typedef struct hammer_v1 {
    uint32_t struct_size;

    /* Start one thread: 0 calls all three as fast as it can, 1 calls nested and back, 2 lets threads come and go.
     * [call]
     */
    hotgraft_status (*begin)(void *self, uint32_t kind);
    /* End and join all threads. [call] */
    hotgraft_status (*end)(void *self) HOTGRAFT_BLOCKING;
    /* The counts so far, in the order of hammer.c. [call] */
    hotgraft_status (*counts)(void *self, uint64_t *counts HOTGRAFT_OUT(n), uint64_t n);
} hammer_v1;

#endif /* HAMMER_H */
