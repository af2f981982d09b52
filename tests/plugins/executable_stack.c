/* E15: assembly that asks for an executable stack, for every thread of the process. */
#include "plain.h"

__asm__(".section .note.GNU-stack, \"x\", @progbits\n.text");

static const hotgraft_plugin plugin = {PLAIN_TABLE};
PLAIN_ENTRY(plugin)
