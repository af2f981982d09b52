/* A counter whose control functions do what its config says: {"fail": "take"} answers an error there, {"hang":
 * "quiesce"} never returns, {"again": "quiesce"} stays busy. Carries its number by hand over, or by save and restore
 * when built with STEPS_SAVES; with STEPS_SHARED its block is the host's, and shared. STEPS_STEP is what a build counts
 * in; STEPS_LAYOUT names the layout of its block, and STEPS_ALIGN is how that is aligned. STEPS_BAD has the functions
 * of bad_state.h in front of those of the state. With STEPS_POINTED its number lies in a block that its block leads to,
 * with room for STEPS_NUMBERS.
 */
#include <hotgraft/hotgraft.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef STEPS_STEP
#define STEPS_STEP 1
#endif
#ifndef STEPS_SCHEMA
#define STEPS_SCHEMA 1
#endif
#ifndef STEPS_LAYOUT
#define STEPS_LAYOUT 11
#endif
#ifndef STEPS_NUMBERS
#define STEPS_NUMBERS 4
#endif
#ifndef STEPS_ALIGN
#define STEPS_ALIGN 0
#endif

__attribute__((used, aligned(4), section(".note.hotgraft"))) static const struct {
    uint32_t name_bytes, text_bytes, type;
    char name[12], text[20];
} note = {9, 19, 1, "hotgraft", "{\"name\": \"steps\"}  "};

typedef struct steps_v1 {
    uint32_t struct_size;
    int64_t (*next)(void *self);
    int64_t (*value)(void *self);
    int64_t (*is_resting)(void *self);
} steps_v1;

#ifdef STEPS_POINTED
typedef struct steps_state {
    int64_t *numbers; /* the first is the one */
    int64_t count;
} steps_state;
#define NUMBER(state) ((state)->numbers[0])
#else
typedef struct steps_state {
    int64_t number;
} steps_state;
#define NUMBER(state) ((state)->number)
#endif

struct hotgraft_instance {
    const hotgraft_host *host;
    steps_state *state;
    steps_state *mine; /* bad_state.h: what it did not give away, though it says so */
    char config[256];
    int64_t is_resting;
};

static hotgraft_status act(const hotgraft_instance *steps, const char *function, hotgraft_error *error) {
    const char *verb = strstr(steps->config, function);
    if (verb == NULL) {
        return HOTGRAFT_OK;
    }
    if (strstr(steps->config, "\"hang\"") != NULL) {
        for (;;) {
            pause();
        }
    }
    if (strstr(steps->config, "\"again\"") != NULL) {
        return HOTGRAFT_AGAIN;
    }
    strcpy(error->message, "told to fail in ");
    strcat(error->message, function);
    return HOTGRAFT_E_FAILED;
}

static int64_t next(void *self) {
    hotgraft_instance *steps = self;
    return __atomic_add_fetch(&NUMBER(steps->state), STEPS_STEP, __ATOMIC_RELAXED);
}

static int64_t value(void *self) {
    return NUMBER(((hotgraft_instance *)self)->state);
}
static int64_t is_resting(void *self) {
    return ((hotgraft_instance *)self)->is_resting;
}

static const steps_v1 interface = {sizeof(steps_v1), next, value, is_resting};

static hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config, hotgraft_instance **out,
                              hotgraft_error *error) {
    hotgraft_instance *steps = calloc(1, sizeof *steps);
    hotgraft_status status;
    steps->host = host;
    memcpy(steps->config, config->ptr, config->len < 255 ? config->len : 255);
    status = act(steps, "create", error);
    if (status != HOTGRAFT_OK) {
        free(steps);
        return status;
    }
#ifndef STEPS_SHARED
    steps->state = host->realloc(host->ctx, NULL, sizeof *steps->state, STEPS_ALIGN);
#ifdef STEPS_POINTED
    steps->state->count = STEPS_NUMBERS - 1;
    steps->state->numbers = host->realloc(host->ctx, NULL, STEPS_NUMBERS * sizeof(int64_t), 0);
    memset(steps->state->numbers, 0, STEPS_NUMBERS * sizeof(int64_t));
#endif
    NUMBER(steps->state) = 0;
#endif
    *out = steps;
    return HOTGRAFT_OK;
}

static hotgraft_status start(hotgraft_instance *steps, hotgraft_error *error) {
    return act(steps, "start", error);
}

static hotgraft_status quiesce(hotgraft_instance *steps, uint64_t budget_ns, hotgraft_error *error) {
    (void)budget_ns;
    steps->is_resting = 1;
    return act(steps, "quiesce", error);
}

static hotgraft_status resume(hotgraft_instance *steps, hotgraft_error *error) {
    steps->is_resting = 0;
    return act(steps, "resume", error);
}

