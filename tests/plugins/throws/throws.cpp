// A class whose methods throw: what `hotgraft bind` generates must turn each into a status. BUILD is what it counts as.
#include <hotgraft/call.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>

#include "throws_descriptor.h"
#include "throws_wrapper.hpp"

#ifndef BUILD
#define BUILD 1
#endif
#ifndef HEALTH
#define HEALTH 0
#endif

namespace {

struct counter_v1 {
    std::uint32_t struct_size;
    std::int64_t (*add)(void *self, std::int64_t by);
};

hotgraft_import counter = HOTGRAFT_IMPORT("counter", "^1.0", HOTGRAFT_IMPORT_OPTIONAL);

} // namespace

struct hotgraft_instance {
    std::string last;

    void fail(std::int32_t kind) const {
        switch (kind) {
        case 0:
            return;
        case 1:
            throw std::bad_alloc();
        case 2:
            throw std::invalid_argument("kind is 2");
        case 3:
            throw std::runtime_error("kind is 3");
        case 4:
            throw 4;
        default:
            throw std::runtime_error("complain throws");
        }
    }

    hotgraft_status answer(std::int32_t status) { return status; }

    void copy(const float *in, float *out, std::uint64_t n) {
        if (n == 0) {
            throw std::invalid_argument("nothing to copy");
        }
        std::copy(in, in + n, out);
    }

    double sum(const throws_pair *pair) noexcept {
        return static_cast<double>(pair->first) + static_cast<double>(pair->second);
    }

    const char *said() const noexcept { return last.c_str(); }

    std::int32_t build() noexcept { return BUILD; }

    void fail_in_guard(std::int32_t kind) {
        const hotgraft::Batch batch(counter);
        if (!batch) {
            throw std::logic_error("counter is not bound");
        }
        batch.as<counter_v1>()->add(batch.self(), 1);
        fail(kind);
    }

    void forget() noexcept { last.clear(); }

    // HEALTH is how it says so.
#if HEALTH == 0
    void check_health(std::uint32_t depth) const {
        if (depth == HOTGRAFT_HEALTH_FULL && !last.empty()) {
            throw std::runtime_error("it remembers: " + last + std::string(last == "kind is 2" ? 600 : 0, '!'));
        }
    }
#elif HEALTH == 1
    bool check_health() const {
        return last.empty();
    }
#elif HEALTH == 2
    hotgraft_status check_health() const noexcept {
        return last.empty() ? HOTGRAFT_OK : HOTGRAFT_E_INVALID;
    }
#else
    void check_health() const {
        if (!last.empty()) {
            throw 4;
        }
    }
#endif

    void complain(const char *text) {
        if (std::strcmp(text, "complain throws") == 0) {
            throw std::runtime_error("no room for a complaint");
        }
        last = text;
    }
};

namespace {

hotgraft_status create(const hotgraft_host *, const hotgraft_str *, hotgraft_instance **instance,
                       hotgraft_error *) noexcept {
    auto *const made = new (std::nothrow) hotgraft_instance();
    if (made == nullptr) {
        return HOTGRAFT_E_NOMEM;
    }
    *instance = made;
    return HOTGRAFT_OK;
}

void destroy(hotgraft_instance *instance) noexcept {
    delete instance;
}

const void *get_interface(hotgraft_instance *instance, const char *id, void **self) noexcept {
    static const throws_v1 table = throws_v1_of<hotgraft_instance>();
    *self = instance;
    return std::strcmp(id, "throws/1") == 0 ? &table : nullptr;
}

constexpr hotgraft_ext_health health = hotgraft_bound::health_of<hotgraft_instance>();

const void *get_extension(const char *id) noexcept {
    return std::strcmp(id, HOTGRAFT_EXT_HEALTH) == 0 ? &health : nullptr;
}

const hotgraft_plugin plugin = {
    sizeof(hotgraft_plugin),
    HOTGRAFT_ABI_MINOR,
    hotgraft_descriptor,
    sizeof hotgraft_descriptor,
    &counter,
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
