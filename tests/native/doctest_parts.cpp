// What doctest needs once in each program: compiled here once for all of them, which is a third of their compile time.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
