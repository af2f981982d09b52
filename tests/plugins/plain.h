/* A plugin without a fault, to be given one: a file here includes this, replaces one thing and is named by it.
 *
 *     #include "plain.h"
 *     static const hotgraft_plugin plugin = {PLAIN_TABLE, .create = broken};
 *     PLAIN_ENTRY(plugin)
 */
#ifndef PLAIN_H
#define PLAIN_H

#include <hotgraft/hotgraft.h>

#include <stdlib.h>
#include <string.h>

#ifdef PLAIN_DESCRIPTOR /* the host's tests bring a whole descriptor along, which they write themselves */
#include "counter_descriptor.h"
#define note      counter_descriptor_note
#define PLAIN_LEN sizeof counter_descriptor_note.text
#else
#define PLAIN_TEXT "{\"name\": \"plain\"}"
#define PLAIN_LEN  17

__attribute__((used, aligned(4), section(".note.hotgraft"))) static const struct {
    uint32_t name_bytes, text_bytes, type;
    char name[12], text[20];
} note = {9, PLAIN_LEN, 1, "hotgraft", PLAIN_TEXT "  "};
#endif

typedef struct plain_v1 {
    uint32_t struct_size;
    int64_t (*add)(void *self, int64_t a, int64_t b);
    int64_t (*calls)(void *self);
} plain_v1;

struct hotgraft_instance {
    const hotgraft_host *host;
    int64_t calls;
};

static inline int64_t plain_add(void *self, int64_t a, int64_t b) {
    ((hotgraft_instance *)self)->calls += 1;
    return a + b;
}

static inline int64_t plain_calls(void *self) {
    return ((hotgraft_instance *)self)->calls;
}

static inline hotgraft_status plain_create(const hotgraft_host *host, const hotgraft_str *config,
                                           hotgraft_instance **instance, hotgraft_error *error) HOTGRAFT_NOTHROW {
    (void)config;
    (void)error;
    *instance = (hotgraft_instance *)host->realloc(host->ctx, NULL, sizeof(hotgraft_instance), 0);
    if (*instance == NULL) {
        return HOTGRAFT_E_NOMEM;
    }
    (*instance)->host = host;
    (*instance)->calls = 0;
    return HOTGRAFT_OK;
}

static inline void plain_destroy(hotgraft_instance *instance) HOTGRAFT_NOTHROW {
    instance->host->realloc(instance->host->ctx, instance, 0, 0);
}

static const plain_v1 plain_functions = {sizeof(plain_v1), plain_add, plain_calls};

static inline const void *plain_interface(hotgraft_instance *instance, const char *id, void **self) HOTGRAFT_NOTHROW {
    *self = instance;
    return strcmp(id, "plain/1") == 0 ? &plain_functions : NULL;
}

#define PLAIN_TABLE                                                                                                    \
    .struct_size = sizeof(hotgraft_plugin), .abi_minor = HOTGRAFT_ABI_MINOR, .descriptor = note.text,                  \
    .descriptor_len = PLAIN_LEN, .create = plain_create, .destroy = plain_destroy, .get_interface = plain_interface

#define PLAIN_ENTRY(table)                                                                                             \
    HOTGRAFT_EXPORT const hotgraft_plugin *hotgraft_plugin_v1(uint32_t host_abi_minor) HOTGRAFT_NOTHROW {              \
        (void)host_abi_minor;                                                                                          \
        return &(table);                                                                                               \
    }

/* A whole plugin with `function` in the place of add. */
#define PLAIN_WITH_ADD(function)                                                                                       \
    static const plain_v1 own_functions = {sizeof(plain_v1), function, plain_calls};                                   \
    static const void *own_interface(hotgraft_instance *instance, const char *id, void **self) {                       \
        *self = instance;                                                                                              \
        return strcmp(id, "plain/1") == 0 ? &own_functions : NULL;                                                     \
    }                                                                                                                  \
    static const hotgraft_plugin plugin = {PLAIN_TABLE, .get_interface = own_interface};                               \
    PLAIN_ENTRY(plugin)

#endif
