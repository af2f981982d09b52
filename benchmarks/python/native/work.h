/* The functions that every subject calls: compiled once into the plugin, and once into each comparison module, from the
 * same file and never inlined, so that a ratio tells of the way in and of nothing else. */
#ifndef WORK_H
#define WORK_H

#include <stdint.h>

#if defined(__cplusplus)
extern "C" {
#endif

int64_t work_add(void *self, int64_t a, int64_t b);
int32_t work_gain(void *self, const float *in, float *out, uint64_t n);

int64_t work_ping(void *self);
int64_t work_next(void *self, int64_t a);
uint32_t work_pack(void *self, uint8_t a, int16_t b, uint32_t c);
double work_mix(void *self, double a, double b, double c);
float work_lerp(void *self, float a, float b, float t);
double work_blend(void *self, int64_t a, double b, int32_t c);
int64_t work_six(void *self, int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f);
double work_twenty(void *self, int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f, int64_t g, int64_t h,
                   int64_t i, int64_t j, double k, double l, double m, double n, double o, double p, double q, double r,
                   double s, double t);
int32_t work_set(void *self, uint32_t channel, double value);
int32_t work_amplify(void *self, double factor, float *samples, uint64_t n);
const char *work_label(void *self);
int64_t work_rest(void *self, int64_t a);
const float *work_window(void *self, uint64_t *n);

#if defined(__cplusplus)
}
#endif

#endif /* WORK_H */
