// D03, D04, D05: a call into another plugin that is left by the end of its thread, by an exception and by longjmp.
#include <hotgraft/call.h>
#include <hotgraft/hotgraft.h>

#include <csetjmp>
#include <cstdlib>
#include <cstring>
#include <pthread.h>

#include "counter_descriptor.h"

struct hotgraft_instance {
    int unused;
};

namespace {

hotgraft_import counter = HOTGRAFT_IMPORT("counter", "^1.0", 0);

struct counter_v1 {
    uint32_t struct_size;
    int64_t (*add)(void *self, int64_t by);
};

int64_t add(const hotgraft_table *table) {
    const auto *const functions = HOTGRAFT_INTERFACE(counter_v1, table);
    return functions->add(table->self, 1);
}

void *end_inside(void *) {
    hotgraft_guard guard;
    (void)add(hotgraft_enter(&counter, &guard));
    pthread_exit(nullptr);
}

int64_t thread_ends(void *) {
    pthread_t thread;
    return pthread_create(&thread, nullptr, end_inside, nullptr) == 0 && pthread_join(thread, nullptr) == 0 ? 1 : 0;
}

int64_t exception_leaves(void *) {
    try {
        const hotgraft::Batch batch(counter);
        throw batch.as<counter_v1>()->add(batch.self(), 1);
    } catch (int64_t count) {
        return count;
    }
}

std::jmp_buf back;

int64_t longjmp_leaves(void *) {
    if (setjmp(back) == 0) {
        hotgraft_guard guard;
        (void)add(hotgraft_enter(&counter, &guard));
        std::longjmp(back, 1);
    }
    return 1;
}

struct leaver_v1 {
    uint32_t struct_size;
    int64_t (*thread_ends)(void *self);
    int64_t (*exception_leaves)(void *self);
    int64_t (*longjmp_leaves)(void *self);
};
const leaver_v1 functions = {sizeof(leaver_v1), thread_ends, exception_leaves, longjmp_leaves};

hotgraft_status create(const hotgraft_host *, const hotgraft_str *, hotgraft_instance **out,
                       hotgraft_error *) noexcept {
    *out = static_cast<hotgraft_instance *>(std::calloc(1, sizeof(hotgraft_instance)));
    return *out == nullptr ? HOTGRAFT_E_NOMEM : HOTGRAFT_OK;
}

void destroy(hotgraft_instance *instance) noexcept {
    std::free(instance);
}

const void *get_interface(hotgraft_instance *instance, const char *, void **self) noexcept {
    *self = instance;
    return &functions;
}

hotgraft_plugin make_table() {
    hotgraft_plugin table{};
    table.struct_size = sizeof table;
    table.abi_minor = HOTGRAFT_ABI_MINOR;
    table.descriptor = counter_descriptor;
    table.descriptor_len = sizeof counter_descriptor;
    table.imports = &counter;
    table.import_count = 1;
    table.create = create;
    table.destroy = destroy;
    table.get_interface = get_interface;
    return table;
}

const hotgraft_plugin plugin = make_table();

} // namespace

HOTGRAFT_EXPORT const hotgraft_plugin *hotgraft_plugin_v1(uint32_t) noexcept {
    return &plugin;
}
