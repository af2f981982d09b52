// One instance of a generation, as the generation keeps it.
#ifndef HOTGRAFT_CORE_GENERATION_INSTANCE_HPP
#define HOTGRAFT_CORE_GENERATION_INSTANCE_HPP

#include <atomic>
#include <memory>
#include <mutex>
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
    std::shared_ptr<Notices> notices{}; // nullptr: it does not want to be told of its imports
    // Whether the plugin's own destroy is still to come.
    [[nodiscard]] bool is_live() const noexcept { return plugin != nullptr || session != nullptr; }
    // What the plugin's functions are given beside the session.
    [[nodiscard]] hotgraft_instance *owner() const noexcept { return parent != nullptr ? parent->plugin : plugin; }

    std::atomic<bool> is_started{false};   // start or resume went well, and no quiesce since
    std::shared_ptr<SharedBlock> shared{}; // until the library has left memory: what outlives destroy may use it
    // Of a session: whose it is, and its tables, which go with it (of an instance they stay with the generation).
    Instance *parent = nullptr;
    std::size_t parent_index = 0;
    hotgraft_session *session = nullptr;
    std::vector<std::unique_ptr<Table>> tables{};
    Block kept;                       // surrendered, and converted for who came next; the instance has no other then
    std::vector<void *> kept_pointed; // that `kept` leads to
    std::atomic<std::uint64_t> seen_bytes{0}; // of its block, when it last changed hands

    // The control function since which it is without its state or holds still: surrender, take or resume, until the
    // state is back and it has resumed. nullptr: nothing is missing.
    std::atomic<const char *> away_since{nullptr};
    bool is_lost = false;        // the swap ended so: it is called no more (generation_loss.cpp)
    bool is_out_of_kept = false; // what it surrendered last was `not_back`, without its being asked
    bool is_given_away = false;  // it surrendered, and neither has it back nor has anybody noted it as `not_back`
    Block not_back;              // what it was to take and did not: as it was surrendered
    std::shared_ptr<const CopyProgram> not_back_walk{}; // finds what that leads to; nullptr: nothing
    std::uint64_t losses = 0; // how often a swap ended so: a function that comes back later changes nothing here
    std::mutex loss_mutex;    // guards the change of these seven by who gives up and by who comes back

    // The control function that a thread is in, also one that nobody waits for any more. nullptr: none.
    std::atomic<const char *> inside{nullptr};
};

// A thread in one of an instance's control functions. They are never called beside each other (version.h), and one that
// was given up may still be in there.
class Generation::Inside {
public:
    Inside(Instance &instance, const char *function) noexcept : instance_(instance) {
        // Pairs with the store below: who comes after sees what was done.
        is_alone_ = instance.inside.compare_exchange_strong(other_, function, std::memory_order_acq_rel);
    }
    ~Inside() {
        if (is_alone_) {
            instance_.inside.store(nullptr, std::memory_order_release); // pairs with the next one's exchange
        }
    }
    Inside(const Inside &) = delete;
    Inside &operator=(const Inside &) = delete;

    // kRefused: another one is, and this one must not be called.
    [[nodiscard]] Status check(const Generation &generation) const {
        return is_alone_
                   ? Status()
                   : Status(Code::kRefused, generation.label() + ": a thread has not come back from its " + other_);
    }

private:
    Instance &instance_;
    const char *other_ = nullptr;
    bool is_alone_ = false;
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
