/* A TCP server whose connections outlive every build of it.
 *
 * A connection is an fd, and the process keeps its fds whatever library comes and goes. So all that a new build needs
 * is the numbers, and the bytes that were read and not sent back yet: both lie in a block of the host's (echo_state.h).
 * What does not go along is made anew by every build: the thread and its epoll. Nobody at the other end notices.
 */
#include "echo.h"
#include "echo_descriptor.h"
#include "server.h"

#include <stdlib.h>
#include <string.h>

struct hotgraft_instance {
    echo_server server;
    uint32_t port; /* that the config asks for; 0: any */
};

/* --- the interface: callers, on any thread and several at once --- */

static uint32_t port(void *self) {
    return ((const hotgraft_instance *)self)->server.state->port;
}

static uint32_t connections(void *self) {
    const echo_state *state = ((const hotgraft_instance *)self)->server.state;
    uint32_t open = 0;
    for (uint32_t place = 0; place < ECHO_CONNECTIONS; ++place) {
        open += __atomic_load_n(&state->connections[place].socket.cookie, __ATOMIC_RELAXED) != 0;
    }
    return open;
}

static uint64_t accepted(void *self) {
    return __atomic_load_n(&((const hotgraft_instance *)self)->server.state->accepted, __ATOMIC_RELAXED);
}

static uint64_t echoed(void *self) {
    const echo_state *state = ((const hotgraft_instance *)self)->server.state;
    uint64_t bytes = 0;
    for (uint32_t place = 0; place < ECHO_CONNECTIONS; ++place) {
        bytes += __atomic_load_n(&state->connections[place].echoed, __ATOMIC_RELAXED);
    }
    return bytes;
}

static const echo_v1 interface = {sizeof(echo_v1), port, connections, accepted, echoed};

/* --- state: the host, while no call is inside and the thread has ended --- */

static hotgraft_status surrender(hotgraft_instance *echo, void **block, uint64_t *bytes, hotgraft_error *error) {
    (void)error;
    *block = echo->server.state;
    *bytes = sizeof *echo->server.state;
    echo->server.state = NULL;
    return HOTGRAFT_OK;
}

/* May not write to the block: if the swap is called off, the old build goes on with it. */
static hotgraft_status take(hotgraft_instance *echo, void *block, uint64_t bytes, uint64_t layout_id,
                            hotgraft_error *error) {
    static const char why[] = "take: the block is not an echo_state";
    if (layout_id != HOTGRAFT_LAYOUT_ID || bytes != sizeof *echo->server.state) {
        memcpy(error->message, why, sizeof why);
        return HOTGRAFT_E_INVALID;
    }
    (void)echo->server.host->realloc(echo->server.host->ctx, echo->server.state, 0, 0); /* the fresh one, or nothing */
    echo->server.state = block;
    return HOTGRAFT_OK;
}

static const hotgraft_ext_state state_extension = {
    .struct_size = sizeof(hotgraft_ext_state),
    .schema = 1,
    .layout_id = HOTGRAFT_LAYOUT_ID,
    .take = take,
    .surrender = surrender,
};

/* --- the instance --- */

static hotgraft_status start(hotgraft_instance *echo, hotgraft_error *error) {
    const hotgraft_status status = server_open(&echo->server, echo->port, error);
    return status == HOTGRAFT_OK ? server_run(&echo->server, error) : status;
}

/* The thread waits for nothing that could take long. */
static hotgraft_status quiesce(hotgraft_instance *echo, uint64_t budget_ns, hotgraft_error *error) {
    (void)budget_ns;
    (void)error;
    server_stop(&echo->server);
    return HOTGRAFT_OK;
}

static hotgraft_status resume(hotgraft_instance *echo, hotgraft_error *error) {
    return echo->server.is_running ? HOTGRAFT_OK : server_run(&echo->server, error);
}

/* The config has been held against config.schema.json, and its one key is there. */
static uint32_t port_in(const hotgraft_str *config) {
    const char *colon = memchr(config->ptr, ':', config->len);
    uint32_t number = 0;
    for (const char *at = colon; at != NULL && at < config->ptr + config->len; ++at) {
        number = *at >= '0' && *at <= '9' ? 10 * number + (uint32_t)(*at - '0') : number;
    }
    return number;
}

static hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config_json, hotgraft_instance **instance,
                              hotgraft_error *error) {
    (void)error;
    hotgraft_instance *echo = calloc(1, sizeof *echo);
    echo_state *state = host->realloc(host->ctx, NULL, sizeof *state, 0);
    if (echo == NULL || state == NULL) {
        free(echo);
        (void)host->realloc(host->ctx, state, 0, 0);
        return HOTGRAFT_E_NOMEM;
    }
    memset(state, 0, sizeof *state);
    echo->server.host = host;
    echo->server.serving = host->get_extension(host->ctx, HOTGRAFT_EXT_SERVING);
    echo->server.state = state;
    echo->port = port_in(config_json);
    echo->server.poll = echo->server.waker = -1;
    *instance = echo;
    return HOTGRAFT_OK;
}

/* Who surrendered the connections does not close them. */
static void destroy(hotgraft_instance *echo) {
    const hotgraft_host *host = echo->server.host;
    server_close(&echo->server);
    (void)host->realloc(host->ctx, echo->server.state, 0, 0);
    free(echo);
}

static const void *get_interface(hotgraft_instance *echo, const char *id, void **self) {
    *self = echo;
    return strcmp(id, "echo/1") == 0 ? &interface : NULL;
}

static const void *get_extension(const char *id) {
    return strcmp(id, HOTGRAFT_EXT_STATE) == 0 ? &state_extension : NULL;
}

static const hotgraft_plugin plugin = {
    .struct_size = sizeof(hotgraft_plugin),
    .abi_minor = HOTGRAFT_ABI_MINOR,
    .descriptor = hotgraft_descriptor,
    .descriptor_len = sizeof hotgraft_descriptor,
    .create = create,
    .start = start,
    .quiesce = quiesce,
    .resume = resume,
    .destroy = destroy,
    .get_interface = get_interface,
    .get_extension = get_extension,
};

const hotgraft_plugin *hotgraft_plugin_v1(uint32_t host_abi_minor) {
    (void)host_abi_minor; /* nothing here needs more than minor 0 */
    return &plugin;
}
