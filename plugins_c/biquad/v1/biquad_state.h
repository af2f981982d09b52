/* What the filter remembers: a delay line per channel, as one block. `hotgraft bind` computes its layout id from this:
 * builds with equal blocks hand it over, others save and restore its values by name. */
#ifndef BIQUAD_STATE_H
#define BIQUAD_STATE_H

#include "biquad.h"

typedef struct biquad_line {
    double z1;
    double z2;
} biquad_line;

typedef struct biquad_state {
    biquad_line line[BIQUAD_CHANNELS];
} biquad_state;

#endif /* BIQUAD_STATE_H */
