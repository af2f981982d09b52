/* What a plugin may do wrong with its state, by the word in its config: {"bad": "frees"}. Included by steps.c, whose
 * own functions do the rest.
 */
#include <stdint.h>

static hotgraft_status start(hotgraft_instance *steps, hotgraft_error *error);

static int is_bad(const hotgraft_instance *steps, const char *way) {
    char text[64] = "\"bad\": \"";
    return strstr(steps->config, strcat(strcat(text, way), "\"")) != NULL;
}

static hotgraft_status broken(hotgraft_error *error, const char *why) {
    strcpy(error->message, why);
    return HOTGRAFT_E_FAILED;
}

/* A start that frees or moves the block that it was given, then fails. */
static hotgraft_status bad_start(hotgraft_instance *steps, hotgraft_error *error) {
    if (is_bad(steps, "writes")) {
        steps->state->number = -1;
    }
    if (is_bad(steps, "frees it late")) {
        (void)steps->host->realloc(steps->host->ctx, steps->state, 0, 0);
        return broken(error, "freed and failed");
    }
    if (is_bad(steps, "moves it late")) {
        (void)steps->host->realloc(steps->host->ctx, steps->state, 1 << 20, 0);
        return broken(error, "moved and failed");
    }
    return start(steps, error);
}

#ifdef STEPS_SAVES

static hotgraft_status save(hotgraft_instance *steps, const hotgraft_sink *sink, hotgraft_error *error);
static hotgraft_status restore(hotgraft_instance *steps, uint32_t schema, const hotgraft_source *source,
                               hotgraft_error *error);

/* 10 GB, a megabyte at a time; it goes on whatever it is answered. */
static void put_too_much(const hotgraft_sink *sink) {
    static char megabyte[1 << 20];
    char key[] = "part 00000";
    for (int part = 0; part < 10240; ++part) {
        for (int digit = 9, rest = part; digit > 4; --digit, rest /= 10) {
            key[digit] = (char)('0' + rest % 10);
        }
        (void)sink->put(sink->ctx, key, HOTGRAFT_VALUE_BYTES, megabyte, sizeof megabyte);
    }
}

/* Every one of these swallows what it is answered: the host finds out all the same. */
static hotgraft_status bad_save(hotgraft_instance *steps, const hotgraft_sink *sink, hotgraft_error *error) {
    char long_key[300];
    const int64_t one = 1;
    memset(long_key, 'k', sizeof long_key - 1);
    long_key[sizeof long_key - 1] = '\0';
    if (is_bad(steps, "no key")) {
        (void)sink->put(sink->ctx, NULL, HOTGRAFT_VALUE_I64, &one, 8);
    } else if (is_bad(steps, "empty key")) {
        (void)sink->put(sink->ctx, "", HOTGRAFT_VALUE_I64, &one, 8);
    } else if (is_bad(steps, "long key")) {
        (void)sink->put(sink->ctx, long_key, HOTGRAFT_VALUE_I64, &one, 8);
    } else if (is_bad(steps, "key of garbage")) {
        (void)sink->put(sink->ctx, "\xff\xfe", HOTGRAFT_VALUE_I64, &one, 8);
    } else if (is_bad(steps, "text of garbage")) {
        (void)sink->put(sink->ctx, "text", HOTGRAFT_VALUE_TEXT, "\xff\xfe", 2);
    } else if (is_bad(steps, "no such type")) {
        (void)sink->put(sink->ctx, "odd", 99, &one, 8);
    } else if (is_bad(steps, "wrong length")) {
        (void)sink->put(sink->ctx, "short", HOTGRAFT_VALUE_I64, &one, 3);
    } else if (is_bad(steps, "no data")) {
        (void)sink->put(sink->ctx, "nothing", HOTGRAFT_VALUE_BYTES, NULL, 8);
    } else if (is_bad(steps, "key twice")) {
        (void)sink->put(sink->ctx, "number", HOTGRAFT_VALUE_I64, &one, 8);
    } else if (is_bad(steps, "too much")) {
        put_too_much(sink);
    }
    (void)save(steps, sink, error);
    return HOTGRAFT_OK;
}

/* Half of it is in place when it fails. */
static hotgraft_status bad_restore(hotgraft_instance *steps, uint32_t schema, const hotgraft_source *source,
                                   hotgraft_error *error) {
    const hotgraft_status status = restore(steps, schema, source, error);
    return is_bad(steps, "restores half") ? broken(error, "half of it is restored") : status;
}

#else

static hotgraft_status take(hotgraft_instance *steps, void *block, uint64_t bytes, uint64_t layout_id,
                            hotgraft_error *error);
static hotgraft_status surrender(hotgraft_instance *steps, void **block, uint64_t *bytes, hotgraft_error *error);

static hotgraft_status bad_take(hotgraft_instance *steps, void *block, uint64_t bytes, uint64_t layout_id,
                                hotgraft_error *error) {
    if (is_bad(steps, "frees it")) {
        (void)steps->host->realloc(steps->host->ctx, block, 0, 0);
        return broken(error, "freed and failed");
    }
    if (is_bad(steps, "moves it")) {
        (void)steps->host->realloc(steps->host->ctx, block, 1 << 20, 0);
        return broken(error, "moved and failed");
    }
    if (is_bad(steps, "keeps it")) {
        (void)take(steps, block, bytes, layout_id, error);
        steps->state = NULL; /* or destroy would free what it says it has not got */
        return broken(error, "took it and failed");
    }
    if (steps->mine != NULL) {
        steps->state = steps->mine;
        steps->mine = NULL;
        return HOTGRAFT_OK;
    }
    /* What it gave may come back whatever it said of it. */
    return take(steps, block, sizeof *steps->state, layout_id, error);
}

static hotgraft_status bad_surrender(hotgraft_instance *steps, void **block, uint64_t *bytes, hotgraft_error *error) {
    static int64_t own[16]; /* what lies in front of a block may be looked at */
    static steps_state *first;
    const hotgraft_status status = surrender(steps, block, bytes, error);
    if (is_bad(steps, "twice") && first != NULL) {
        steps->mine = *block;
        *block = first;
    } else if (is_bad(steps, "twice")) {
        first = *block;
    } else if (is_bad(steps, "own memory")) {
        steps->mine = *block;
        *block = own + 8;
    } else if (is_bad(steps, "too long")) {
        *bytes = 1 << 20;
    } else if (is_bad(steps, "nothing")) {
        steps->state = *block;
        *block = NULL;
    }
    return status;
}

#endif
