/* Optional capability "hotgraft.session/1": state of its own for every session, each carried across a swap on its own.
 *
 * A session is what a function's `self` is when it is called through that session; without one it is what get_interface
 * answered, as ever. Sessions belong to an instance, and have no start and no quiesce of their own: the instance has.
 * A version that follows makes a session for every one of the old, and is given its state: handed over, converted, or
 * saved and restored, as hotgraft_ext_state has it, which a plugin with sessions does not offer beside.
 */
#ifndef HOTGRAFT_SESSION_H
#define HOTGRAFT_SESSION_H

#include <stdint.h>

#include "plugin.h"
#include "state.h"

HOTGRAFT_EXTERN_C_BEGIN

#define HOTGRAFT_EXT_SESSION "hotgraft.session/1"

typedef struct hotgraft_session hotgraft_session; /* opaque, the plugin's */

typedef struct hotgraft_ext_session {
    uint32_t struct_size; /* bytes; set to sizeof(hotgraft_ext_session) */
    uint32_t schema;      /* of what save writes and of the block, of one session; starts at 1 */
    uint64_t layout_id;   /* of the block surrender gives: equal ids mean equal layouts; 0: not offered */

    /* Make one session, with fresh state. Calls and other sessions go on meanwhile; or its instance is not
     * started yet, or quiesced, and the session is to be given a state. On failure leave *session alone,
     * free what was made, fill `error`. [control] */
    hotgraft_status(HOTGRAFT_CALL *create_session)(hotgraft_instance *instance, hotgraft_session **session,
                                                   hotgraft_error *error) HOTGRAFT_NOTHROW;

    /* Free everything of it that was not surrendered. No call is inside it and none will come; before destroy of its
     * instance at the latest. [control] */
    void(HOTGRAFT_CALL *destroy_session)(hotgraft_instance *instance, hotgraft_session *session) HOTGRAFT_NOTHROW;

    /* The rest is as in hotgraft_ext_state, of one session: no call is inside it; calls to others may be, where those
     * stay in this version. save and restore are offered together, and take and surrender are; a plugin offers either
     * or both. */

    /* Put its whole state into `sink`. [control] */
    hotgraft_status(HOTGRAFT_CALL *save)(hotgraft_instance *instance, hotgraft_session *session,
                                         const hotgraft_sink *sink, hotgraft_error *error) HOTGRAFT_NOTHROW;
    /* Read what a save of `schema` put. [control] */
    hotgraft_status(HOTGRAFT_CALL *restore)(hotgraft_instance *instance, hotgraft_session *session, uint32_t schema,
                                            const hotgraft_source *source, hotgraft_error *error) HOTGRAFT_NOTHROW;
    /* Adopt a block that a session of the same layout_id surrendered. [control] */
    hotgraft_status(HOTGRAFT_CALL *take)(hotgraft_instance *instance, hotgraft_session *session, void *block,
                                         uint64_t bytes, uint64_t layout_id, hotgraft_error *error) HOTGRAFT_NOTHROW;
    /* Give up its block. [control] */
    hotgraft_status(HOTGRAFT_CALL *surrender)(hotgraft_instance *instance, hotgraft_session *session, void **block,
                                              uint64_t *bytes, hotgraft_error *error) HOTGRAFT_NOTHROW;
} hotgraft_ext_session;

HOTGRAFT_EXTERN_C_END

#endif /* HOTGRAFT_SESSION_H */
