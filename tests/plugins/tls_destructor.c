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

PLAIN_WITH_ADD(add)
