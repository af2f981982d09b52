/* E15: a section that is writable and executable, and so its segment. */
#include "plain.h"

__asm__(".section .both, \"awx\", @progbits\n.quad 1\n.text");

static const hotgraft_plugin plugin = {PLAIN_TABLE};
PLAIN_ENTRY(plugin)
