/* Interface textstats/1.1: how often each word came, whatever its case. A word is a run of ASCII letters, digits and
 * non-ASCII bytes. */
#ifndef TEXTSTATS_H
#define TEXTSTATS_H

#include <hotgraft/hotgraft.h>

typedef struct textstats_v1 {
    uint32_t struct_size;

    /* Count the words of `text`, UTF-8. Fails on a word of more than 200 bytes, and then counts nothing. [call] */
    hotgraft_status (*feed)(void *self, const uint8_t *text HOTGRAFT_IN(bytes), uint64_t bytes);

    /* How often `word` came. [call] */
    hotgraft_status (*count)(void *self, const uint8_t *word HOTGRAFT_IN(bytes), uint64_t bytes,
                             uint64_t *times HOTGRAFT_OUT(1));

    /* How many words came, and how many different ones. [call] */
    hotgraft_status (*totals)(void *self, uint64_t *words HOTGRAFT_OUT(1), uint64_t *different HOTGRAFT_OUT(1));

    /* The word that came most often, the first in byte order of several; `times` is 0 when there is none. `word` is
     * filled up with zeros. Fails when `bytes` are too few. [call] */
    hotgraft_status (*top)(void *self, uint8_t *word HOTGRAFT_OUT(bytes), uint64_t bytes,
                           uint64_t *times HOTGRAFT_OUT(1)) HOTGRAFT_SINCE(1, 1);
} textstats_v1;

#endif /* TEXTSTATS_H */
