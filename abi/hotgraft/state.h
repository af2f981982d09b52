/* Optional capability "hotgraft.state/1": lets a plugin carry its state across a swap.
 *
 * Three ways, tried in this order. Hand over: equal layout_id on both sides: surrender → take, the pointer changes
 * hands and no byte is copied. Convert: another layout_id, and both descriptors describe the block: the host makes one
 * of the next layout by the names of its fields, and take is given that. Save and restore: typed values under keys; a
 * key that is absent means its default. A plugin offers either pair or both; the functions it does not offer are NULL.
 * A host of ABI 1.0 refuses a plugin built with these headers, so what is "since 1.1" is there whenever such a plugin
 * runs.
 */
#ifndef HOTGRAFT_STATE_H
#define HOTGRAFT_STATE_H

#include <stdint.h>

#include "plugin.h"

HOTGRAFT_EXTERN_C_BEGIN

#define HOTGRAFT_EXT_STATE "hotgraft.state/1"

/* Types of a value: what `data` points to. Little-endian where the machine is. */
#define HOTGRAFT_VALUE_I64   1u /* int64_t, len 8 */
#define HOTGRAFT_VALUE_F64   2u /* double, len 8 */
#define HOTGRAFT_VALUE_TEXT  3u /* UTF-8, len bytes, not terminated */
#define HOTGRAFT_VALUE_BYTES 4u /* len bytes */
/* Since 1.1: */
#define HOTGRAFT_VALUE_U64   5u  /* uint64_t, len 8: comes back as I64 where it fits one */
#define HOTGRAFT_VALUE_BOOL  6u  /* uint8_t, 0 or 1, len 1 */
#define HOTGRAFT_VALUE_NIL   7u  /* nothing, len 0 */
#define HOTGRAFT_VALUE_MAP   8u  /* values under keys: for open */
#define HOTGRAFT_VALUE_ARRAY 9u  /* values one after another: for open */
#define HOTGRAFT_VALUE_I64S  10u /* int64_t[len / 8], all at once: comes back as an ARRAY */
#define HOTGRAFT_VALUE_F64S  11u /* double[len / 8], all at once: comes back as an ARRAY */

/* What a value stands under in a map. Passed by pointer only; NULL in an array. Since 1.1. */
typedef struct hotgraft_key {
    const char *text; /* UTF-8, not terminated; NULL: the key is `number` */
    uint64_t len;     /* bytes of `text`: 1 to 255 in the map at the top, up to 65,535 in a map inside it */
    int64_t number;   /* in a map inside the one at the top */
} hotgraft_key;

/* Where save puts values. (call)
 * Whatever answers HOTGRAFT_E_INVALID or HOTGRAFT_E_NOMEM has ended the save: return that. */
typedef struct hotgraft_sink {
    uint32_t struct_size;
    uint32_t reserved;
    void *ctx;
    /* Copies `data`. `key`: terminated UTF-8 of 1 to 255 bytes, each at most once in a map. [control, quiesced] */
    hotgraft_status(HOTGRAFT_CALL *put)(void *ctx, const char *key, uint32_t type, const void *data,
                                        uint64_t len) HOTGRAFT_NOTHROW;

    /* Since 1.1. All of them work in what was opened last and is not closed; at first that is the map at the top. */

    /* As put, under any key, or under none in an array. [control, quiesced] */
    hotgraft_status(HOTGRAFT_CALL *add)(void *ctx, const hotgraft_key *key, uint32_t type, const void *data,
                                        uint64_t len) HOTGRAFT_NOTHROW;
    /* Begin a MAP or an ARRAY (len 0), or BYTES of exactly `len` that write brings in pieces. At most 64 deep.
     * [control, quiesced] */
    hotgraft_status(HOTGRAFT_CALL *open)(void *ctx, const hotgraft_key *key, uint32_t type,
                                         uint64_t len) HOTGRAFT_NOTHROW;
    /* The next `len` bytes of the BYTES that are open. [control, quiesced] */
    hotgraft_status(HOTGRAFT_CALL *write)(void *ctx, const void *data, uint64_t len) HOTGRAFT_NOTHROW;
    /* End what was opened last. [control, quiesced] */
    hotgraft_status(HOTGRAFT_CALL *close)(void *ctx) HOTGRAFT_NOTHROW;
} hotgraft_sink;

/* One value as next and find show it. The caller sets struct_size. Since 1.1. */
typedef struct hotgraft_item {
    uint32_t struct_size; /* bytes; set to sizeof(hotgraft_item) by the caller */
    uint32_t type;        /* HOTGRAFT_VALUE_*; U64 only where the number does not fit an I64 */
    hotgraft_key key;     /* all zero in an array; text lives until restore returns */
    int64_t number;       /* I64, BOOL (0 or 1), U64 (the same bits); else 0 */
    double real;          /* F64; else 0 */
    const void *data;     /* TEXT and BYTES, where they lie: lives until restore returns; BYTES of 4096 and more are
                             aligned to 16; else NULL */
    uint64_t len;         /* bytes of TEXT and BYTES; how many values a MAP or an ARRAY has */
} hotgraft_item;

/* Where restore reads values. (call): what it hands out lives until restore returns. */
typedef struct hotgraft_source {
    uint32_t struct_size;
    uint32_t reserved;
    void *ctx;
    /* Of the map at the top. HOTGRAFT_OK; HOTGRAFT_E_UNSUPPORTED: absent, use the default; HOTGRAFT_E_INVALID: there,
     * but of another type than `want` (0 takes any but MAP and ARRAY). *data is aligned to 16. `type` out may be NULL.
     * [control, before start] */
    hotgraft_status(HOTGRAFT_CALL *get)(void *ctx, const char *key, uint32_t want, uint32_t *type, const void **data,
                                        uint64_t *len) HOTGRAFT_NOTHROW;
    /* The key at `index` of the map at the top, in the order they were put, or NULL past the end. (call)
     * [control, before start] */
    const char *(HOTGRAFT_CALL *key_at)(void *ctx, uint64_t index)HOTGRAFT_NOTHROW;

    /* Since 1.1. All of them work in what was opened last and is not closed; at first that is the map at the top.
     * HOTGRAFT_E_INVALID: not there, or not in this order; nothing has moved. */

    /* Show the next value and go past it. HOTGRAFT_E_UNSUPPORTED: there is none. [control, before start] */
    hotgraft_status(HOTGRAFT_CALL *next)(void *ctx, hotgraft_item *item) HOTGRAFT_NOTHROW;
    /* In a map: show the value under `key` and go past it. Looks on from where it is, then from the beginning: quick
     * for keys that are asked for in the order they were put. HOTGRAFT_E_UNSUPPORTED: absent, use the default; nothing
     * has moved. [control, before start] */
    hotgraft_status(HOTGRAFT_CALL *find)(void *ctx, const hotgraft_key *key, hotgraft_item *item) HOTGRAFT_NOTHROW;
    /* Go into the MAP or ARRAY that next or find has just shown. [control, before start] */
    hotgraft_status(HOTGRAFT_CALL *open)(void *ctx) HOTGRAFT_NOTHROW;
    /* The next `count` values of the array that is open, all of them numbers of `type`: I64, U64 or F64, eight bytes
     * each. [control, before start] */
    hotgraft_status(HOTGRAFT_CALL *read)(void *ctx, uint32_t type, void *numbers, uint64_t count) HOTGRAFT_NOTHROW;
    /* Out of it again, past what was not read. [control, before start] */
    hotgraft_status(HOTGRAFT_CALL *close)(void *ctx) HOTGRAFT_NOTHROW;
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
