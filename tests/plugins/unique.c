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

PLAIN_WITH_ADD(add)
