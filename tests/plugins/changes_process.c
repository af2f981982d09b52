/* I16: start changes what belongs to the whole process: all that the config names. */
#include "plain.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char told[256];

static int is_told(const char *what) {
    return strstr(told, what) != NULL;
}

/* What would stay in a test's own process, or double it, is done in the probe only. */
static int is_in_probe(void) {
    return strcmp(program_invocation_short_name, "hotgraft-probe") == 0;
}

static hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config, hotgraft_instance **instance,
                              hotgraft_error *error) {
    snprintf(told, sizeof told, "%.*s", (int)config->len, config->ptr);
    return plain_create(host, config, instance, error);
}

static hotgraft_status start(hotgraft_instance *instance, hotgraft_error *error) {
    (void)instance;
    (void)error;
    if (is_told("signal")) {
        signal(SIGUSR2, SIG_IGN);
    }
    if (is_told("fpu")) {
        unsigned mxcsr = 0;
        __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
        mxcsr |= 0x8040; /* flush to zero, denormals are zero: what -ffast-math sets */
        __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
    }
    if (is_told("locale")) {
        setlocale(LC_ALL, "C.UTF-8");
    }
    if (is_told("folder") && chdir("/") != 0) {
        return HOTGRAFT_E_FAILED;
    }
    if (is_told("umask")) {
        umask(0123);
    }
    if (is_told("environment")) {
        setenv("CHANGED_BY_A_PLUGIN", "1", 1);
    }
    if (is_told("limit")) {
        const struct rlimit limit = {64, 64};
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (is_told("fd") && is_in_probe() && open("/dev/zero", O_RDONLY) < 0) {
        return HOTGRAFT_E_FAILED;
    }
    if (is_told("child") && is_in_probe() && fork() == 0) {
        for (;;) {
            pause();
        }
    }
    return HOTGRAFT_OK;
}

static const hotgraft_plugin plugin = {PLAIN_TABLE, .create = create, .start = start};
PLAIN_ENTRY(plugin)
