/* The interface of pair_stamps.c. */
#ifndef PAIR_STAMPS_H
#define PAIR_STAMPS_H

#include <stdint.h>

#define PAIR_CODES     4u
#define PAIR_LANES     8u
#define PAIR_DEPTH_MAX 2u
#define PAIR_RESTING   (UINT64_C(1) << 63) /* in a stamp: the half was entered while it holds still, or has no state */

/* One outer call, on its way to and fro: each half writes its stamp as it is entered, and again when the other half has
 * come back. So a call of depth d leaves 2 d + 1 stamps. */
typedef struct pair_call {
    uint64_t lane;              /* whose count goes up */
    void (*between)(void *ctx); /* called inside the outer half, before it calls the other one; or NULL */
    void *ctx;
    uint64_t count;
    uint64_t refused; /* the other half answered no table */
    uint64_t stamps[2 * PAIR_DEPTH_MAX + 1];
} pair_call;

/* What a half's own thread does from start to quiesce, and what came of it: the test's, over all generations. Counts
 * are atomic. */
typedef struct pair_thread {
    uint64_t lane;       /* whose counts go up: no caller's */
    uint64_t depth;      /* of its calls to the other half */
    int32_t registers;   /* once, twice, or not at all */
    int32_t just_ends;   /* without unregistering */
    int32_t is_left;     /* quiesce returns beside it */
    int32_t ends;        /* atomic: now, whatever quiesce says */
    uint64_t calls;      /* that came back whole */
    uint64_t refused;    /* enter answered NULL */
    uint64_t resting;    /* a half was entered that holds still */
    uint64_t faults;     /* registering answered what it should not; or a half was missing */
    uint64_t counted[2]; /* how often the other half counted it, and how often its own did */
    uint64_t alive;      /* its threads */
} pair_thread;

typedef struct pair_v1 {
    uint32_t struct_size;
    void (*ask)(void *self, pair_call *call, uint64_t depth);
    uint64_t (*total)(void *self, uint64_t lane);
} pair_v1;

#endif /* PAIR_STAMPS_H */
