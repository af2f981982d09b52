/* Optional capability "hotgraft.state/1": lets a plugin carry its state across a swap.
 *
 * Two ways, tried in this order. Hand over: equal layout_id on both sides: surrender → take, the pointer changes hands
 * and no byte is copied. Save and restore: typed values under keys; a key that is absent means its default. A plugin
 * offers either pair or both; the functions it does not offer are NULL.
 */
#ifndef HOTGRAFT_STATE_H
#define HOTGRAFT_STATE_H

#include <stdint.h>

#include "plugin.h"

HOTGRAFT_EXTERN_C_BEGIN

#define HOTGRAFT_EXT_STATE "hotgraft.state/1"

/* Types of a keyed value: what `data` points to. Little-endian where the machine is. */
#define HOTGRAFT_VALUE_I64   1u /* int64_t, len 8 */
#define HOTGRAFT_VALUE_F64   2u /* double, len 8 */
#define HOTGRAFT_VALUE_TEXT  3u /* UTF-8, len bytes, not terminated */
#define HOTGRAFT_VALUE_BYTES 4u /* len bytes */

/* Where save puts values. (call) */
typedef struct hotgraft_sink {
    uint32_t struct_size;
    uint32_t reserved;
    void *ctx;
    /* Copies `data`. `key`: terminated UTF-8 of 1 to 255 bytes, each at most once. HOTGRAFT_E_INVALID or
     * HOTGRAFT_E_NOMEM: give up and return it from save. [control, quiesced] */
    hotgraft_status(HOTGRAFT_CALL *put)(void *ctx, const char *key, uint32_t type, const void *data,
                                        uint64_t len) HOTGRAFT_NOTHROW;
} hotgraft_sink;

/* Where restore reads values. (call): what it hands out lives until restore returns. */
typedef struct hotgraft_source {
    uint32_t struct_size;
    uint32_t reserved;
    void *ctx;
    /* HOTGRAFT_OK; HOTGRAFT_E_UNSUPPORTED: absent, use the default; HOTGRAFT_E_INVALID: there, but of another type than
     * `type` (0 takes any). *data is aligned to 16. `type` out may be NULL. [control, before start] */
    hotgraft_status(HOTGRAFT_CALL *get)(void *ctx, const char *key, uint32_t want, uint32_t *type, const void **data,
                                        uint64_t *len) HOTGRAFT_NOTHROW;
    /* The key at `index` in the order they were put, or NULL past the end. (call) [control, before start] */
    const char *(HOTGRAFT_CALL *key_at)(void *ctx, uint64_t index)HOTGRAFT_NOTHROW;
} hotgraft_source;

typedef struct hotgraft_ext_state {
    uint32_t struct_size; /* bytes; set to sizeof(hotgraft_ext_state) */
    uint32_t schema;      /* of what save writes and of the block; starts at 1 */
    uint64_t layout_id;   /* of the block surrender gives: equal ids mean equal layouts; 0: not offered */

    /* Put the whole state into `sink`; keep nothing of it. [control, quiesced] */
    hotgraft_status(HOTGRAFT_CALL *save)(hotgraft_instance *instance, const hotgraft_sink *sink,
                                         hotgraft_error *error) HOTGRAFT_NOTHROW;

    /* Read what a save of `schema` put. On any status but HOTGRAFT_OK the host drops this candidate. [control, before
     * start] */
    hotgraft_status(HOTGRAFT_CALL *restore)(hotgraft_instance *instance, uint32_t schema, const hotgraft_source *source,
                                            hotgraft_error *error) HOTGRAFT_NOTHROW;

    /* Adopt a block of `bytes` bytes that a plugin of the same layout_id surrendered: it came from the host's realloc
     * and is this instance's from HOTGRAFT_OK on. Neither take nor start may write to it. Free the own, fresh block.
     * [control, before start; or quiesced, when a swap is called off or rolled back] */
    hotgraft_status(HOTGRAFT_CALL *take)(hotgraft_instance *instance, void *block, uint64_t bytes, uint64_t layout_id,
                                         hotgraft_error *error) HOTGRAFT_NOTHROW;

    /* Give up the block: destroy must not free it, and nothing here touches it again unless take gives it back.
     * [control, quiesced] */
    hotgraft_status(HOTGRAFT_CALL *surrender)(hotgraft_instance *instance, void **block, uint64_t *bytes,
                                              hotgraft_error *error) HOTGRAFT_NOTHROW;
} hotgraft_ext_state;

HOTGRAFT_EXTERN_C_END

#endif /* HOTGRAFT_STATE_H */
