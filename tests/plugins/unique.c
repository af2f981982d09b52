/* E14, E14b: a GNU_UNIQUE variable, as gcc makes of an inline static of C++: the loader unifies it over libraries. */
#include "plain.h"

#ifndef SHARED_NUMBER /* what was bound once in a process never leaves it: each test has a name of its own */
#define SHARED_NUMBER shared_number
#endif
#define TEXT(name)        #name
#define MAKE_UNIQUE(name) __asm__(".type " TEXT(name) ", @gnu_unique_object")

HOTGRAFT_EXPORT int SHARED_NUMBER = 7;
MAKE_UNIQUE(SHARED_NUMBER);

static int64_t add(void *self, int64_t a, int64_t b) {
    ++SHARED_NUMBER;
    return plain_add(self, a, b);
}

static const plain_v1 functions = {sizeof(plain_v1), add, plain_calls};
static const void *get_interface(hotgraft_instance *instance, const char *id, void **self) {
    *self = instance;
    return strcmp(id, "plain/1") == 0 ? &functions : NULL;
}

static const hotgraft_plugin plugin = {.struct_size = sizeof(hotgraft_plugin),
                                       .abi_minor = HOTGRAFT_ABI_MINOR,
                                       .descriptor = note.text,
                                       .descriptor_len = PLAIN_LEN,
                                       .create = plain_create,
                                       .destroy = plain_destroy,
                                       .get_interface = get_interface};
PLAIN_ENTRY(plugin)
