/* What must not be lost when a new build takes over: the open fds, and what was read from one and not sent back yet. */
#ifndef ECHO_STATE_H
#define ECHO_STATE_H

#include <stdint.h>

#define ECHO_CONNECTIONS 64
#define ECHO_BYTES       4096

typedef struct echo_socket {
    uint64_t cookie; /* what the kernel calls the socket, for as long as the machine is up; 0: none is open */
    int32_t fd;      /* only a number: it may have become another file's */
    uint32_t reserved;
} echo_socket;

typedef struct echo_connection {
    echo_socket socket;
    uint32_t begin; /* of what waits to be sent */
    uint32_t end;
    uint8_t data[ECHO_BYTES];
} echo_connection;

typedef struct echo_state {
    echo_socket listener;
    uint32_t port;
    uint32_t reserved;
    uint64_t accepted;
    echo_connection connections[ECHO_CONNECTIONS];
} echo_state;

#endif /* ECHO_STATE_H */
