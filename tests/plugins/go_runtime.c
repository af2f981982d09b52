/* What tells a Go library: its build id. The runtime starts threads that never end. */
#include "plain.h"

__asm__(".section .note.go.buildid, \"a\", @note\n.long 4, 4, 4\n.ascii \"Go\\0\\0abcd\"\n.text");

static const hotgraft_plugin plugin = {PLAIN_TABLE};
PLAIN_ENTRY(plugin)
