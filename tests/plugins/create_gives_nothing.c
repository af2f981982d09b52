/* I08: create says all is well and gives no instance. */
#include "plain.h"

static hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config, hotgraft_instance **instance,
                              hotgraft_error *error) {
    (void)host;
    (void)config;
    (void)instance;
    (void)error;
    return HOTGRAFT_OK;
}

static const hotgraft_plugin plugin = {PLAIN_TABLE, .create = create};
PLAIN_ENTRY(plugin)
