/* What the stream must sound like: the filter again, as plain C that knows nothing of plugins. The demo calls it with
 * the stamps of the calls it made, so the reference changes its coefficients where, and only where, the calls did. */
#include <stdint.h>
#include <string.h>

/* state: the two values of one channel's delay line. coefficients[stamp]: b0, b1, b2, a1, a2. A stamp that is 0 or not
 * below `builds` stands for a call that gave no answer: silence, and the delay line stays. */
void reference_blocks(double *state, const double (*coefficients)[5], uint64_t builds, const float *in,
                      const uint64_t *stamps, uint64_t blocks, uint64_t block, float *out) {
    double first = state[0];
    double second = state[1];
    for (uint64_t index = 0; index < blocks; index++, in += block, out += block) {
        if (stamps[index] == 0 || stamps[index] >= builds) {
            memset(out, 0, block * sizeof *out);
            continue;
        }
        const double *c = coefficients[stamps[index]];
        for (uint64_t i = 0; i < block; i++) {
            const double sample = (double)in[i];
            const double result = c[0] * sample + first;
            first = c[1] * sample - c[3] * result + second;
            second = c[2] * sample - c[4] * result;
            out[i] = (float)result;
        }
    }
    state[0] = first;
    state[1] = second;
}
