/* Interface ground/1.0: what others build on. Answers are those of stress_plugin.h. */
#ifndef GROUND_H
#define GROUND_H

#include <hotgraft/hotgraft.h>

typedef struct ground_v1 {
    uint32_t struct_size;

    uint64_t (*stamp)(void *self);
    /* Calls the roof through its import and answers what that answered; 0: no roof is bound. [call] */
    uint64_t (*back)(void *self);
    /* What was added up over all generations so far. [call] */
    uint64_t (*total)(void *self);
    /* Adds to the total and answers as stamp does. [call] */
    uint64_t (*add)(void *self, uint64_t by);
    /* Stays inside for so long, then answers as stamp does. [call] */
    uint64_t (*nap)(void *self, uint32_t ms) HOTGRAFT_BLOCKING;
} ground_v1;

#endif /* GROUND_H */
