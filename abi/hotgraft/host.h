/* What the host offers a plugin. One table per generation, filled by the host before create, valid until destroy
 * returns. */
#ifndef HOTGRAFT_HOST_H
#define HOTGRAFT_HOST_H

#include <stdint.h>

#include "export.h"
#include "interface.h"
#include "status.h"

HOTGRAFT_EXTERN_C_BEGIN

typedef struct hotgraft_ctx hotgraft_ctx; /* opaque, the host's; one per instance of a generation */

/* Levels of log, as in Python's logging. */
#define HOTGRAFT_LOG_DEBUG   10
#define HOTGRAFT_LOG_INFO    20
#define HOTGRAFT_LOG_WARNING 30
#define HOTGRAFT_LOG_ERROR   40

typedef struct hotgraft_host {
    uint32_t struct_size; /* bytes; what this host offers */
    uint32_t abi_minor;   /* of the host */
    hotgraft_ctx *ctx;    /* first argument of every function here */

    /* An optional capability by id ("hotgraft.threads/1"), or NULL. (static) [any] */
    const void *(HOTGRAFT_CALL *get_extension)(hotgraft_ctx *ctx, const char *id)HOTGRAFT_NOTHROW;

    /* Write one line of UTF-8 text, `len` bytes, to the host's log. Never blocks: when the ring is full the line is
     * dropped and counted. Nothing of `text` is kept. [any] */
    void(HOTGRAFT_CALL *log)(hotgraft_ctx *ctx, int32_t level, const char *text, uint64_t len) HOTGRAFT_NOTHROW;

    /* Memory that survives the plugin's code: state that is handed over, results that are HOTGRAFT_OWNED. pointer NULL
     * allocates, bytes 0 frees and returns NULL; align is a power of two, 0 means 16. NULL when there is no memory: the
     * old block is untouched. [any] */
    void *(HOTGRAFT_CALL *realloc)(hotgraft_ctx *ctx, void *pointer, uint64_t bytes, uint64_t align)HOTGRAFT_NOTHROW;

    /* Guard a table of `slot` for this thread, waiting at a closed gate. Pair with leave on the same thread, last in
     * first out. NULL: the import is optional and not bound, the host is closing, this thread carries out the very
     * swap that closed the gate, it is registered (threads.h) and what it calls comes to rest before its own plugin, or
     * as many wait at that gate as its queue limit allows. call.h does the same without
     * the call, and counts the guard in the generation's meter: one made here is in nobody's count. [any] */
    const hotgraft_table *(HOTGRAFT_CALL *enter)(hotgraft_ctx *ctx, hotgraft_slot *slot)HOTGRAFT_NOTHROW;

    /* As enter, but NULL at a closed gate instead of waiting: for real-time threads. [any] */
    const hotgraft_table *(HOTGRAFT_CALL *try_enter)(hotgraft_ctx *ctx, hotgraft_slot *slot)HOTGRAFT_NOTHROW;

    /* Give up the newest guard of `table` that this thread holds. [any, same thread as enter] */
    void(HOTGRAFT_CALL *leave)(hotgraft_ctx *ctx, const hotgraft_table *table) HOTGRAFT_NOTHROW;

    /* Keep this generation's code mapped until unlease, and say why ("call-back registered with audio server").
     * Returns the lease's number, never 0; 0 when there is no memory. [any] */
    uint64_t(HOTGRAFT_CALL *lease)(hotgraft_ctx *ctx, const char *why) HOTGRAFT_NOTHROW;

    /* Give up a lease by its number, once. [any] */
    void(HOTGRAFT_CALL *unlease)(hotgraft_ctx *ctx, uint64_t lease) HOTGRAFT_NOTHROW;

    uint32_t guard_protocol; /* the newest layout and store order of slot, record and table that call.h may inline: 2,
                              * and with it all before */
    uint32_t reserved;
} hotgraft_host;

HOTGRAFT_EXTERN_C_END

#endif /* HOTGRAFT_HOST_H */
