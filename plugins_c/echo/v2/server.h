/* The sockets and the thread that serves them. Nothing here knows of swaps, but for the wait until it serves. */
#ifndef ECHO_SERVER_H
#define ECHO_SERVER_H

#include "echo_state.h"

#include <hotgraft/hotgraft.h>

#include <pthread.h>
#include <stdbool.h>

typedef struct echo_server {
    const hotgraft_host *host;
    const hotgraft_ext_serving *serving; /* NULL: this host does not offer it */
    echo_state *state;                   /* while the thread runs, the thread's */
    int poll;
    int waker; /* written to when the thread shall end */
    bool is_running;
    bool hears_listener; /* not while every place is taken */
    int stops;           /* atomic */
    pthread_t thread;
} echo_server;

/* Open what a build has of its own, and the listener if the state has none. */
hotgraft_status server_open(echo_server *server, uint32_t port, hotgraft_error *error);
/* Begin to serve, as soon as the generation does. */
hotgraft_status server_run(echo_server *server, hotgraft_error *error);
/* End the thread: the state holds still. */
void server_stop(echo_server *server);
/* Close everything, and the connections if they are still ours. */
void server_close(echo_server *server);

#endif /* ECHO_SERVER_H */
