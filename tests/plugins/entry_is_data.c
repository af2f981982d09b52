/* C02: the entry symbol is data; calling it would end the process. */
#define hotgraft_plugin_v1 declared_elsewhere
#include "plain.h"
#undef hotgraft_plugin_v1

static const hotgraft_plugin plugin = {PLAIN_TABLE};
HOTGRAFT_EXPORT const hotgraft_plugin *hotgraft_plugin_v1 = &plugin;
