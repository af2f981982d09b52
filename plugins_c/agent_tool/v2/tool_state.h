/* What a session has gathered. Enough for more than version 1 tells: what is not kept cannot be told by the next. */
#ifndef TOOL_STATE_H
#define TOOL_STATE_H

#include <stdint.h>

typedef struct tool_state {
    uint64_t count;
    double mean;
    double squares; /* of the distances from the mean, added up. Source: Welford (1962), Technometrics 4(3) */
    double least;
    double most;
} tool_state;

#endif /* TOOL_STATE_H */
