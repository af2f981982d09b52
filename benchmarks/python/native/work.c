#include "work.h"

int64_t work_add(void *self, int64_t a, int64_t b) {
    (void)self;
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

int32_t work_gain(void *self, const float *in, float *out, uint64_t n) {
    (void)self;
    for (uint64_t i = 0; i < n; ++i) {
        out[i] = 2.0F * in[i];
    }
    return 0;
}

int64_t work_ping(void *self) {
    (void)self;
    return 7;
}

int64_t work_next(void *self, int64_t a) {
    (void)self;
    return (int64_t)((uint64_t)a + 1);
}

uint32_t work_pack(void *self, uint8_t a, int16_t b, uint32_t c) {
    (void)self;
    return a ^ (uint32_t)b ^ c;
}

double work_mix(void *self, double a, double b, double c) {
    (void)self;
    return a * b + c;
}

float work_lerp(void *self, float a, float b, float t) {
    (void)self;
    return a + (b - a) * t;
}

double work_blend(void *self, int64_t a, double b, int32_t c) {
    (void)self;
    return (double)a * b + c;
}

int64_t work_six(void *self, int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f) {
    (void)self;
    return a ^ b ^ c ^ d ^ e ^ f;
}

double work_twenty(void *self, int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f, int64_t g, int64_t h,
                   int64_t i, int64_t j, double k, double l, double m, double n, double o, double p, double q, double r,
                   double s, double t) {
    (void)self;
    return (double)(a ^ b ^ c ^ d ^ e ^ f ^ g ^ h ^ i ^ j) + k + l + m + n + o + p + q + r + s + t;
}

int32_t work_set(void *self, uint32_t channel, double value) {
    (void)self;
    return channel < 64 && value < 1e9 ? 0 : -1;
}

int32_t work_amplify(void *self, double factor, float *samples, uint64_t n) {
    (void)self;
    for (uint64_t i = 0; i < n; ++i) {
        samples[i] = (float)(factor * samples[i]);
    }
    return 0;
}

const char *work_label(void *self) {
    (void)self;
    return "hotgraft";
}

int64_t work_rest(void *self, int64_t a) {
    (void)self;
    return a;
}

const float *work_window(void *self, uint64_t *n) {
    static const float samples[4] = {1, 2, 3, 4};
    (void)self;
    *n = 4;
    return samples;
}
