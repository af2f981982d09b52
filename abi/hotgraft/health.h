/* Optional capability "hotgraft.health/1": lets a plugin say whether it is fit to serve.
 *
 * A candidate is asked in the probe, in full; what serves is asked quickly, again and again. Without this extension a
 * plugin counts as healthy as long as nothing else speaks against it.
 */
#ifndef HOTGRAFT_HEALTH_H
#define HOTGRAFT_HEALTH_H

#include <stdint.h>

#include "plugin.h"

HOTGRAFT_EXTERN_C_BEGIN

#define HOTGRAFT_EXT_HEALTH "hotgraft.health/1"

/* How closely to look. A depth that is not known here is taken as the next lower one that is. */
#define HOTGRAFT_HEALTH_QUICK 1u /* what is at hand: under a millisecond, nothing asked of anybody else */
#define HOTGRAFT_HEALTH_FULL  2u /* a sample of the real work, and whatever it depends on: may take seconds */

typedef struct hotgraft_ext_health {
    uint32_t struct_size; /* bytes; set to sizeof(hotgraft_ext_health) */
    uint32_t reserved;

    /* HOTGRAFT_OK: fit to serve. Anything negative: it is not, and `error` says why. Calls may be inside meanwhile;
     * state stays as it is. [control, started] */
    hotgraft_status(HOTGRAFT_CALL *check)(hotgraft_instance *instance, uint32_t depth,
                                          hotgraft_error *error) HOTGRAFT_NOTHROW;
} hotgraft_ext_health;

HOTGRAFT_EXTERN_C_END

#endif /* HOTGRAFT_HEALTH_H */
