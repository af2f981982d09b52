/* Interface throws/1.0: functions whose methods throw what they are told to. */
#ifndef THROWS_H
#define THROWS_H

#include <hotgraft/hotgraft.h>

HOTGRAFT_EXTERN_C_BEGIN

typedef struct throws_pair {
    int32_t first;
    float second;
} throws_pair;

typedef struct throws_v1 {
    uint32_t struct_size;
    hotgraft_status (*fail)(void *self, int32_t kind);
    hotgraft_status (*answer)(void *self, int32_t status);
    hotgraft_status (*copy)(void *self, const float *in HOTGRAFT_IN(n), float *out HOTGRAFT_OUT(n), uint64_t n);
    double (*sum)(void *self, const throws_pair *pair HOTGRAFT_IN(1));
    const char *(*said)(void *self)HOTGRAFT_COPIED;
    int32_t (*build)(void *self);
    hotgraft_status (*fail_in_guard)(void *self, int32_t kind);
    void (*forget)(void *self) HOTGRAFT_NOTHROW;
} throws_v1;

HOTGRAFT_EXTERN_C_END

#endif /* THROWS_H */
