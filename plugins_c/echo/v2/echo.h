/* Interface echo/1.1: a TCP server on the loopback address that sends back what it is sent. */
#ifndef ECHO_H
#define ECHO_H

#include <hotgraft/hotgraft.h>

typedef struct echo_v1 {
    uint32_t struct_size;

    /* The port it listens at. [call] */
    uint32_t (*port)(void *self);

    /* How many connections are open now. [call] */
    uint32_t (*connections)(void *self);

    /* How many were accepted since it first came up, whichever build did it. [call] */
    uint64_t (*accepted)(void *self);

    /* Bytes that were sent back to the connections that are open now; on one that an older build accepted, since it was
     * taken over. [call] */
    uint64_t (*echoed)(void *self) HOTGRAFT_SINCE(1, 1);
} echo_v1;

#endif /* ECHO_H */
