/* Interface tool/1.0: what an agent calls with JSON and is answered in JSON. */
#ifndef TOOL_H
#define TOOL_H

#include <hotgraft/hotgraft.h>

typedef struct tool_v1 {
    uint32_t struct_size;

    /* What an agent is told of the tool: its name, what it does, and the JSON Schema of what `call` takes. [call] */
    const char *(*describe)(void *self)HOTGRAFT_COPIED;

    /* Do what `request`, JSON in UTF-8, asks for, and answer in JSON. A request that is none, or that asks for what is
     * not there, is answered with "ok": false and a reason, and changes nothing. NULL: no memory. [call] */
    char *(*call)(void *self, const uint8_t *request HOTGRAFT_IN(bytes), uint64_t bytes)HOTGRAFT_OWNED;
} tool_v1;

#endif /* TOOL_H */
