/* Optional capability "hotgraft.notify/1": a plugin is told when what it imports is replaced.
 *
 * Nobody needs it to call a provider: the next enter finds what serves. It is for what a plugin keeps of one: a cache
 * of its answers, a batch that it gathers, a session that it opened there.
 *
 * Order, for each import of an instance:
 *   (1) prepare is followed by exactly one of changed and called_off, before the next prepare.
 *   (2) changed may come without a prepare: to an instance that did not serve yet, or no more, when the swap began. Two
 *       changes may be told as one: from what the instance knew to what serves.
 *   (3) An instance that is itself replaced, by the same swap or by another, is told nothing more by it: its quiesce
 * and destroy say so. One that serves again after a rollback is told what it missed.
 *
 * Each runs on a thread of its own while both plugins serve and no gate is closed for it, never on a caller's thread.
 * None holds up a swap: one that has not returned within HOTGRAFT_NOTIFY_NS is left behind, the log says so, its
 * library stays mapped until it returns, and what follows is told by its own thread then. Where a swap of its own
 * plugin goes on by that time, it is told when the instance serves again, if it does.
 */
#ifndef HOTGRAFT_NOTIFY_H
#define HOTGRAFT_NOTIFY_H

#include <stdint.h>

#include "plugin.h"

HOTGRAFT_EXTERN_C_BEGIN

#define HOTGRAFT_EXT_NOTIFY "hotgraft.notify/1"

#define HOTGRAFT_NOTIFY_NS UINT64_C(200000000) /* how long a swap waits for one of them */

#define HOTGRAFT_CHANGE_ROLLBACK 1u /* `to` served before `from` */

/* What becomes of one import. All of it until the call returns, but `import`, which is the plugin's own. */
typedef struct hotgraft_change {
    uint32_t struct_size;     /* bytes; what this host fills */
    uint32_t flags;           /* HOTGRAFT_CHANGE_* */
    const char *import;       /* its id, as in hotgraft_import */
    uint64_t from_generation; /* prepare, called_off: what serves; changed: what the instance knew. 0: none did */
    uint64_t to_generation; /* prepare: what is to serve; changed, called_off: what serves; 0: nothing will, or does */
    uint32_t from_version;  /* of the interface: major << 16 | minor; 0: as the generation */
    uint32_t to_version;
} hotgraft_change;

typedef struct hotgraft_ext_notify {
    uint32_t struct_size; /* bytes; set to sizeof(hotgraft_ext_notify) */
    uint32_t reserved;

    /* A NULL in place of any of these means: that one need not be told. Calls may be inside meanwhile. */

    /* The provider, alone or with others, is about to be replaced; its gate is still open. The time to finish a batch,
     * or to drop what is kept of it. Call no plugin: a guard that is still held when the gates close is waited for like
     * anybody's. [control, started] */
    void(HOTGRAFT_CALL *prepare)(hotgraft_instance *instance, const hotgraft_change *change) HOTGRAFT_NOTHROW;

    /* It was replaced, and its gate is open again: it may be called from here. [control, started] */
    void(HOTGRAFT_CALL *changed)(hotgraft_instance *instance, const hotgraft_change *change) HOTGRAFT_NOTHROW;

    /* It was not: what served serves on. [control, started] */
    void(HOTGRAFT_CALL *called_off)(hotgraft_instance *instance, const hotgraft_change *change) HOTGRAFT_NOTHROW;
} hotgraft_ext_notify;

HOTGRAFT_EXTERN_C_END

#endif /* HOTGRAFT_NOTIFY_H */
