/* Optional capability of the host, "hotgraft.serving/1": lets a plugin's own thread wait until its generation serves.
 *
 * start comes before publish, and the swap may still be called off in between. Then the old generation goes on with the
 * state it had. A thread that has read from a socket by then has taken bytes that nobody gives back: it waits here
 * first, and touches nothing outside before the answer is HOTGRAFT_OK. Ask host->get_extension for it; a host that
 * answers NULL does not offer it.
 */
#ifndef HOTGRAFT_SERVING_H
#define HOTGRAFT_SERVING_H

#include <stdint.h>

#include "host.h"

HOTGRAFT_EXTERN_C_BEGIN

#define HOTGRAFT_EXT_SERVING "hotgraft.serving/1"

typedef struct hotgraft_ext_serving {
    uint32_t struct_size;
    uint32_t reserved;

    /* Wait until this generation serves, `budget_ns` at most. HOTGRAFT_OK: it does, and no swap to it can be called off
     * any more. HOTGRAFT_AGAIN: not yet. Call it from a thread that start or resume began, never from start itself.
     * [any] */
    hotgraft_status(HOTGRAFT_CALL *wait)(hotgraft_ctx *ctx, uint64_t budget_ns) HOTGRAFT_NOTHROW;
} hotgraft_ext_serving;

HOTGRAFT_EXTERN_C_END

#endif /* HOTGRAFT_SERVING_H */
