/* B, I15: a version that is worse than the one before it, in one way that only shows under load. Built in variants:
 *   WORSE_SPIN         rounds of work that every call does
 *   WORSE_SLOW_EVERY   one call of so many takes a slow path of WORSE_SLOW_SPIN rounds; 0: none does
 *   WORSE_FAIL_EVERY   one call of so many fails; 0: none does
 */
#include "plain.h"

#ifndef WORSE_SPIN
#define WORSE_SPIN 1000
#endif
#ifndef WORSE_SLOW_EVERY
#define WORSE_SLOW_EVERY 0
#endif
#ifndef WORSE_SLOW_SPIN
#define WORSE_SLOW_SPIN 0
#endif
#ifndef WORSE_FAIL_EVERY
#define WORSE_FAIL_EVERY 0
#endif

typedef struct worse_v1 {
    uint32_t struct_size;
    hotgraft_status (*work)(void *self);
} worse_v1;

static volatile uint32_t sink;

static int is_one_of(int64_t call, int64_t every) {
    return every != 0 && call % every == 0;
}

static hotgraft_status work(void *self) {
    const int64_t call = __atomic_add_fetch(&((hotgraft_instance *)self)->calls, 1, __ATOMIC_RELAXED);
    int rounds = WORSE_SPIN + (is_one_of(call, WORSE_SLOW_EVERY) ? WORSE_SLOW_SPIN : 0);
    uint32_t state = (uint32_t)call;
    while (rounds-- > 0) {
        state = state * 1664525u + 1013904223u;
    }
    sink = state;
    return is_one_of(call, WORSE_FAIL_EVERY) ? HOTGRAFT_E_FAILED : HOTGRAFT_OK;
}

static const worse_v1 functions = {sizeof(worse_v1), work};
static const void *get_interface(hotgraft_instance *instance, const char *id, void **self) {
    *self = instance;
    return strcmp(id, "worse/1") == 0 ? &functions : NULL;
}

static const hotgraft_plugin plugin = {PLAIN_TABLE, .get_interface = get_interface};
PLAIN_ENTRY(plugin)
