/* The converters of host_counter.c: what COUNTER_CONVERTERS picks from, and their table. Part of that file: it is
 * included after `reach` and `does`. */
static hotgraft_status put_count(const hotgraft_source *from, const hotgraft_sink *to, int64_t times, int64_t parts) {
    const void *data = NULL;
    uint64_t bytes = 0;
    int64_t count = 0;
    const hotgraft_status status = from->get(from->ctx, "count", HOTGRAFT_VALUE_I64, NULL, &data, &bytes);
    if (status != HOTGRAFT_OK) {
        return status;
    }
    memcpy(&count, data, sizeof count);
    count = count * times / parts;
    return to->put(to->ctx, "count", HOTGRAFT_VALUE_I64, &count, sizeof count);
}

#define CONVERTER(name)                                                                                                \
    __attribute__((unused)) static hotgraft_status name(const hotgraft_source *from, const hotgraft_sink *to,          \
                                                        hotgraft_error *error)
CONVERTER(tenfold) {
    (void)error;
    return put_count(from, to, 10, 1);
}
CONVERTER(tenth) {
    (void)error;
    return put_count(from, to, 1, 10);
}
CONVERTER(same) { /* and does what the environment tells it */
    reach("convert");
    if (does("convert", "fail")) {
        (void)snprintf(error->message, sizeof error->message, "told to fail in convert");
        return HOTGRAFT_E_FAILED;
    }
    return put_count(from, to, 1, 1);
}
CONVERTER(hundredfold) {
    (void)error;
    return put_count(from, to, 100, 1);
}
CONVERTER(fails) {
    (void)from;
    (void)to;
    (void)snprintf(error->message, sizeof error->message, "no such unit");
    return HOTGRAFT_E_FAILED;
}
CONVERTER(hangs) {
    (void)from;
    (void)to;
    (void)error;
    for (;;) {
        pause();
    }
}
CONVERTER(crashes) {
    (void)from;
    (void)to;
    (void)error;
    raise(SIGSEGV);
    return HOTGRAFT_OK;
}
CONVERTER(twice_the_key) { /* and swallows that it was refused */
    (void)error;
    (void)put_count(from, to, 1, 1);
    (void)put_count(from, to, 1, 1);
    return HOTGRAFT_OK;
}
CONVERTER(forgets) {
    (void)from;
    (void)to;
    (void)error;
    return HOTGRAFT_OK;
}

#ifndef CONVERTERS_LIE
#define CONVERTERS_LIE 0
#endif
enum { kRowsShort = 1, kTooMany, kTableShort };
#define R(from, to, function) {CONVERTERS_LIE == kRowsShort ? 8 : sizeof(hotgraft_converter), from, to, 0, function},
static const hotgraft_converter converters[] = {COUNTER_CONVERTERS};
static const hotgraft_ext_convert convert = {CONVERTERS_LIE == kTableShort ? 4 : sizeof(hotgraft_ext_convert),
                                             CONVERTERS_LIE == kTooMany ? 257 : sizeof converters / sizeof *converters,
                                             converters};
