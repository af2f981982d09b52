#define _GNU_SOURCE /* accept4, SO_COOKIE */

#include "server.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTENER (ECHO_CONNECTIONS + 1) /* what epoll calls it; connections go by their place */
#define WAKER    (ECHO_CONNECTIONS + 2)

/* How long the thread waits at a time to be told that it serves: who stops it waits that long at most. */
#define SERVING_WAIT_NS UINT64_C(2000000)

static hotgraft_status fail(hotgraft_error *error, const char *what) {
    error->code = errno;
    snprintf(error->message, sizeof error->message, "%s: %s", what, strerror(errno));
    return HOTGRAFT_E_FAILED;
}

/* --- sockets --- */

static uint64_t cookie_of(int fd) {
    uint64_t cookie = 0;
    socklen_t bytes = sizeof cookie;
    return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &bytes) == 0 ? cookie : 0;
}

/* Is the fd still what it was when it was written down? In the probe, which is given a copy of the state, it is not: an
 * fd is its process's. */
static bool is_ours(const echo_socket *it) {
    return it->cookie != 0 && cookie_of(it->fd) == it->cookie;
}

static void close_socket(echo_socket *it) {
    if (is_ours(it)) {
        close(it->fd);
    }
    *it = (echo_socket){0};
}

static hotgraft_status listen_at(echo_state *state, uint32_t port, hotgraft_error *error) {
    const int on = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t bytes = sizeof at;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return fail(error, "socket");
    }
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, SOMAXCONN) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &bytes) != 0) {
        const hotgraft_status status = fail(error, "listen");
        close(fd);
        return status;
    }
    state->listener = (echo_socket){cookie_of(fd), fd, 0};
    state->port = ntohs(at.sin_port);
    return HOTGRAFT_OK;
}

static int hear(int poll, int fd, uint32_t events, uint32_t name) {
    struct epoll_event event = {.events = events, .data = {.u32 = name}};
    return epoll_ctl(poll, EPOLL_CTL_MOD, fd, &event) == 0 || epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -1;
}

/* --- the thread: the only one that touches a connection --- */

static bool has_unsent(const echo_connection *it) {
    return it->begin != it->end;
}

/* One thing at a time: what was read is sent before more is read, so who does not read is not sent to. */
static int hear_connection(const echo_server *server, uint32_t place) {
    const echo_connection *it = &server->state->connections[place];
    return hear(server->poll, it->socket.fd, has_unsent(it) ? EPOLLOUT : EPOLLIN, place);
}

static void hear_listener(echo_server *server, bool hears) {
    if (hears != server->hears_listener &&
        hear(server->poll, server->state->listener.fd, hears ? EPOLLIN : 0, LISTENER) == 0) {
        server->hears_listener = hears;
    }
}

static void end_connection(echo_server *server, echo_connection *it) {
    close_socket(&it->socket); /* which takes it out of epoll, too */
    it->begin = it->end = 0;
    it->echoed = 0;
    hear_listener(server, true);
}

/* What became of the last recv or send: it may be tried again, or there will never be more. */
static bool is_over(ssize_t bytes) {
    return bytes < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR;
}

static void serve_connection(echo_server *server, uint32_t place) {
    echo_connection *it = &server->state->connections[place];
    const bool had_unsent = has_unsent(it);
    if (!had_unsent) {
        const ssize_t got = recv(it->socket.fd, it->data, sizeof it->data, 0);
        if (got == 0 || is_over(got)) {
            end_connection(server, it);
            return;
        }
        it->begin = 0;
        it->end = got < 0 ? 0 : (uint32_t)got;
    }
    if (has_unsent(it)) {
        const ssize_t sent = send(it->socket.fd, it->data + it->begin, it->end - it->begin, MSG_NOSIGNAL);
        it->begin += sent < 0 ? 0 : (uint32_t)sent;
        __atomic_add_fetch(&it->echoed, sent < 0 ? 0 : (uint64_t)sent, __ATOMIC_RELAXED);
        if (is_over(sent)) {
            end_connection(server, it);
            return;
        }
    }
    if (has_unsent(it) != had_unsent && hear_connection(server, place) != 0) {
        end_connection(server, it);
    }
}

