/* An error that is not terminated, not UTF-8, of many lines, and whose size was overwritten. */
#include "plain.h"

static hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config, hotgraft_instance **instance,
                              hotgraft_error *error) {
    (void)host;
    (void)config;
    (void)instance;
    memset(error, 0xFF, sizeof *error);
    memcpy(error->message, "bad\nline\xC0\xAF", 10);
    memcpy(error->domain, "errno", 6);
    error->code = 2;
    return -77;
}

static const hotgraft_plugin plugin = {PLAIN_TABLE, .create = create};
PLAIN_ENTRY(plugin)
