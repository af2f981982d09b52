/* Interface roof/1.0: stands on the ground, which calls it back. Answers are those of stress_plugin.h. */
#ifndef ROOF_H
#define ROOF_H

#include <hotgraft/hotgraft.h>

typedef struct roof_v1 {
    uint32_t struct_size;

    uint64_t (*stamp)(void *self);
    /* The ground's stamp, asked from in here. 0: the own stamp changed meanwhile. [call] */
    uint64_t (*below)(void *self);
    /* roof → ground → roof: what the inner roof answered. 0: it was not this one, so one outer call saw two sides of a
     * swap. [call] */
    uint64_t (*around)(void *self);
} roof_v1;

#endif /* ROOF_H */
