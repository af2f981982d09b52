/* Interface calls/1.0: one function for each way that a call path can be short or long. */
#ifndef CALLS_H
#define CALLS_H

#include <hotgraft/hotgraft.h>

typedef struct calls_v1 {
    uint32_t struct_size;
    int64_t (*add)(void *self, int64_t a, int64_t b);
    hotgraft_status (*gain)(void *self, const float *in HOTGRAFT_IN(n), float *out HOTGRAFT_OUT(n), uint64_t n);
    int64_t (*ping)(void *self);
    int64_t (*next)(void *self, int64_t a);
    uint32_t (*pack)(void *self, uint8_t a, int16_t b, uint32_t c);
    double (*mix)(void *self, double a, double b, double c);
    float (*lerp)(void *self, float a, float b, float t);
    double (*blend)(void *self, int64_t a, double b, int32_t c);
    int64_t (*six)(void *self, int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f);
    double (*twenty)(void *self, int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f, int64_t g, int64_t h,
                     int64_t i, int64_t j, double k, double l, double m, double n, double o, double p, double q,
                     double r, double s, double t);
    hotgraft_status (*set)(void *self, uint32_t channel, double value);
    hotgraft_status (*amplify)(void *self, double factor, float *samples HOTGRAFT_INOUT(n), uint64_t n);
    const char *(*label)(void *self)HOTGRAFT_COPIED;
    int64_t (*rest)(void *self, int64_t a) HOTGRAFT_BLOCKING;
    int64_t *(*made)(void *self, int64_t a)HOTGRAFT_OWNED;
    const float *(*window)(void *self, uint64_t *n HOTGRAFT_OUT(1))HOTGRAFT_LEASED(n);
} calls_v1;

#endif /* CALLS_H */