static void drop_state(hotgraft_instance *steps) {
#ifdef STEPS_POINTED
    if (steps->state != NULL) {
        (void)steps->host->realloc(steps->host->ctx, steps->state->numbers, 0, 0);
    }
#endif
#ifndef STEPS_SHARED
    (void)steps->host->realloc(steps->host->ctx, steps->state, 0, 0);
#endif
}

static void destroy(hotgraft_instance *steps) {
    drop_state(steps);
    free(steps);
}

#ifdef STEPS_BAD
#include "bad_state.h"
#define BAD(function) bad_##function
#else
#define BAD(function) function
#endif

#ifdef STEPS_SHARED
static hotgraft_status init(hotgraft_instance *steps, void *block, hotgraft_error *error) {
    ((steps_state *)block)->number = 0;
    return act(steps, "init", error);
}

static hotgraft_status attach(hotgraft_instance *steps, void *block, hotgraft_error *error) {
    const hotgraft_status status = act(steps, "attach", error);
    if (status == HOTGRAFT_OK) {
        steps->state = block;
    }
    return status;
}
static const hotgraft_ext_shared shared = {
    sizeof(hotgraft_ext_shared), STEPS_SCHEMA, STEPS_LAYOUT, sizeof(steps_state), STEPS_ALIGN, init, attach};
#elif defined STEPS_SAVES
static hotgraft_status save(hotgraft_instance *steps, const hotgraft_sink *sink, hotgraft_error *error) {
    const hotgraft_status status = act(steps, "save", error);
    return status != HOTGRAFT_OK
               ? status
               : sink->put(sink->ctx, "number", HOTGRAFT_VALUE_I64, &NUMBER(steps->state), sizeof NUMBER(steps->state));
}

static hotgraft_status restore(hotgraft_instance *steps, uint32_t schema, const hotgraft_source *source,
                               hotgraft_error *error) {
    const void *data = NULL;
    uint64_t len = 0;
    const hotgraft_status status = act(steps, "restore", error);
    (void)schema;
    if (status == HOTGRAFT_OK &&
        source->get(source->ctx, "number", HOTGRAFT_VALUE_I64, NULL, &data, &len) == HOTGRAFT_OK) {
        memcpy(&NUMBER(steps->state), data, sizeof NUMBER(steps->state));
    }
    return status;
}
static const hotgraft_ext_state state = {
    sizeof(hotgraft_ext_state), STEPS_SCHEMA, 0, BAD(save), BAD(restore), NULL, NULL};
#else
static hotgraft_status take(hotgraft_instance *steps, void *block, uint64_t bytes, uint64_t layout_id,
                            hotgraft_error *error) {
    const hotgraft_status status = act(steps, "take", error);
    if (status != HOTGRAFT_OK || bytes != sizeof *steps->state || layout_id != STEPS_LAYOUT) {
        return status != HOTGRAFT_OK ? status : HOTGRAFT_E_INVALID;
    }
    drop_state(steps);
    steps->state = block;
    return HOTGRAFT_OK;
}

static hotgraft_status surrender(hotgraft_instance *steps, void **block, uint64_t *bytes, hotgraft_error *error) {
    const hotgraft_status status = act(steps, "surrender", error);
    if (status == HOTGRAFT_OK) {
        *block = steps->state;
        *bytes = sizeof *steps->state;
        steps->state = NULL;
    }
    return status;
}
static const hotgraft_ext_state state = {
    sizeof(hotgraft_ext_state), STEPS_SCHEMA, STEPS_LAYOUT, NULL, NULL, BAD(take), BAD(surrender)};
#endif

static const void *get_interface(hotgraft_instance *steps, const char *id, void **self) {
    *self = steps;
    return strcmp(id, "steps/1") == 0 ? &interface : NULL;
}

static const void *get_extension(const char *id) {
#ifdef STEPS_SHARED
    return strcmp(id, HOTGRAFT_EXT_SHARED) == 0 ? &shared : NULL;
#else
    return strcmp(id, HOTGRAFT_EXT_STATE) == 0 ? &state : NULL;
#endif
}

static const hotgraft_plugin plugin = {
    .struct_size = sizeof(hotgraft_plugin),
    .abi_minor = HOTGRAFT_ABI_MINOR,
    .descriptor = note.text,
    .descriptor_len = 19,
    .create = create,
    .start = BAD(start),
    .quiesce = quiesce,
    .resume = resume,
    .destroy = destroy,
    .get_interface = get_interface,
    .get_extension = get_extension,
};

HOTGRAFT_EXPORT const hotgraft_plugin *hotgraft_plugin_v1(uint32_t host_abi_minor) {
    (void)host_abi_minor;
    return &plugin;
}
