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

/* What changes from build to build. This one lifts what lies around 1/24 of the sample rate by 6 dB. */
#define BUILD 2
static const double B0 = 1.083528432159111;
static const double B1 = -1.7697189793352188;
static const double B2 = 0.748619473166285;
static const double A1 = -1.7697189793352188;
static const double A2 = 0.8321479053253958;

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
    line.blocks++;
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

static hotgraft_status blocks(void *self, uint32_t channel, uint64_t *count) {
    const hotgraft_instance *filter = self;
    if (channel >= BIQUAD_CHANNELS) {
        return HOTGRAFT_E_INVALID;
    }
    *count = filter->state->line[channel].blocks;
    return HOTGRAFT_OK;
}

static const biquad_v1 interface = {sizeof(biquad_v1), process, coefficients, blocks};

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

static hotgraft_status put_value(const hotgraft_sink *sink, const char *name, unsigned channel, uint32_t type,
                                 const void *eight_bytes) {
    char key[24];
    (void)snprintf(key, sizeof key, "%s/%u", name, channel);
    return sink->put(sink->ctx, key, type, eight_bytes, 8);
}

/* A channel that was never used is all zero, and zero is what a missing key means: only the others are written. */
static hotgraft_status save(hotgraft_instance *filter, const hotgraft_sink *sink, hotgraft_error *error) {
    static const biquad_line fresh;
    (void)error;
    for (unsigned channel = 0; channel < BIQUAD_CHANNELS; channel++) {
        const biquad_line *line = &filter->state->line[channel];
        if (memcmp(line, &fresh, sizeof fresh) == 0) {
            continue;
        }
        hotgraft_status status = put_value(sink, "z1", channel, HOTGRAFT_VALUE_F64, &line->z1);
        if (status >= 0) {
            status = put_value(sink, "z2", channel, HOTGRAFT_VALUE_F64, &line->z2);
        }
        if (status >= 0) {
            status = put_value(sink, "blocks", channel, HOTGRAFT_VALUE_I64, &line->blocks);
        }
        if (status < 0) {
            return status;
        }
    }
    return HOTGRAFT_OK;
}

/* Leaves what `eight_bytes` points to alone when the key is absent. */
static hotgraft_status get_value(const hotgraft_source *source, const char *name, unsigned channel, uint32_t type,
                                 void *eight_bytes) {
    char key[24];
    const void *data = NULL;
    uint64_t len = 0;
    (void)snprintf(key, sizeof key, "%s/%u", name, channel);
    const hotgraft_status status = source->get(source->ctx, key, type, NULL, &data, &len);
    if (status == HOTGRAFT_OK) {
        memcpy(eight_bytes, data, 8);
    }
    return status == HOTGRAFT_E_UNSUPPORTED ? HOTGRAFT_OK : status;
}

/* Schema 1 had no counts: their keys are absent, and counting begins at 0. */
static hotgraft_status restore(hotgraft_instance *filter, uint32_t schema, const hotgraft_source *source,
                               hotgraft_error *error) {
    if (schema != 1 && schema != 2) {
        return say(error, HOTGRAFT_E_STATE_VERSION, "restore: this build reads schemas 1 and 2");
    }
    for (unsigned channel = 0; channel < BIQUAD_CHANNELS; channel++) {
        biquad_line *line = &filter->state->line[channel];
        hotgraft_status status = get_value(source, "z1", channel, HOTGRAFT_VALUE_F64, &line->z1);
        if (status >= 0) {
            status = get_value(source, "z2", channel, HOTGRAFT_VALUE_F64, &line->z2);
        }
        if (status >= 0) {
            status = get_value(source, "blocks", channel, HOTGRAFT_VALUE_I64, &line->blocks);
        }
        if (status < 0) {
            return say(error, status, "restore: a delay line's value is of another type");
        }
    }
    return HOTGRAFT_OK;
}

static const hotgraft_ext_state state_extension = {
    sizeof(hotgraft_ext_state), 2, HOTGRAFT_LAYOUT_ID, save, restore, take, surrender,
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
