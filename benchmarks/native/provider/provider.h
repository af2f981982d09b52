/* Interface provider/1.0: something trivial to call, and something that takes about 20 ns. */
#ifndef PROVIDER_H
#define PROVIDER_H

#include <hotgraft/hotgraft.h>

typedef struct provider_v1 {
    uint32_t struct_size;
    int64_t (*add)(void *self, int64_t a, int64_t b);
    int64_t (*work)(void *self, int64_t seed);
} provider_v1;

#endif /* PROVIDER_H */
