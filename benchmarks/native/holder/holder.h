/* Interface holder/1.0: a block of state as large as the config says. */
#ifndef HOLDER_H
#define HOLDER_H

#include <hotgraft/hotgraft.h>

typedef struct holder_v1 {
    uint32_t struct_size;
    /* Where the block lies. */
    uint64_t (*address)(void *self);
} holder_v1;

#endif /* HOLDER_H */
