/* I07: create answers an error and says why. */
#include "plain.h"

static hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config, hotgraft_instance **instance,
                              hotgraft_error *error) {
    (void)host;
    (void)config;
    (void)instance;
    error->code = -3;
    strcpy(error->domain, "zlib");
    strcpy(error->message, "no such table: gains");
    return HOTGRAFT_E_FAILED;
}

static const hotgraft_plugin plugin = {PLAIN_TABLE, .create = create};
PLAIN_ENTRY(plugin)
