/* Unions, enums, typedefs, arrays of arrays and call-backs, each used as a caller passes it. */
#include "shapes.h"
#include "shapes_descriptor.h"

#include <string.h>

struct hotgraft_instance {
    char nothing;
};
static hotgraft_instance the_instance;

static shapes_kind next(void *self, shapes_kind kind) {
    (void)self;
    return kind == SHAPES_NONE ? SHAPES_NUMBER : kind == SHAPES_NUMBER ? SHAPES_POINT : SHAPES_NONE;
}

static hotgraft_status fill(void *self, shapes_grid *grid) {
    (void)self;
    if (grid->kind != SHAPES_NUMBER) {
        return HOTGRAFT_E_INVALID;
    }
    grid->value.number = 0;
    for (int row = 0; row < SHAPES_ROWS; row++) {
        for (int column = 0; column < SHAPES_COLUMNS; column++) {
            grid->value.number += (row + 1) * grid->cells[row][column];
        }
    }
    return HOTGRAFT_OK;
}

static void kinds(void *self, shapes_kind first, shapes_kind *out, uint32_t n) {
    for (uint32_t at = 0; at < n; at++, first = next(self, first)) {
        out[at] = first;
    }
}

static int32_t each(void *self, const shapes_grid *grids, uint32_t n, shapes_visit visit, void *user) {
    (void)self;
    int32_t visited = 0;
    while (visited < (int32_t)n && (visit == NULL || visit(user, grids[visited].kind, &grids[visited].value) == 0)) {
        visited++;
    }
    return visited;
}

static int32_t late(void *self, int64_t a, int64_t b, int64_t c, double d, int64_t e, int64_t f,
                    int32_t (*visit)(void *user, shapes_kind kind, const shapes_value *value), void *user) {
    (void)self;
    const shapes_value value = {.number = a + b + c + (int64_t)d + e + f};
    return visit(user, SHAPES_POINT, &value);
}

static const char *name_of(void *self, shapes_kind kind) {
    (void)self;
    return kind == SHAPES_NUMBER ? "number" : kind == SHAPES_POINT ? "point" : NULL;
}

static const shapes_v1 interface = {sizeof(shapes_v1), next, fill, kinds, each, late, name_of};

static hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config_json, hotgraft_instance **instance,
                              hotgraft_error *error) {
    (void)host;
    (void)config_json;
    (void)error;
    *instance = &the_instance;
    return HOTGRAFT_OK;
}

static void destroy(hotgraft_instance *instance) {
    (void)instance;
}

static const void *get_interface(hotgraft_instance *instance, const char *id, void **self) {
    *self = instance;
    return strcmp(id, "shapes/1") == 0 ? &interface : NULL;
}

static const hotgraft_plugin plugin = {
    .struct_size = sizeof(hotgraft_plugin),
    .abi_minor = HOTGRAFT_ABI_MINOR,
    .descriptor = hotgraft_descriptor,
    .descriptor_len = sizeof hotgraft_descriptor,
    .create = create,
    .destroy = destroy,
    .get_interface = get_interface,
};

const hotgraft_plugin *hotgraft_plugin_v1(uint32_t host_abi_minor) {
    (void)host_abi_minor;
    return &plugin;
}
