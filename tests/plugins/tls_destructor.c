/* E14: what a C++ thread_local with a destructor comes to: the library stays while a thread that used it lives. */
#include "plain.h"

extern void *__dso_handle;
extern int __cxa_thread_atexit_impl(void (*function)(void *), void *object, void *library);

static void end_of_thread(void *object) {
    (void)object;
}

static int64_t add(void *self, int64_t a, int64_t b) {
    (void)__cxa_thread_atexit_impl(end_of_thread, self, &__dso_handle);
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
