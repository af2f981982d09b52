/* Interface consumer/1.0: a plugin that calls provider/1 in a loop, through call.h and through a plain pointer. */
#ifndef CONSUMER_H
#define CONSUMER_H

#include <hotgraft/hotgraft.h>

typedef struct consumer_v1 {
    uint32_t struct_size;
    int64_t (*nested)(void *self, int64_t rounds);
    int64_t (*nested_plain)(void *self, int64_t rounds, const uint8_t *functions HOTGRAFT_IN(1),
                            uint8_t *target HOTGRAFT_INOUT(1));
} consumer_v1;

#endif /* CONSUMER_H */
