/* The version of the plugin ABI.
 *
 * RULES
 *   (1) Tables grow at the end only, and every table starts with struct_size.
 *   (2) A reader never touches a byte at or past the writer's struct_size.
 *   (3) A new minor only appends; what it appends is marked "since". A host serves plugins of its own minor and of all
 *       before it, and refuses later ones with both numbers: a plugin that never uses what is new is still compiled
 *       against it, and no fact in an image says what its code would reach for. Who must serve in an older host builds
 *       with the headers of that host. A new major is a new entry symbol (hotgraft_plugin_v2) beside the old one.
 *   (4) No C++ type, exception, FILE*, errno, va_list, bitfield, enum type or by-value struct crosses.
 *   (5) No memory is freed by the side that did not allocate it. Text is UTF-8.
 *
 * Call-place tags, at the end of each function's comment:
 *   [load]    inside the loader, before any instance exists: must not start threads or call the host
 *   [control] one at a time per instance, never concurrent with another [control] call, on a thread of the host's
 *   [call]    any thread, concurrent, only while the instance is active
 *   [any]     any thread, any time between the start of create and the return of destroy
 * and after a comma the state the instance is in: [control, quiesced].
 *
 * Lifetimes: (static) until the generation's code leaves memory; (call) until the call returns.
 */
#ifndef HOTGRAFT_VERSION_H
#define HOTGRAFT_VERSION_H

#include <stddef.h>

#define HOTGRAFT_ABI_MAJOR 1u
#define HOTGRAFT_ABI_MINOR 1u

/* Was member `field` of `*pointer` written by the side that filled it? (rule 2) */
#define HOTGRAFT_HAS(type, pointer, field) ((pointer)->struct_size >= offsetof(type, field) + sizeof((pointer)->field))

#endif /* HOTGRAFT_VERSION_H */
