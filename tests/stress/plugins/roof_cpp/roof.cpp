// The roof in C++: calls the ground, which calls it back.
#include "../roof.h"

#include "../cxx_parts.hpp"
#include "../ground.h"
#include "roof_descriptor.h"

struct hotgraft_instance {
    const hotgraft_host *host;
    std::uint64_t serial;
    std::vector<std::string> tiles{"a tile that is too long to be kept in place"};
};

namespace {

hotgraft_import ground = HOTGRAFT_IMPORT("ground", "^1.0", 0);

std::uint64_t stamp(void *self) noexcept {
    return stress_answer(static_cast<const hotgraft_instance *>(self)->serial);
}

std::uint64_t below(void *self) noexcept {
    const std::uint64_t before = stamp(self);
    const std::uint64_t answer = stress::ask(ground, &ground_v1::stamp);
    return stamp(self) == before ? answer : 0;
}

std::uint64_t around(void *self) noexcept {
    const std::uint64_t own = stamp(self);
    const std::uint64_t answer = stress::ask(ground, &ground_v1::back);
    return answer == own ? answer : 0;
}

const roof_v1 interface = {sizeof(roof_v1), stamp, below, around};

hotgraft_status save(hotgraft_instance *roof, const hotgraft_sink *sink, hotgraft_error *) noexcept {
    const std::string &tile = roof->tiles.front();
    return sink->put(sink->ctx, "tile", HOTGRAFT_VALUE_BYTES, tile.data(), tile.size());
}

hotgraft_status restore(hotgraft_instance *roof, std::uint32_t schema, const hotgraft_source *source,
                        hotgraft_error *) noexcept {
    const void *data = nullptr;
    std::uint64_t bytes = 0;
    const hotgraft_status status = schema != 1
                                       ? HOTGRAFT_E_STATE_VERSION
                                       : source->get(source->ctx, "tile", HOTGRAFT_VALUE_BYTES, nullptr, &data, &bytes);
    if (status >= 0) {
        roof->tiles.assign(1, std::string(static_cast<const char *>(data), bytes));
    }
    return status;
}

const hotgraft_ext_state state_extension = {
    sizeof(hotgraft_ext_state), 1, 0, save, restore, nullptr, nullptr,
};

hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config, hotgraft_instance **instance,
                       hotgraft_error *error) noexcept {
    return stress::make<hotgraft_instance>(host, config, error, instance);
}

void destroy(hotgraft_instance *roof) noexcept {
    stress::poison(roof->serial);
    delete roof;
}

const void *get_interface(hotgraft_instance *roof, const char *id, void **self) noexcept {
    *self = roof;
    return std::string(id) == "roof/1" ? &interface : nullptr;
}

const void *get_extension(const char *id) noexcept {
    return std::string(id) == HOTGRAFT_EXT_STATE ? &state_extension : nullptr;
}

const hotgraft_plugin plugin = {
    sizeof(hotgraft_plugin),
    HOTGRAFT_ABI_MINOR,
    hotgraft_descriptor,
    sizeof hotgraft_descriptor,
    &ground,
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
