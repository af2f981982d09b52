/* C06: the table leads to other bytes than the note. */
#include "plain.h"

static const char other[] = "{\"name\": \"other\"}";
static const hotgraft_plugin plugin = {PLAIN_TABLE, .descriptor = other};
PLAIN_ENTRY(plugin)
