/* One loop per way to call. Each is a function of the number of rounds, so that any two of them can be compared. */
#ifndef LOOPS_H
#define LOOPS_H

#include <hotgraft/call.h>

#include "consumer/consumer.h"
#include "provider/provider.h"

HOTGRAFT_EXTERN_C_BEGIN

/* What a hand-written program would hold: a table and a self in memory, read anew for each call. */
typedef struct plain_target {
    const provider_v1 *functions;
    void *self;
} plain_target;

/* Where all loops call; bound by main before any of them runs. Hidden: an import is reached as the static of a plugin
 * is, which needs no look into the GOT. */
extern hotgraft_import provider __attribute__((visibility("hidden")));
extern hotgraft_import consumer __attribute__((visibility("hidden")));
extern plain_target plain_provider;

typedef int64_t (*loop)(int64_t rounds);

/* loops.c: a function pointer and self read from memory; hotgraft_enter, call, hotgraft_leave. */
int64_t run_plain(int64_t rounds);
int64_t run_guarded(int64_t rounds);
int64_t run_work_plain(int64_t rounds);
int64_t run_work_guarded(int64_t rounds);
/* The same loops inside the consumer plugin, which calls the provider through call.h. */
int64_t run_nested(int64_t rounds);
int64_t run_nested_plain(int64_t rounds);

/* loops_cpp.cpp: hotgraft::Batch around every call, and around 64 calls. */
int64_t run_guarded_cpp(int64_t rounds);
int64_t run_batch(int64_t rounds);

HOTGRAFT_EXTERN_C_END

#endif /* LOOPS_H */
