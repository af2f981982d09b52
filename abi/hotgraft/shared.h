/* Optional capability "hotgraft.shared/1": a state that the code of two versions may use at once.
 *
 * The block is the host's: it makes it, gives it to every instance that is to use it, and frees it when the last
 * library that used it has left memory. It is neither handed over nor taken, so a swap between equal layouts stops
 * nobody: calls that are inside finish on the old code while new ones run on the new, on one block. What both may write
 * at once is atomic, or under a lock that lies in the block and is made of atomics; no pointer in it leads into a
 * library. Where the layouts differ, callers wait and the block is converted by the names of its fields, as a block
 * that is handed over.
 */
#ifndef HOTGRAFT_SHARED_H
#define HOTGRAFT_SHARED_H

#include <stdint.h>

#include "plugin.h"

HOTGRAFT_EXTERN_C_BEGIN

#define HOTGRAFT_EXT_SHARED "hotgraft.shared/1"

typedef struct hotgraft_ext_shared {
    uint32_t struct_size; /* bytes; set to sizeof(hotgraft_ext_shared) */
    uint32_t schema;      /* of the block; starts at 1. As in hotgraft_ext_state, if that is offered too */
    uint64_t layout_id;   /* of the block: equal ids mean equal layouts; never 0 */
    uint64_t bytes;       /* of the block */
    uint64_t align;       /* of the block: a power of two; 0 means 64 */

    /* Fill a fresh block, which is zeroed; nobody else has it yet. NULL: zeros will do. [control, before start] */
    hotgraft_status(HOTGRAFT_CALL *init)(hotgraft_instance *instance, void *block,
                                         hotgraft_error *error) HOTGRAFT_NOTHROW;

    /* Use this block from now on, until destroy or the next attach; never free or reallocate it. It is aligned as asked
     * for. Others may be using it already, so neither this nor start may take it for its own. On any status but
     * HOTGRAFT_OK the instance uses what it used before. [control, before start; or quiesced, when a swap is rolled
     * back] */
    hotgraft_status(HOTGRAFT_CALL *attach)(hotgraft_instance *instance, void *block,
                                           hotgraft_error *error) HOTGRAFT_NOTHROW;
} hotgraft_ext_shared;

HOTGRAFT_EXTERN_C_END

#endif /* HOTGRAFT_SHARED_H */
