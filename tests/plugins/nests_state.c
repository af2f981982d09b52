/* Saves what it counts in a map inside a map, and a blob in pieces. With a fault: GARBAGE puts text that is none and
 * goes on, TWICE puts a key of the inner map twice and goes on, ENDLESS puts without end, whatever it is answered,
 * until ten gigabytes are through, HUGE asks for all of them at once, UNCLOSED forgets to close, FAILS answers an
 * error, GIVES_UP as well, amid its map. */
#include "plain.h"

#include <stdio.h>

#define BLOB_BYTES 100000u
#define TEN_GB     (UINT64_C(10) << 30)

static const hotgraft_key tallies = {"tallies", 7, 0};
static const hotgraft_key blob = {"blob", 4, 0};

static hotgraft_status save_faulty(const hotgraft_sink *sink, hotgraft_error *error) {
    const int64_t one = 1;
    (void)one;
    (void)sink;
    (void)error;
#if defined(GARBAGE)
    (void)sink->add(sink->ctx, &blob, HOTGRAFT_VALUE_TEXT, "\xFE\xFF\x00", 3);
#elif defined(GIVES_UP)
    (void)sink->open(sink->ctx, &tallies, HOTGRAFT_VALUE_MAP, 0);
    snprintf(error->message, sizeof error->message, "the tallies are too many");
    return HOTGRAFT_E_FAILED;
#elif defined(TWICE)
    (void)sink->open(sink->ctx, &tallies, HOTGRAFT_VALUE_MAP, 0);
    (void)sink->add(sink->ctx, &blob, HOTGRAFT_VALUE_I64, &one, sizeof one);
    (void)sink->add(sink->ctx, &blob, HOTGRAFT_VALUE_I64, &one, sizeof one);
    (void)sink->close(sink->ctx);
#elif defined(ENDLESS)
    static const unsigned char piece[1 << 20];
    for (uint64_t put = 0; put < TEN_GB / sizeof piece; ++put) {
        char key[32];
        (void)snprintf(key, sizeof key, "%llu", (unsigned long long)put);
        (void)sink->put(sink->ctx, key, HOTGRAFT_VALUE_BYTES, piece, sizeof piece);
    }
#elif defined(HUGE)
    (void)sink->open(sink->ctx, &blob, HOTGRAFT_VALUE_BYTES, TEN_GB);
#elif defined(UNCLOSED)
    (void)sink->open(sink->ctx, &tallies, HOTGRAFT_VALUE_MAP, 0);
#elif defined(FAILS)
    strcpy(error->message, "the tallies are locked");
    return HOTGRAFT_E_FAILED;
#endif
    return HOTGRAFT_OK;
}

static hotgraft_status save_whole(const hotgraft_instance *instance, const hotgraft_sink *sink) {
    unsigned char piece[1000];
    hotgraft_status status = sink->open(sink->ctx, &tallies, HOTGRAFT_VALUE_MAP, 0);
    for (int64_t i = 0; i < instance->calls && status == HOTGRAFT_OK; ++i) {
        const hotgraft_key key = {NULL, 0, i};
        status = sink->add(sink->ctx, &key, HOTGRAFT_VALUE_I64, &i, sizeof i);
    }
    if (status == HOTGRAFT_OK) {
        status = sink->close(sink->ctx);
    }
    if (status == HOTGRAFT_OK) {
        status = sink->open(sink->ctx, &blob, HOTGRAFT_VALUE_BYTES, BLOB_BYTES);
    }
    memset(piece, (int)instance->calls, sizeof piece);
    for (unsigned written = 0; written < BLOB_BYTES && status == HOTGRAFT_OK; written += sizeof piece) {
        status = sink->write(sink->ctx, piece, sizeof piece);
    }
    return status == HOTGRAFT_OK ? sink->close(sink->ctx) : status;
}

static hotgraft_status save(hotgraft_instance *instance, const hotgraft_sink *sink, hotgraft_error *error) {
    const hotgraft_status status = save_faulty(sink, error);
#if defined(FAILS) || defined(GIVES_UP) || defined(GARBAGE) || defined(TWICE) || defined(ENDLESS) || defined(HUGE) ||  \
    defined(UNCLOSED)
    (void)save_whole;
    (void)instance;
    return status;
#else
    return status == HOTGRAFT_OK ? save_whole(instance, sink) : status;
#endif
}

static hotgraft_status restore(hotgraft_instance *instance, uint32_t schema, const hotgraft_source *source,
                               hotgraft_error *error) {
    hotgraft_item item = {.struct_size = sizeof item};
    (void)schema;
    if (source->find(source->ctx, &tallies, &item) != HOTGRAFT_OK || source->open(source->ctx) != HOTGRAFT_OK) {
        strcpy(error->message, "no tallies");
        return HOTGRAFT_E_FAILED;
    }
    while (source->next(source->ctx, &item) == HOTGRAFT_OK) {
        if (item.key.text != NULL || item.key.number != instance->calls || item.number != instance->calls) {
            strcpy(error->message, "the tallies are mixed up");
            return HOTGRAFT_E_FAILED;
        }
        ++instance->calls;
    }
    (void)source->close(source->ctx);
    if (source->find(source->ctx, &blob, &item) != HOTGRAFT_OK || item.len != BLOB_BYTES ||
        ((const unsigned char *)item.data)[BLOB_BYTES - 1] != (unsigned char)instance->calls) {
        strcpy(error->message, "another blob");
        return HOTGRAFT_E_FAILED;
    }
    return HOTGRAFT_OK;
}

static const hotgraft_ext_state state = {sizeof(hotgraft_ext_state), 1, 0, save, restore, NULL, NULL};
static const void *get_extension(const char *id) {
    return strcmp(id, HOTGRAFT_EXT_STATE) == 0 ? &state : NULL;
}

static const hotgraft_plugin plugin = {PLAIN_TABLE, .get_extension = get_extension};
PLAIN_ENTRY(plugin)
