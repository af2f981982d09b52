/* A biquad in transposed direct form II.
 *
 * All that the filter remembers is one block of the host's memory, a delay line per channel. A build whose block looks
 * the same adopts it as it lies (hand over); one whose block looks different reads the values by name (save and
 * restore). So a new build goes on in the middle of a tone, without a click.
 */
#include "biquad.h"
#include "biquad_descriptor.h"
#include "biquad_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What changes from build to build. This one is a low pass, its corner at 1/48 of the sample rate. */
#define BUILD 1
static const double B0 = 0.003916126660547383;
static const double B1 = 0.007832253321094766;
static const double B2 = 0.003916126660547383;
static const double A1 = -1.815341082704568;
static const double A2 = 0.8310055893467576;

struct hotgraft_instance {
    const hotgraft_host *host;
    biquad_state *state; /* the block: from the host, because it outlives this code */
    uint64_t build;
};

static hotgraft_status say(hotgraft_error *error, hotgraft_status status, const char *why) {
    (void)snprintf(error->message, sizeof error->message, "%s", why);
    return status;
}

/* --- the interface: callers, on any thread --- */

static hotgraft_status process(void *self, uint32_t channel, const float *in, float *out, uint64_t n, uint64_t *stamp) {
    const hotgraft_instance *filter = self;
    if (channel >= BIQUAD_CHANNELS) {
        return HOTGRAFT_E_INVALID;
    }
    biquad_line line = filter->state->line[channel];
    for (uint64_t i = 0; i < n; i++) {
        const double x = (double)in[i];
        const double y = B0 * x + line.z1;
        line.z1 = B1 * x - A1 * y + line.z2;
        line.z2 = B2 * x - A2 * y;
        out[i] = (float)y;
    }
    filter->state->line[channel] = line;
    *stamp = filter->build; /* of the instance: code and instance that do not belong together would show */
    return HOTGRAFT_OK;
}

static hotgraft_status coefficients(void *self, double *five) {
    (void)self;
    five[0] = B0;
    five[1] = B1;
    five[2] = B2;
    five[3] = A1;
    five[4] = A2;
    return HOTGRAFT_OK;
}

static const biquad_v1 interface = {sizeof(biquad_v1), process, coefficients};

/* --- state: the host, while no call is inside --- */

static hotgraft_status surrender(hotgraft_instance *filter, void **block, uint64_t *bytes, hotgraft_error *error) {
    (void)error;
    *block = filter->state;
    *bytes = sizeof *filter->state;
    filter->state = NULL;
    return HOTGRAFT_OK;
}

static hotgraft_status take(hotgraft_instance *filter, void *block, uint64_t bytes, uint64_t layout_id,
                            hotgraft_error *error) {
    if (layout_id != HOTGRAFT_LAYOUT_ID || bytes != sizeof(biquad_state)) {
        return say(error, HOTGRAFT_E_INVALID, "take: the block is not one of this layout");
    }
    (void)filter->host->realloc(filter->host->ctx, filter->state, 0, 0); /* the fresh one, or nothing */
    filter->state = block;
    return HOTGRAFT_OK;
}

static const hotgraft_key LINES = {"lines", 5, 0}, Z1 = {"z1", 2, 0}, Z2 = {"z2", 2, 0};

/* One delay line: a map inside the map of lines, under the number of its channel. */
static hotgraft_status save_line(const hotgraft_sink *sink, unsigned channel, const biquad_line *line) {
    const hotgraft_key key = {NULL, 0, channel};
    hotgraft_status status = sink->open(sink->ctx, &key, HOTGRAFT_VALUE_MAP, 0);
    if (status >= 0) {
        status = sink->add(sink->ctx, &Z1, HOTGRAFT_VALUE_F64, &line->z1, 8);
    }
    if (status >= 0) {
        status = sink->add(sink->ctx, &Z2, HOTGRAFT_VALUE_F64, &line->z2, 8);
    }
    return status < 0 ? status : sink->close(sink->ctx);
}

