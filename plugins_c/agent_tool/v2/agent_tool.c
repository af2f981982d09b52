/* A tool for an agent: it gathers numbers over a session and says what is known of them. JSON in, JSON out.
 *
 * The session's numbers lie in memory of the host's and are handed from build to build, so a session does not notice a
 * swap. What agents may rely on in an answer stands in answer.schema.json, which `plugin.toml` names: the next version
 * may add to it, and a version that promises less is told apart from one that does not.
 */
#define _POSIX_C_SOURCE 200809L /* locale_t */

#include "agent_tool_descriptor.h"
#include "json.h"
#include "tool.h"
#include "tool_state.h"

#include <locale.h>
#include <pthread.h>
#include <stdio.h>

#define ANSWER_BYTES 512

struct hotgraft_instance {
    const hotgraft_host *host;
    tool_state *state;
    pthread_mutex_t lock; /* guards *state; not in it: a lock that is handed over may be held */
    locale_t plain;       /* a point is a point, whatever locale the process is in */
    uint64_t most_values;
};

/* --- what a request asks for --- */

typedef struct request {
    char op[16];
    bool has_values;
} request;

static void add(tool_state *state, double value) {
    const double before = value - state->mean;
    state->count++;
    state->mean += before / (double)state->count;
    state->squares += before * (value - state->mean);
    state->least = state->count == 1 || value < state->least ? value : state->least;
    state->most = state->count == 1 || value > state->most ? value : state->most;
}

static bool read_values(json *it, tool_state *state, uint64_t most_values) {
    uint64_t count = 0;
    if (!json_want(it, '[', "values must be a list of numbers") || json_take(it, ']')) {
        return it->why == NULL;
    }
    do {
        double value = 0;
        if (count++ == most_values) {
            return json_fail(it, "more values than most_values at once");
        }
        if (json_number(it, &value)) {
            add(state, value);
        }
    } while (json_take(it, ','));
    return json_want(it, ']', "values must be a list of numbers");
}

static bool read_member(json *it, request *asked, tool_state *state, uint64_t most_values) {
    char key[16];
    if (!json_word(it, key, sizeof key) || !json_want(it, ':', "a colon is missing")) {
        return false;
    }
    if (strcmp(key, "op") == 0 && asked->op[0] == '\0') {
        return json_word(it, asked->op, sizeof asked->op);
    }
    if (strcmp(key, "values") == 0 && !asked->has_values) {
        asked->has_values = true;
        return read_values(it, state, most_values);
    }
    return json_fail(it, "a key is unknown, or stands twice");
}

/* Reads the request into `state`, which is a copy: only a request that is whole counts. */
static const char *carry_out(const uint8_t *text, uint64_t bytes, tool_state *state, uint64_t most_values) {
    json it = {(const char *)text, (const char *)text + bytes, NULL};
    request asked = {{0}, false};
    if (json_want(&it, '{', "a request is an object") && !json_take(&it, '}')) {
        do {
            (void)read_member(&it, &asked, state, most_values);
        } while (json_take(&it, ','));
        (void)json_want(&it, '}', "the object does not end");
    }
    if (it.why == NULL && (json_peek(&it) != '\0' || it.at != it.end)) {
        (void)json_fail(&it, "something follows the object");
    }
    if (it.why != NULL) {
        return it.why;
    }
    if (strcmp(asked.op, "reset") == 0) {
        *state = (tool_state){0};
    } else if (strcmp(asked.op, "add") != 0 && strcmp(asked.op, "summary") != 0) {
        return "op must be add, summary or reset";
    }
    if (asked.has_values != (strcmp(asked.op, "add") == 0)) {
        return "values belong to add, and to nothing else";
    }
    return NULL;
}

/* --- the answer --- */

static int write_answer(char *text, const tool_state *state, const char *why) {
    if (why != NULL) {
        return snprintf(text, ANSWER_BYTES, "{\"ok\": false, \"error\": \"%s\", \"count\": %llu}", why,
                        (unsigned long long)state->count);
    }
    if (state->count == 0) {
        return snprintf(text, ANSWER_BYTES, "{\"ok\": true, \"count\": 0}");
    }
    return snprintf(text, ANSWER_BYTES,
                    "{\"ok\": true, \"count\": %llu, \"mean\": %.17g, \"least\": %.17g, \"most\": %.17g, "
                    "\"variance\": %.17g}",
                    (unsigned long long)state->count, state->mean, state->least, state->most,
                    state->squares / (double)state->count);
}

/* --- the interface: callers, on any thread and several at once --- */

