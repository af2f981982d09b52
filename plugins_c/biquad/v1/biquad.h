/* Interface biquad/1.0: a second-order audio filter, block by block, one delay line per channel. */
#ifndef BIQUAD_H
#define BIQUAD_H

#include <hotgraft/hotgraft.h>

#define BIQUAD_CHANNELS 64

typedef struct biquad_v1 {
    uint32_t struct_size;

    /* Filter `n` samples of one channel. Each channel has its own delay line: calls for different channels may run at
     * once, calls for one channel come one after another. *stamp: the build that answered, as its author numbered it.
     * HOTGRAFT_E_INVALID: channel is not below BIQUAD_CHANNELS. [call] */
    hotgraft_status (*process)(void *self, uint32_t channel, const float *in HOTGRAFT_IN(n), float *out HOTGRAFT_OUT(n),
                               uint64_t n, uint64_t *stamp HOTGRAFT_OUT(1)) HOTGRAFT_BLOCKING;

    /* b0, b1, b2, a1, a2 of the transfer function; a0 is 1. [call] */
    hotgraft_status (*coefficients)(void *self, double *five HOTGRAFT_OUT(5));
} biquad_v1;

#endif /* BIQUAD_H */