/* A channel that was never used is all zero, and zero is what a missing key means: only the others are written. */
static hotgraft_status save(hotgraft_instance *filter, const hotgraft_sink *sink, hotgraft_error *error) {
    static const biquad_line fresh;
    hotgraft_status status = sink->open(sink->ctx, &LINES, HOTGRAFT_VALUE_MAP, 0);
    (void)error;
    for (unsigned channel = 0; channel < BIQUAD_CHANNELS && status >= 0; channel++) {
        const biquad_line *line = &filter->state->line[channel];
        if (memcmp(line, &fresh, sizeof fresh) != 0) {
            status = save_line(sink, channel, line);
        }
    }
    return status < 0 ? status : sink->close(sink->ctx);
}

/* Leaves what `eight_bytes` points to alone when the key is absent. */
static hotgraft_status find_number(const hotgraft_source *source, const hotgraft_key *key, uint32_t type,
                                   void *eight_bytes) {
    hotgraft_item item = {.struct_size = sizeof item};
    const hotgraft_status status = source->find(source->ctx, key, &item);
    if (status != HOTGRAFT_OK || item.type != type) {
        return status == HOTGRAFT_E_UNSUPPORTED ? HOTGRAFT_OK : HOTGRAFT_E_INVALID;
    }
    memcpy(eight_bytes, type == HOTGRAFT_VALUE_F64 ? (const void *)&item.real : &item.number, 8);
    return HOTGRAFT_OK;
}

static hotgraft_status restore_lines(biquad_state *state, const hotgraft_source *source) {
    hotgraft_item item = {.struct_size = sizeof item};
    hotgraft_status status = source->open(source->ctx);
    while (status >= 0 && source->next(source->ctx, &item) == HOTGRAFT_OK) {
        if (item.key.text != NULL || item.key.number < 0 || item.key.number >= BIQUAD_CHANNELS) {
            return HOTGRAFT_E_INVALID;
        }
        biquad_line *line = &state->line[item.key.number];
        status = source->open(source->ctx);
        if (status >= 0) {
            status = find_number(source, &Z1, HOTGRAFT_VALUE_F64, &line->z1);
        }
        if (status >= 0) {
            status = find_number(source, &Z2, HOTGRAFT_VALUE_F64, &line->z2);
        }
        if (status >= 0) {
            status = source->close(source->ctx);
        }
    }
    return status < 0 ? status : source->close(source->ctx);
}

static hotgraft_status restore(hotgraft_instance *filter, uint32_t schema, const hotgraft_source *source,
                               hotgraft_error *error) {
    hotgraft_item item = {.struct_size = sizeof item};
    if (schema != 1) {
        return say(error, HOTGRAFT_E_STATE_VERSION, "restore: this build reads schema 1 only");
    }
    hotgraft_status status = source->find(source->ctx, &LINES, &item);
    if (status == HOTGRAFT_OK) {
        status = restore_lines(filter->state, source);
    }
    return status < 0 && status != HOTGRAFT_E_UNSUPPORTED
               ? say(error, status, "restore: a delay line's value is of another type")
               : HOTGRAFT_OK;
}

static const hotgraft_ext_state state_extension = {
    sizeof(hotgraft_ext_state), 1, HOTGRAFT_LAYOUT_ID, save, restore, take, surrender,
};

/* --- the instance --- */

static hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config_json, hotgraft_instance **instance,
                              hotgraft_error *error) {
    (void)config_json;
    hotgraft_instance *filter = calloc(1, sizeof *filter);
    biquad_state *state = host->realloc(host->ctx, NULL, sizeof(biquad_state), 0);
    if (filter == NULL || state == NULL) {
        free(filter);
        (void)host->realloc(host->ctx, state, 0, 0);
        return say(error, HOTGRAFT_E_NOMEM, "create: no memory for the delay lines");
    }
    memset(state, 0, sizeof(biquad_state));
    *filter = (hotgraft_instance){host, state, BUILD};
    *instance = filter;
    return HOTGRAFT_OK;
}

static void destroy(hotgraft_instance *filter) {
    (void)filter->host->realloc(filter->host->ctx, filter->state, 0, 0); /* NULL when it was surrendered */
    free(filter);
}

static const void *get_interface(hotgraft_instance *filter, const char *id, void **self) {
    *self = filter;
    return strcmp(id, "biquad/1") == 0 ? &interface : NULL;
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