static const char *describe(void *self) {
    (void)self;
    return "{\"name\": \"gather\", \"description\": \"Gathers numbers over a session and says what is known of them.\","
           " \"input\": {\"type\": \"object\", \"properties\": {\"op\": {\"enum\": [\"add\", \"summary\", \"reset\"]},"
           " \"values\": {\"type\": \"array\", \"items\": {\"type\": \"number\"}}}, \"required\": [\"op\"]}}";
}

static char *call(void *self, const uint8_t *asked, uint64_t bytes) {
    hotgraft_instance *tool = self;
    char text[ANSWER_BYTES];
    const locale_t before = uselocale(tool->plain);
    pthread_mutex_lock(&tool->lock);
    tool_state now = *tool->state;
    const char *why = carry_out(asked, bytes, &now, tool->most_values);
    if (why == NULL) {
        *tool->state = now;
    }
    const int length = write_answer(text, tool->state, why);
    pthread_mutex_unlock(&tool->lock);
    uselocale(before);
    char *answer = tool->host->realloc(tool->host->ctx, NULL, (uint64_t)length + 1, 0);
    if (answer != NULL) {
        memcpy(answer, text, (size_t)length + 1);
    }
    return answer;
}

static const tool_v1 interface = {sizeof(tool_v1), describe, call};

/* --- state: the host, while no call is inside --- */

static hotgraft_status surrender(hotgraft_instance *tool, void **block, uint64_t *bytes, hotgraft_error *error) {
    (void)error;
    *block = tool->state;
    *bytes = sizeof *tool->state;
    tool->state = NULL;
    return HOTGRAFT_OK;
}

/* May not write to the block: if the swap is called off, the old build goes on with it. */
static hotgraft_status take(hotgraft_instance *tool, void *block, uint64_t bytes, uint64_t layout_id,
                            hotgraft_error *error) {
    static const char why[] = "take: the block is not a tool_state";
    if (layout_id != HOTGRAFT_LAYOUT_ID || bytes != sizeof *tool->state) {
        memcpy(error->message, why, sizeof why);
        return HOTGRAFT_E_INVALID;
    }
    (void)tool->host->realloc(tool->host->ctx, tool->state, 0, 0); /* the fresh one, or nothing */
    tool->state = block;
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

/* The host has held the config against config.schema.json and filled its default in, so the one key is there. */
static bool read_config(const hotgraft_str *config, uint64_t *most_values) {
    json it = {config->ptr, config->ptr + config->len, NULL};
    char key[16];
    double number = 0;
    if (!json_want(&it, '{', "") || !json_word(&it, key, sizeof key) || !json_want(&it, ':', "") ||
        !json_number(&it, &number) || number < 1 || number > 4096) {
        return false;
    }
    *most_values = (uint64_t)number;
    return true;
}

static void destroy(hotgraft_instance *tool) {
    (void)tool->host->realloc(tool->host->ctx, tool->state, 0, 0); /* NULL when it was surrendered */
    pthread_mutex_destroy(&tool->lock);
    freelocale(tool->plain);
    free(tool);
}

static hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config_json, hotgraft_instance **instance,
                              hotgraft_error *error) {
    static const char why[] = "create: most_values is missing in the config";
    hotgraft_instance *tool = calloc(1, sizeof *tool);
    tool_state *state = host->realloc(host->ctx, NULL, sizeof *state, 0);
    const locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (tool == NULL || state == NULL || plain == (locale_t)0) {
        if (plain != (locale_t)0) {
            freelocale(plain);
        }
        free(tool);
        (void)host->realloc(host->ctx, state, 0, 0);
        return HOTGRAFT_E_NOMEM;
    }
    *state = (tool_state){0};
    tool->host = host;
    tool->state = state;
    tool->plain = plain;
    pthread_mutex_init(&tool->lock, NULL);
    if (!read_config(config_json, &tool->most_values)) {
        destroy(tool);
        memcpy(error->message, why, sizeof why);
        return HOTGRAFT_E_INVALID;
    }
    *instance = tool;
    return HOTGRAFT_OK;
}

static const void *get_interface(hotgraft_instance *tool, const char *id, void **self) {
    *self = tool;
    return strcmp(id, "tool/1") == 0 ? &interface : NULL;
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
    .destroy = destroy,
    .get_interface = get_interface,
    .get_extension = get_extension,
};

const hotgraft_plugin *hotgraft_plugin_v1(uint32_t host_abi_minor) {
    (void)host_abi_minor; /* nothing here needs more than minor 0 */
    return &plugin;
}
