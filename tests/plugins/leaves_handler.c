/* D08: signal handlers that destroy does not take back. */
#include "plain.h"

#include <signal.h>

HOTGRAFT_EXPORT void on_signal(int number);
void on_signal(int number) {
    (void)number;
}

static hotgraft_status start(hotgraft_instance *instance, hotgraft_error *error) {
    (void)instance;
    (void)error;
    signal(SIGUSR1, on_signal);
    signal(SIGRTMIN + 3, on_signal);
    return HOTGRAFT_OK;
}

static const hotgraft_plugin plugin = {PLAIN_TABLE, .start = start};
PLAIN_ENTRY(plugin)
