// The leaf in C++: nothing to carry over.
#include "../leaf.h"

#include "../cxx_parts.hpp"
#include "leaf_descriptor.h"

struct hotgraft_instance {
    const hotgraft_host *host;
    std::uint64_t serial;
    std::string word{"a word that is too long to be kept in place"};
};

namespace {

std::uint64_t stamp(void *self) noexcept {
    return stress_answer(static_cast<const hotgraft_instance *>(self)->serial);
}

const leaf_v1 interface = {sizeof(leaf_v1), stamp};

hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config, hotgraft_instance **instance,
                       hotgraft_error *error) noexcept {
    return stress::make<hotgraft_instance>(host, config, error, instance);
}

void destroy(hotgraft_instance *leaf) noexcept {
    stress::poison(leaf->serial);
    delete leaf;
}

const void *get_interface(hotgraft_instance *leaf, const char *id, void **self) noexcept {
    *self = leaf;
    return std::string(id) == "leaf/1" ? &interface : nullptr;
}

const hotgraft_plugin plugin = {
    sizeof(hotgraft_plugin),
    HOTGRAFT_ABI_MINOR,
    hotgraft_descriptor,
    sizeof hotgraft_descriptor,
    nullptr,
    0,
    create,
    nullptr,
    nullptr,
    nullptr,
    destroy,
    get_interface,
    nullptr,
};

} // namespace

const hotgraft_plugin *hotgraft_plugin_v1(std::uint32_t) noexcept {
    return &plugin;
}
