/* I12, I13, I14: says of itself that it is not fit to serve. Without a config only where it is looked at in full; with
 * HANGS it says nothing at all. What its config may say:
 *
 *     {"fails_after": 5}             fit five times, then not
 *     {"hangs_from": 2}              fit once, then it does not come back ...
 *     {"hangs_from": 2, "until": F}  ... before there is a file F
 *
 * A check that hangs leaves its mark in the file F.inside while it does.
 */
#define _GNU_SOURCE
#include "plain.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static long fails_after = -1;
static long hangs_from = -1;
static char until[200];
static long checks;
static int inside_count;
HOTGRAFT_EXPORT int overlaps; // a check and another control function of the instance, at one time

static long number_in(const char *config, const char *key) {
    const char *at = strstr(config, key);
    return at == NULL ? -1 : strtol(strchr(at, ':') + 1, NULL, 10);
}

static hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config, hotgraft_instance **instance,
                              hotgraft_error *error) {
    char text[512];
    snprintf(text, sizeof text, "%.*s", (int)config->len, config->ptr);
    fails_after = number_in(text, "\"fails_after\"");
    hangs_from = number_in(text, "\"hangs_from\"");
    const char *path = strstr(text, "\"until\"");
    if (path != NULL) {
        path = strchr(strchr(path, ':'), '"') + 1;
        snprintf(until, sizeof until, "%.*s", (int)strcspn(path, "\""), path);
    }
    return plain_create(host, config, instance, error);
}

static void hang(void) {
    const struct timespec look = {0, 1000000};
    char inside[sizeof until + 8];
    snprintf(inside, sizeof inside, "%s.inside", until);
    __atomic_add_fetch(&inside_count, 1, __ATOMIC_SEQ_CST);
    if (*until != '\0') {
        close(open(inside, O_CREAT | O_WRONLY, 0600));
    }
    while (*until == '\0' || access(until, F_OK) != 0) {
        nanosleep(&look, NULL);
    }
    __atomic_sub_fetch(&inside_count, 1, __ATOMIC_SEQ_CST);
    unlink(inside);
}

static hotgraft_status check(hotgraft_instance *instance, uint32_t depth, hotgraft_error *error) {
    const long number = __atomic_add_fetch(&checks, 1, __ATOMIC_RELAXED);
    (void)instance;
#ifdef HANGS
    hang();
#endif
    if (hangs_from > 0 && number >= hangs_from) {
        hang();
    }
    if (fails_after >= 0 && number > fails_after) {
        snprintf(error->message, sizeof error->message, "look %ld found a crack", number);
        return HOTGRAFT_E_FAILED;
    }
    if (depth == HOTGRAFT_HEALTH_FULL && fails_after < 0 && hangs_from < 0) {
        snprintf(error->message, sizeof error->message, "the model answers 3 of 8 questions");
        return HOTGRAFT_E_FAILED;
    }
    return HOTGRAFT_OK;
}

static hotgraft_status quiesce(hotgraft_instance *instance, uint64_t budget_ns, hotgraft_error *error) {
    (void)instance;
    (void)budget_ns;
    (void)error;
    overlaps += __atomic_load_n(&inside_count, __ATOMIC_SEQ_CST) != 0;
    return HOTGRAFT_OK;
}

static const hotgraft_ext_health health = {sizeof(hotgraft_ext_health), 0, check};
static const void *get_extension(const char *id) {
    return strcmp(id, HOTGRAFT_EXT_HEALTH) == 0 ? &health : NULL;
}

static const hotgraft_plugin plugin = {PLAIN_TABLE, .create = create, .quiesce = quiesce,
                                       .get_extension = get_extension};
PLAIN_ENTRY(plugin)
