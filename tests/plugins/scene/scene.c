/* A growing list of particles, each with a list of its own: all of it in the host's memory. */
#include "scene.h"
#include "scene_descriptor.h"

#include <stdlib.h>
#include <string.h>

struct hotgraft_instance {
    const hotgraft_host *host;
    scene_state *state;
    scene_state before; /* it was spoiled */
    scene_point *tail_before;
};

static void *sized(hotgraft_instance *scene, void *block, uint64_t bytes) {
    return scene->host->realloc(scene->host->ctx, block, bytes, 0);
}

static int64_t add(void *self, int32_t id, uint32_t tail) {
    hotgraft_instance *const scene = self;
    scene_state *const state = scene->state;
    if ((uint32_t)state->count == state->capacity) {
        const uint32_t capacity = 2 * state->capacity + 2;
        scene_particle *const more = sized(scene, state->particles, capacity * sizeof *more);
        if (more == NULL) {
            return -1;
        }
        state->particles = more;
        state->capacity = capacity;
    }
    scene_particle *const one = &state->particles[state->count];
    memset(one, 0, sizeof *one);
    one->id = id;
    if (tail != 0) {
        one->tail = sized(scene, NULL, tail * sizeof *one->tail);
        if (one->tail == NULL) {
            return -1;
        }
        one->tail_count = tail;
    }
    for (uint32_t i = 0; i < tail; ++i) {
        one->tail[i].x = (float)id;
    }
    return ++state->count;
}

static double sum(void *self) {
    const scene_state *const state = ((hotgraft_instance *)self)->state;
    double total = 0;
    for (int32_t i = 0; i < state->count; ++i) {
        total += (double)state->particles[i].id;
        for (uint32_t j = 0; j < state->particles[i].tail_count; ++j) {
            total += (double)state->particles[i].tail[j].x;
        }
    }
    return total;
}

static void set_ball(void *self, double radius) {
    scene_state *const state = ((hotgraft_instance *)self)->state;
    state->kind = SCENE_BALL;
    state->shape.ball.radius = (float)radius;
}

static void set_box(void *self, int32_t width, int32_t height) {
    scene_state *const state = ((hotgraft_instance *)self)->state;
    state->kind = SCENE_BOX;
    state->shape.box.width = width;
    state->shape.box.height = height;
}

static double area(void *self) {
    const scene_state *const state = ((hotgraft_instance *)self)->state;
    return state->kind == SCENE_BOX ? (double)state->shape.box.width * (double)state->shape.box.height
                                    : -(double)state->shape.ball.radius;
}

static void connect_to(void *self, uint64_t connection) {
    ((hotgraft_instance *)self)->state->connection = connection;
}

static uint64_t connection(void *self) {
    return (uint64_t)((hotgraft_instance *)self)->state->connection;
}

static void spoil(void *self, int32_t how) {
    static scene_particle own[4];
    hotgraft_instance *const scene = self;
    scene_state *const state = scene->state;
    if (scene->before.particles != NULL) {
        *state = scene->before;
        state->particles[0].tail = scene->tail_before;
        memset(&scene->before, 0, sizeof scene->before);
        return;
    }
    scene->before = *state;
    scene->tail_before = state->particles[0].tail;
    switch (how) {
    case 1:
        state->count = 1000;
        break;
    case 2:
        state->count = -3;
        break;
    case 3:
        state->particles = (scene_particle *)(uintptr_t)0x4140; /* nothing lies there */
        break;
    case 4:
        state->particles = own;
        break;
    case 5:
        state->particles[0].tail = (scene_point *)(void *)state->particles;
        break;
    case 6:
        state->particles = NULL;
        break;
    default:
        state->kind = 99;
    }
}

static const scene_v1 interface = {
    sizeof(scene_v1), add, sum, set_ball, set_box, area, connect_to, connection, spoil,
};

static hotgraft_status surrender(hotgraft_instance *scene, void **block, uint64_t *bytes, hotgraft_error *error) {
    (void)error;
    *block = scene->state;
    *bytes = sizeof *scene->state;
    scene->state = NULL;
    return HOTGRAFT_OK;
}

static void drop(hotgraft_instance *scene) {
    scene_state *const state = scene->state;
    if (state == NULL) {
        return;
    }
    for (int32_t i = 0; i < state->count; ++i) {
        (void)sized(scene, state->particles[i].tail, 0);
    }
    (void)sized(scene, state->particles, 0);
    (void)sized(scene, state, 0);
    scene->state = NULL;
}

static hotgraft_status take(hotgraft_instance *scene, void *block, uint64_t bytes, uint64_t layout_id,
                            hotgraft_error *error) {
    static const char why[] = "take: the block is not a scene_state";
    if (layout_id != HOTGRAFT_LAYOUT_ID || bytes != sizeof *scene->state) {
        memcpy(error->message, why, sizeof why);
        return HOTGRAFT_E_INVALID;
    }
    drop(scene);
    scene->state = block;
    return HOTGRAFT_OK;
}

static const hotgraft_ext_state state_extension = {
    .struct_size = sizeof(hotgraft_ext_state),
    .schema = HOTGRAFT_STATE_SCHEMA,
    .layout_id = HOTGRAFT_LAYOUT_ID,
    .take = take,
    .surrender = surrender,
};

static hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config_json, hotgraft_instance **instance,
                              hotgraft_error *error) {
    (void)config_json;
    (void)error;
    hotgraft_instance *const scene = calloc(1, sizeof *scene);
    if (scene == NULL) {
        return HOTGRAFT_E_NOMEM;
    }
    scene->host = host;
    scene->state = sized(scene, NULL, sizeof *scene->state);
    memset(scene->state, 0, sizeof *scene->state);
    scene->state->kind = SCENE_BALL;
    *instance = scene;
    return HOTGRAFT_OK;
}

static hotgraft_status start(hotgraft_instance *scene, hotgraft_error *error) {
    (void)error;
    (void)scene;
    return HOTGRAFT_OK;
}

static void destroy(hotgraft_instance *scene) {
    drop(scene);
    free(scene);
}

static const void *get_interface(hotgraft_instance *scene, const char *id, void **self) {
    *self = scene;
    return strcmp(id, "scene/1") == 0 ? &interface : NULL;
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
    .destroy = destroy,
    .get_interface = get_interface,
    .get_extension = get_extension,
};

const hotgraft_plugin *hotgraft_plugin_v1(uint32_t host_abi_minor) {
    (void)host_abi_minor;
    return &plugin;
}
