// What host_counter.c calls in another plugin: COUNTER_CALLS names an interface of the same functions. What `build`
// answers is then 1000 times the own number, and the other's. COUNTER_ACCEPTS is the range, COUNTER_IMPORT_FLAGS are of
// the import. Part of that file: it is included after its struct.
#ifndef COUNTER_CALLS_H
#define COUNTER_CALLS_H

#ifndef COUNTER_IMPORT_FLAGS
#define COUNTER_IMPORT_FLAGS 0
#endif

static hotgraft_import called = HOTGRAFT_IMPORT(COUNTER_CALLS, COUNTER_ACCEPTS, COUNTER_IMPORT_FLAGS);

static int64_t build_there(void) {
    hotgraft_guard guard;
    const hotgraft_table *table = hotgraft_enter(&called, &guard);
    int64_t answer = 0;
    if (table != NULL) {
        answer = HOTGRAFT_INTERFACE(counter_v1, table)->build(table->self);
        hotgraft_leave(&guard);
    }
    return answer;
}

#endif // COUNTER_CALLS_H
