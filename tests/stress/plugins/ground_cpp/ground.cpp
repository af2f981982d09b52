// The ground in C++: totals by name in a map, carried over by save and restore.
#include "../ground.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

#include "../cxx_parts.hpp"
#include "../roof.h"
#include "ground_descriptor.h"

namespace {

hotgraft_import roof = HOTGRAFT_IMPORT("roof", "^1.0", HOTGRAFT_IMPORT_OPTIONAL);
constexpr const char *kTotal = "the total of everything that was ever added";

} // namespace

struct hotgraft_instance {
    const hotgraft_host *host;
    std::uint64_t serial;
    std::map<std::string, std::unique_ptr<std::atomic<std::uint64_t>>> totals{};

    std::atomic<std::uint64_t> &total() { return *totals.at(kTotal); }
};

namespace {

hotgraft_instance &of(void *self) noexcept {
    return *static_cast<hotgraft_instance *>(self);
}

std::uint64_t stamp(void *self) noexcept {
    return stress_answer(of(self).serial);
}

std::uint64_t back(void *) noexcept {
    return stress::ask(roof, &roof_v1::stamp);
}

std::uint64_t total(void *self) noexcept {
    return of(self).total().load(std::memory_order_relaxed);
}

std::uint64_t add(void *self, std::uint64_t by) noexcept {
    of(self).total().fetch_add(by, std::memory_order_relaxed);
    return stamp(self);
}

std::uint64_t nap(void *self, std::uint32_t ms) noexcept {
    std::this_thread::sleep_for(std::chrono::milliseconds(ms));
    return stamp(self);
}

const ground_v1 interface = {sizeof(ground_v1), stamp, back, total, add, nap};

hotgraft_status save(hotgraft_instance *ground, const hotgraft_sink *sink, hotgraft_error *) noexcept {
    const std::uint64_t total = ground->total();
    return sink->put(sink->ctx, "total", HOTGRAFT_VALUE_I64, &total, sizeof total);
}

hotgraft_status restore(hotgraft_instance *ground, std::uint32_t schema, const hotgraft_source *source,
                        hotgraft_error *) noexcept {
    const void *data = nullptr;
    std::uint64_t bytes = 0;
    const hotgraft_status status = schema != 1
                                       ? HOTGRAFT_E_STATE_VERSION
                                       : source->get(source->ctx, "total", HOTGRAFT_VALUE_I64, nullptr, &data, &bytes);
    if (status >= 0) {
        ground->total() = *static_cast<const std::uint64_t *>(data);
    }
    return status;
}

const hotgraft_ext_state state_extension = {
    sizeof(hotgraft_ext_state), 1, 0, save, restore, nullptr, nullptr,
};

hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config, hotgraft_instance **instance,
                       hotgraft_error *error) noexcept {
    hotgraft_instance *made = nullptr;
    const hotgraft_status status = stress::make<hotgraft_instance>(host, config, error, &made);
    if (status >= 0) {
        made->totals.emplace(kTotal, std::make_unique<std::atomic<std::uint64_t>>(0));
        *instance = made;
    }
    return status;
}

void destroy(hotgraft_instance *ground) noexcept {
    stress::poison(ground->serial);
    delete ground;
}

const void *get_interface(hotgraft_instance *ground, const char *id, void **self) noexcept {
    *self = ground;
    return std::string(id) == "ground/1" ? &interface : nullptr;
}

const void *get_extension(const char *id) noexcept {
    return std::string(id) == HOTGRAFT_EXT_STATE ? &state_extension : nullptr;
}

const hotgraft_plugin plugin = {
    sizeof(hotgraft_plugin),
    HOTGRAFT_ABI_MINOR,
    hotgraft_descriptor,
    sizeof hotgraft_descriptor,
    &roof,
    1,
    create,
    nullptr,
    nullptr,
    nullptr,
    destroy,
    get_interface,
    get_extension,
};

} // namespace

const hotgraft_plugin *hotgraft_plugin_v1(std::uint32_t) noexcept {
    return &plugin;
}