static echo_connection *free_place(echo_state *state, uint32_t *place) {
    for (*place = 0; *place < ECHO_CONNECTIONS; ++*place) {
        if (state->connections[*place].socket.cookie == 0) {
            return &state->connections[*place];
        }
    }
    return NULL;
}

static void accept_one(echo_server *server) {
    uint32_t place = 0;
    echo_connection *it = free_place(server->state, &place);
    const int fd = it == NULL ? -1 : accept4(server->state->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (it == NULL) {
        hear_listener(server, false);
    } else if (fd >= 0) {
        it->socket = (echo_socket){cookie_of(fd), fd, 0};
        __atomic_add_fetch(&server->state->accepted, 1, __ATOMIC_RELAXED);
        if (it->socket.cookie == 0 || hear_connection(server, place) != 0) {
            close(fd);
            it->socket = (echo_socket){0};
        }
    }
}

/* What is no more what it was is not ours to touch: after a rollback to a block that was kept, fds in it may long be
 * others'. */
static void hear_all(echo_server *server) {
    echo_state *state = server->state;
    for (uint32_t place = 0; place < ECHO_CONNECTIONS; ++place) {
        echo_connection *it = &state->connections[place];
        if (it->socket.cookie != 0 && (!is_ours(&it->socket) || hear_connection(server, place) != 0)) {
            end_connection(server, it);
        }
    }
    server->hears_listener = false;
    hear_listener(server, true);
}

static bool is_stopped(const echo_server *server) {
    return __atomic_load_n(&server->stops, __ATOMIC_ACQUIRE) != 0;
}

/* start comes before publish. What is read from a socket before that would be missing if the swap were called off. */
static void wait_until_serving(const echo_server *server) {
    while (server->serving != NULL && !is_stopped(server) &&
           server->serving->wait(server->host->ctx, SERVING_WAIT_NS) != HOTGRAFT_OK) {
    }
}

static void *serve(void *it) {
    echo_server *server = it;
    struct epoll_event events[16];
    wait_until_serving(server);
    if (!is_stopped(server)) {
        hear_all(server);
    }
    while (!is_stopped(server)) {
        const int count = epoll_wait(server->poll, events, sizeof events / sizeof *events, -1);
        for (int i = 0; i < count; ++i) {
            if (events[i].data.u32 == LISTENER) {
                accept_one(server);
            } else if (events[i].data.u32 < ECHO_CONNECTIONS &&
                       server->state->connections[events[i].data.u32].socket.cookie != 0) {
                serve_connection(server, events[i].data.u32);
            }
        }
    }
    return NULL;
}

/* --- what the plugin asks for --- */

/* Only a state that was not handed over has no listener: it is this build's own, and may be written to. */
hotgraft_status server_open(echo_server *server, uint32_t port, hotgraft_error *error) {
    server->poll = epoll_create1(EPOLL_CLOEXEC);
    server->waker = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (server->poll < 0 || server->waker < 0 || hear(server->poll, server->waker, EPOLLIN, WAKER) != 0) {
        return fail(error, "epoll");
    }
    return server->state->listener.cookie == 0 ? listen_at(server->state, port, error) : HOTGRAFT_OK;
}

hotgraft_status server_run(echo_server *server, hotgraft_error *error) {
    sigset_t all;
    sigset_t before;
    uint64_t drained = 0;
    __atomic_store_n(&server->stops, 0, __ATOMIC_RELEASE);
    (void)!read(server->waker, &drained, sizeof drained);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for the program's own threads */
    const int failed = pthread_create(&server->thread, NULL, serve, server);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = failed;
    server->is_running = failed == 0;
    return failed == 0 ? HOTGRAFT_OK : fail(error, "thread");
}

void server_stop(echo_server *server) {
    const uint64_t one = 1;
    if (server->is_running) {
        __atomic_store_n(&server->stops, 1, __ATOMIC_RELEASE);
        (void)!write(server->waker, &one, sizeof one);
        pthread_join(server->thread, NULL);
        server->is_running = false;
    }
}

void server_close(echo_server *server) {
    for (uint32_t place = 0; server->state != NULL && place < ECHO_CONNECTIONS; ++place) {
        close_socket(&server->state->connections[place].socket);
    }
    if (server->state != NULL) {
        close_socket(&server->state->listener);
    }
    if (server->poll >= 0) {
        close(server->poll);
    }
    if (server->waker >= 0) {
        close(server->waker);
    }
}
