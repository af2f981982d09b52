/* What the fields of a state say beyond their type, so that it can be converted, copied and kept: `hotgraft bind` reads
 * it; for the compiler it is nothing.
 *
 *     typedef union shape {
 *         circle round HOTGRAFT_ARM(SHAPE_ROUND);
 *         box square HOTGRAFT_ARM(SHAPE_SQUARE);
 *     } shape;
 *
 *     typedef struct scene {
 *         uint64_t particle_count;
 *         particle *particles HOTGRAFT_COUNTED(particle_count);
 *         uint32_t kind;
 *         shape body HOTGRAFT_TAGGED(kind);
 *         uint64_t connection HOTGRAFT_HANDLE;
 *     } scene HOTGRAFT_STATE(1);
 */
#ifndef HOTGRAFT_FIELDS_H
#define HOTGRAFT_FIELDS_H

/* Behind a struct: it is the plugin's state, of this schema; as struct and schema in [state] of plugin.toml say. */
#define HOTGRAFT_STATE(schema)

/* Behind a pointer: it leads to a block of its own from the host's realloc, of which the first `count` elements are
 * used; `count` is an integer field of the same struct. NULL with count 0 is no block. No other field leads there. */
#define HOTGRAFT_COUNTED(count)

/* Behind a union: `tag`, an integer or enum field of the same struct, says which of its members is alive; each of these
 * says by which value. A tag that is no such value is refused when the state is converted. */
#define HOTGRAFT_TAGGED(tag)
#define HOTGRAFT_ARM(value)

/* Behind a uint64_t: it names something that lies elsewhere (an fd, an id) and is carried as it is: it never gets
 * another type, and nobody but the plugin knows what it means. */
#define HOTGRAFT_HANDLE

#endif /* HOTGRAFT_FIELDS_H */
