/* What a plugin's function answers, and how it says why.
 *
 * Zero and positive numbers mean success, negative ones failure; a reader takes a negative number that it does not know
 * as HOTGRAFT_E_FAILED. Text goes into memory that the caller owns: there is no callback and nothing to release.
 */
#ifndef HOTGRAFT_STATUS_H
#define HOTGRAFT_STATUS_H

#include <stdint.h>

#include "export.h"

HOTGRAFT_EXTERN_C_BEGIN

typedef int32_t hotgraft_status;

#define HOTGRAFT_OK              0
#define HOTGRAFT_AGAIN           1 /* quiesce: still busy, call again */
#define HOTGRAFT_E_FAILED        (-1)
#define HOTGRAFT_E_UNSUPPORTED   (-2) /* what the host's stub for a function that is not offered returns */
#define HOTGRAFT_E_INVALID       (-3) /* the caller's argument breaks the interface's rules */
#define HOTGRAFT_E_STATE_VERSION (-4) /* restore: cannot read a state of that schema */
#define HOTGRAFT_E_CANCELLED     (-5)
#define HOTGRAFT_E_NOMEM         (-6)
#define HOTGRAFT_E_BACKPRESSURE  (-7) /* turned away before it entered: the queue at a closed gate is full */
#define HOTGRAFT_E_UNAVAILABLE   (-8) /* the plugin has no usable generation: its host answers for it */

/* A string that crosses, passed by pointer only. UTF-8, not terminated; may be (NULL, 0). */
typedef struct hotgraft_str {
    const char *ptr;
    uint64_t len; /* bytes */
} hotgraft_str;

/* Where a failing function says why. The caller sets struct_size and zeroes the rest; the callee may leave it so. */
typedef struct hotgraft_error {
    uint32_t struct_size; /* bytes; set to sizeof(hotgraft_error) by the caller */
    int32_t code;         /* the callee's own number, shown and not interpreted */
    char domain[32];      /* what `code` counts: "errno", "zlib"; terminated */
    char message[472];    /* one sentence: what was tried, what was found; terminated */
} hotgraft_error;

HOTGRAFT_EXTERN_C_END

#endif /* HOTGRAFT_STATUS_H */
