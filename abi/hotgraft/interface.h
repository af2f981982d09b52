/* What callers reach: the annotations of an interface header, and the table and slot a call goes through.
 *
 * An interface is a C struct of function pointers. It starts with `uint32_t struct_size`, functions are only ever
 * appended, and each takes `void *self` first:
 *
 *     typedef struct gain_v1 {
 *         uint32_t struct_size;
 *         hotgraft_status (*process)(void *self, const float *in HOTGRAFT_IN(n), float *out HOTGRAFT_OUT(n),
 *                                    uint64_t n);
 *     } gain_v1;
 *
 * Only fixed-width integers, float, double, enums, pointers, plain structs and unions by pointer, and call-backs that
 * are passed on cross. `hotgraft bind` reads the annotations; for the compiler they are nothing.
 */
#ifndef HOTGRAFT_INTERFACE_H
#define HOTGRAFT_INTERFACE_H

#include <stddef.h>
#include <stdint.h>

#include "export.h"

HOTGRAFT_EXTERN_C_BEGIN

/* A buffer of `n` elements (the name of another parameter, or a number) that the function reads, writes, or both. */
#define HOTGRAFT_IN(n)
#define HOTGRAFT_OUT(n)
#define HOTGRAFT_INOUT(n)
/* The pointer, or behind the parameter list the result, may be NULL; None in Python. */
#define HOTGRAFT_NULLABLE
/* After the function's parameter list: what holds for the function. */
#define HOTGRAFT_SINCE(major, minor) /* the interface version that first offered it */
#define HOTGRAFT_BLOCKING            /* may take long: Python releases its lock around the call */
#define HOTGRAFT_IDEMPOTENT          /* calling it twice is calling it once */
#define HOTGRAFT_SERIAL              /* callers take turns: one call at a time */
#define HOTGRAFT_REALTIME            /* never waits and asks for no memory: may be called on a realtime thread */
/* A result that is a pointer says who owns what it points to; bind refuses one that does not. */
#define HOTGRAFT_COPIED    /* terminated text (char *): copied into a Python object before the guard is left */
#define HOTGRAFT_OWNED     /* from the host's realloc, now the caller's: copied into a Python object, then freed */
#define HOTGRAFT_LEASED(n) /* `n` elements (an OUT parameter) inside the plugin: a memoryview that holds a lease */

/* The head of what a slot holds. Host memory, immutable once published; its address stands for one interval of service.
 * The interface struct as its author declared it follows directly, copied by the host and padded with stubs that return
 * HOTGRAFT_E_UNSUPPORTED up to the longest version of that interface ever published. Its struct_size is what this
 * generation offers. While the plugin has no usable generation, a table of its host's: its functions answer what was
 * declared for them, or HOTGRAFT_E_UNAVAILABLE. */
typedef struct hotgraft_table {
    uint32_t struct_size; /* of this head, bytes */
    uint32_t version;     /* of the interface: major << 16 | minor */
    uint64_t generation;  /* 1, 2, 3, …; never reused. 0: a fallback of the host's */
    void *self;           /* first argument of every function */
    uint32_t meter;       /* index of this generation's meter; 0: it has none. Guard protocol 2 */
    uint32_t reserved;
} hotgraft_table;

/* The one place callers read a table from: host memory, on a cache line of its own. Open when both words are equal;
 * `check` is the truth. Values below 16 are marks, not tables. Guard protocol 1. */
typedef struct hotgraft_slot {
    const hotgraft_table *current;
    const hotgraft_table *check;
} hotgraft_slot;

/* The interface struct that follows the head. */
#define HOTGRAFT_INTERFACE(type, table) ((const type *)(const void *)((table) + 1))

HOTGRAFT_EXTERN_C_END

#endif /* HOTGRAFT_INTERFACE_H */
