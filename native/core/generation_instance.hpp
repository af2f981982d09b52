// One instance of a generation, as the generation keeps it.
#ifndef HOTGRAFT_CORE_GENERATION_INSTANCE_HPP
#define HOTGRAFT_CORE_GENERATION_INSTANCE_HPP

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "generation.hpp"

namespace hotgraft {

struct Generation::Instance {
    Instance(std::string instance_name, std::string config_json, std::unique_ptr<Services> offered)
        : name(std::move(instance_name)), config(std::move(config_json)), services(std::move(offered)) {}

    const std::string name;
    const std::string config; // kept: what create saw
    std::unique_ptr<Services> services;
    hotgraft_instance *plugin = nullptr;
    // Whether the plugin's own destroy is still to come.
    [[nodiscard]] bool is_live() const noexcept { return plugin != nullptr || session != nullptr; }
    // What the plugin's functions are given beside the session.
    [[nodiscard]] hotgraft_instance *owner() const noexcept { return parent != nullptr ? parent->plugin : plugin; }

    bool is_started = false;               // start or resume went well, and no quiesce since
    std::shared_ptr<SharedBlock> shared{}; // until the library has left memory: what outlives destroy may use it
    // Of a session: whose it is, and its tables, which go with it (of an instance they stay with the generation).
    Instance *parent = nullptr;
    std::size_t parent_index = 0;
    hotgraft_session *session = nullptr;
    std::vector<std::unique_ptr<Table>> tables{};
    Block kept; // surrendered, and converted for who came next; the instance has no other then
};

// What a plugin's function says why into. Zeroed, as status.h wants it.
class PluginError {
public:
    PluginError() noexcept { error_.struct_size = sizeof error_; }
    [[nodiscard]] hotgraft_error *get() noexcept { return &error_; }

private:
    hotgraft_error error_{};
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_GENERATION_INSTANCE_HPP
