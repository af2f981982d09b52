/* What a plugin offers the host: one entry symbol that answers one const table.
 *
 * Order of calls on an instance:  create → (take | restore)? → start → calls … → quiesce → (surrender | save)? →
 * destroy. A swap that is called off goes back from quiesce (or surrender: take comes first) to service through resume.
 * A candidate that is dropped before start goes straight to destroy.
 */
#ifndef HOTGRAFT_PLUGIN_H
#define HOTGRAFT_PLUGIN_H

#include <stdint.h>

#include "export.h"
#include "host.h"
#include "interface.h"
#include "status.h"
#include "version.h"

HOTGRAFT_EXTERN_C_BEGIN

typedef struct hotgraft_instance hotgraft_instance; /* opaque, the plugin's */

#define HOTGRAFT_IMPORT_OPTIONAL 1u /* may stay unbound: enter then answers NULL */

/* An interface of another plugin that this one calls: a static in the plugin. The author writes the first five members;
 * the host fills the rest once, before create, and never again: later swaps of the provider change what the slot holds.
 */
typedef struct hotgraft_import {
    uint32_t struct_size; /* bytes; set to sizeof(hotgraft_import) */
    uint32_t flags;       /* HOTGRAFT_IMPORT_* */
    const char *id;       /* "codec" (static) */
    const char *range;    /* "^1.2" (static) */
    uint64_t
        guard_protocol;    /* what call.h inlines (2, or 1), 0 without it; a host that offers less refuses the plugin */
    hotgraft_slot *slot;   /* the host's */
    int64_t record_offset; /* the host's: where this thread's record pointer lies, bytes from the thread pointer */
    const hotgraft_host *host; /* the host's: for the cold branch of call.h */
} hotgraft_import;

/* The plugin's table (static, const). A NULL in place of start, quiesce, resume or get_extension means: nothing to do
 * there. */
typedef struct hotgraft_plugin {
    uint32_t struct_size;     /* bytes; set to sizeof(hotgraft_plugin) */
    uint32_t abi_minor;       /* HOTGRAFT_ABI_MINOR of the headers it was built with */
    const void *descriptor;   /* the bytes of the embedded note, verbatim: `hotgraft bind` writes both */
    uint64_t descriptor_len;  /* bytes */
    hotgraft_import *imports; /* NULL when there are none */
    uint64_t import_count;

    /* Make one instance. No side effects that another instance could see: no threads, files, sockets; start begins
     * those. `config_json` is an object, (call). On failure leave *instance alone, free what was made, fill `error`.
     * [control] */
    hotgraft_status(HOTGRAFT_CALL *create)(const hotgraft_host *host, const hotgraft_str *config_json,
                                           hotgraft_instance **instance, hotgraft_error *error) HOTGRAFT_NOTHROW;

    /* Begin side effects. Must not write state that was handed over. The old generation serves again if this fails.
     * [control] */
    hotgraft_status(HOTGRAFT_CALL *start)(hotgraft_instance *instance, hotgraft_error *error) HOTGRAFT_NOTHROW;

    /* Hold still: stop and join own threads, finish what was begun, so that state does not change from here on. No
     * [call] is inside and none will come. HOTGRAFT_AGAIN: not yet, call again; budget_ns is what is left until the
     * deadline. [control] */
    hotgraft_status(HOTGRAFT_CALL *quiesce)(hotgraft_instance *instance, uint64_t budget_ns,
                                            hotgraft_error *error) HOTGRAFT_NOTHROW;

    /* Undo quiesce: the swap was called off and this instance serves again. Follows every quiesce that led nowhere,
     * also one that failed or was still busy at the deadline. [control, quiesced] */
    hotgraft_status(HOTGRAFT_CALL *resume)(hotgraft_instance *instance, hotgraft_error *error) HOTGRAFT_NOTHROW;

    /* Free everything that was not surrendered. [control, quiesced or never started] */
    void(HOTGRAFT_CALL *destroy)(hotgraft_instance *instance) HOTGRAFT_NOTHROW;

    /* The interface struct for `id` ("gain/1": name and major; (static)) and the `self` its functions want; NULL if not
     * offered. The host copies the struct. [control] */
    const void *(HOTGRAFT_CALL *get_interface)(hotgraft_instance *instance, const char *id,
                                               void **self)HOTGRAFT_NOTHROW;

    /* An optional capability by id ("hotgraft.state/1"), or NULL. (static) [any] */
    const void *(HOTGRAFT_CALL *get_extension)(const char *id)HOTGRAFT_NOTHROW;
} hotgraft_plugin;

/* The ONLY symbol looked up. NULL: this plugin cannot be served by a host of that minor. [load] */
typedef const hotgraft_plugin *(HOTGRAFT_CALL *hotgraft_entry_fn)(uint32_t host_abi_minor);
HOTGRAFT_EXPORT const hotgraft_plugin *HOTGRAFT_CALL hotgraft_plugin_v1(uint32_t host_abi_minor) HOTGRAFT_NOTHROW;

HOTGRAFT_EXTERN_C_END

#endif /* HOTGRAFT_PLUGIN_H */
