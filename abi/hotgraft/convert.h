/* Optional capability "hotgraft.convert/1": the author's converters, for where the meaning of state changed.
 *
 * A converter turns the values of a state of one schema into those of another. The host chains them: from schema 1 to 4
 * by 1→2, 2→3, 3→4, the fewest steps there are. Up or down is in the numbers; a version brings those that lead to its
 * own schema and those that lead back, because what was before it does not know it.
 *
 * The manifest names each ([state] converters = ["1->2", "2->1"]), so that a way is known before anything is loaded.
 */
#ifndef HOTGRAFT_CONVERT_H
#define HOTGRAFT_CONVERT_H

#include <stdint.h>

#include "state.h"

HOTGRAFT_EXTERN_C_BEGIN

#define HOTGRAFT_EXT_CONVERT "hotgraft.convert/1"

typedef struct hotgraft_converter {
    uint32_t struct_size; /* bytes; set to sizeof(hotgraft_converter) */
    uint32_t from_schema;
    uint32_t to_schema; /* not from_schema */
    uint32_t reserved;  /* 0 */

    /* Read the values of a state of from_schema and put those of one of to_schema: what save would put, or the fields
     * of a declared block under their names. What is not put is not there: nothing is carried over by itself. Both live
     * until this returns. There is no instance: what it needs stands in the values. It may run in any process and more
     * than once, on copies. Anything negative: the swap is called off, and the old state is what it was. [control] */
    hotgraft_status(HOTGRAFT_CALL *convert)(const hotgraft_source *from, const hotgraft_sink *to,
                                            hotgraft_error *error) HOTGRAFT_NOTHROW;
} hotgraft_converter;

typedef struct hotgraft_ext_convert {
    uint32_t struct_size;                 /* bytes; set to sizeof(hotgraft_ext_convert) */
    uint32_t count;                       /* at most 256 */
    const hotgraft_converter *converters; /* one for each step */
} hotgraft_ext_convert;

HOTGRAFT_EXTERN_C_END

#endif /* HOTGRAFT_CONVERT_H */
