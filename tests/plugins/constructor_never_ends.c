/* I05: a constructor goes round for ever, with the loader's lock held. */
#include "plain.h"

static volatile int rounds;

__attribute__((noinline)) static void go_round(void) {
    for (;;) {
        rounds = rounds + 1;
    }
}

__attribute__((constructor)) static void construct(void) {
    go_round();
}

static const hotgraft_plugin plugin = {PLAIN_TABLE};
PLAIN_ENTRY(plugin)
