// The plugin's control functions, called on the caller's thread, and what they answered made into a Status.
#include <algorithm>
#include <optional>
#include <utility>

#include "control.hpp"
#include "generation.hpp"
#include "generation_instance.hpp"
#include "generation_text.hpp"
#include "keyed_source.hpp"

namespace hotgraft {

Status Generation::instance_at(std::size_t index, Instance **out) const {
    if (index >= kFirstSession) {
        const std::lock_guard<std::mutex> lock(sessions_mutex_);
        const std::size_t place = index - kFirstSession;
        if (place >= sessions_.size() || sessions_[place] == nullptr || sessions_[place]->session == nullptr) {
            return {Code::kInvalid, label() + " has no live session " + std::to_string(place)};
        }
        *out = sessions_[place].get();
        return {};
    }
    if (index >= instances_.size() || instances_[index]->plugin == nullptr) {
        return {Code::kInvalid, label() + " has no live instance " + std::to_string(index)};
    }
    *out = instances_[index].get();
    return {};
}

Status Generation::complain(const char *what, const Instance &instance, hotgraft_status status,
                            const hotgraft_error &error) const {
    const char *const kind = instance.parent == nullptr ? " of instance \"" : " of session \"";
    const std::string whose = instance.name.empty() ? "" : kind + instance.name + "\"";
    return {Code::kPlugin, label() + ": " + what + whose + " " + quote(status, error)};
}

// The generation's stage follows its instances: ready when all are started, quiesced when all that served hold still.
void Generation::note_quiet(Instance &instance, bool is_quiet) {
    instance.is_started = !is_quiet;
    const auto is_as_asked = [&](const std::unique_ptr<Instance> &other) { return other->is_started != is_quiet; };
    const bool are_all = std::all_of(instances_.begin(), instances_.end(), is_as_asked);
    const Stage now = stage();
    if (is_quiet && are_all && now == Stage::kActive) {
        (void)try_advance(Event::kDrain);
        (void)try_advance(Event::kQuiesce);
    } else if (!is_quiet && now == Stage::kQuiesced) {
        (void)try_advance(Event::kResume);
    } else if (!is_quiet && are_all && (now == Stage::kCreated || now == Stage::kRestored)) {
        (void)try_advance(Event::kStart);
    }
}

Status Generation::start(std::size_t index) {
    Instance *instance = nullptr;
    if (Status status = instance_at(index, &instance); !status.is_ok()) {
        return status;
    }
    if (Status status = add_missing_shared(index); !status.is_ok()) {
        return status;
    }
    PluginError error;
    const hotgraft_status status =
        entry_.functions.start == nullptr ? HOTGRAFT_OK : entry_.functions.start(instance->plugin, error.get());
    if (status < 0) {
        return complain("start", *instance, status, *error.get());
    }
    note_quiet(*instance, false);
    return {};
}

ThreadOwner Generation::thread_owner(std::size_t index) const {
    Instance *instance = nullptr;
    return instance_at(index, &instance).is_ok() && instance->services != nullptr ? instance->services->thread_owner
                                                                                  : ThreadOwner();
}

Status Generation::quiesce(std::size_t index, std::int64_t deadline_ns, bool *is_again) {
    Instance *instance = nullptr;
    if (Status status = instance_at(index, &instance); !status.is_ok()) {
        return status;
    }
    *is_again = false;
    PluginError error;
    hotgraft_status status = HOTGRAFT_OK;
    std::optional<Inside> inside; // to where it is noted what came of it: one that comes back late notes it alone
    if (entry_.functions.quiesce != nullptr && instance->is_started && !is_lost(*instance)) {
        inside.emplace(*instance, "quiesce");
        if (Status alone = inside->check(*this); !alone.is_ok()) {
            return alone;
        }
        const std::int64_t left_ns = std::max<std::int64_t>(deadline_ns - monotonic_ns(), 0);
        status = entry_.functions.quiesce(instance->plugin, static_cast<std::uint64_t>(left_ns), error.get());
    }
    if (status < 0) {
        return complain("quiesce", *instance, status, *error.get());
    }
    *is_again = status == HOTGRAFT_AGAIN;
    if (!*is_again) {
        note_quiet(*instance, true);
    }
    return {};
}

Status Generation::resume(std::size_t index) {
    Instance *instance = nullptr;
    if (Status status = instance_at(index, &instance); !status.is_ok()) {
        return status;
    }
    if (is_lost(*instance)) {
        return {}; // it holds still for good
    }
    const Inside inside(*instance, "resume");
    if (Status status = inside.check(*this); !status.is_ok()) {
        return status;
    }
    instance->away_since.store("resume", std::memory_order_relaxed); // read by who waits for this thread, or gave it up
    const std::uint64_t losses = losses_of(*instance);
    PluginError error;
    const hotgraft_status status =
        entry_.functions.resume == nullptr ? HOTGRAFT_OK : entry_.functions.resume(instance->plugin, error.get());
    if (status < 0) {
        return complain("resume", *instance, status, *error.get());
    }
    if (note_back(*instance, losses)) {
        note_quiet(*instance, false);
    }
    return {};
}

Status Generation::resume_recalled(std::size_t index, bool takes_kept) {
    Instance *instance = nullptr;
    if (Status status = instance_at(index, &instance); !status.is_ok()) {
        return status;
    }
    if (takes_kept && instance->kept.data != nullptr) {
        if (Status status = take(index, instance->kept); !status.is_ok()) {
            return status;
        }
        instance->kept_pointed.clear();
        instance->kept = {}; // if this rollback is called off, the instance still has it
    }
    return instance->is_started ? Status() : resume(index);
}

Status Generation::save(std::size_t index, KeyedState *out) {
    Instance *instance = nullptr;
    if (Status status = instance_at(index, &instance); !status.is_ok()) {
        return status;
    }
    if (instance->session != nullptr ? session_.save == nullptr : state_.save == nullptr) {
        return {Code::kInvalid, label() + " offers no save"};
    }
    if (Status status = check_has_state(*instance); !status.is_ok()) {
        return status;
    }
    const Inside inside(*instance, "save");
    if (Status status = inside.check(*this); !status.is_ok()) {
        return status;
    }
    PluginError error;
    const hotgraft_sink sink = out->sink();
    const hotgraft_status status = instance->session != nullptr
                                       ? session_.save(instance->owner(), instance->session, &sink, error.get())
                                       : state_.save(instance->plugin, &sink, error.get());
    if (status < 0 && out->first_refusal().is_ok()) { // what it left open it left because it gave up
        return complain("save", *instance, status, *error.get());
    }
    if (const Status &refusal = out->finish(); !refusal.is_ok()) { // also when the plugin swallowed it
        return {Code::kPlugin, label() + ": save: " + refusal.message()};
    }
    return {};
}

Status Generation::restore(std::size_t index, std::uint32_t schema, const KeyedState &saved) {
    Instance *instance = nullptr;
    if (Status status = instance_at(index, &instance); !status.is_ok()) {
        return status;
    }
    if (instance->session != nullptr ? session_.restore == nullptr : state_.restore == nullptr) {
        return {Code::kInvalid, label() + " offers no restore"};
    }
    if (Status status = add_missing_shared(index); !status.is_ok()) {
        return status;
    }
    PluginError error;
    if (!saved.first_refusal().is_ok()) { // something was put after save had returned
        return {Code::kPlugin, label() + ": restore: " + saved.first_refusal().message()};
    }
    KeyedSource reading(saved);
    const hotgraft_source source = reading.source();
    const hotgraft_status status =
        instance->session != nullptr
            ? session_.restore(instance->owner(), instance->session, schema, &source, error.get())
            : state_.restore(instance->plugin, schema, &source, error.get());
    if (status < 0) {
        return complain("restore", *instance, status, *error.get());
    }
    if (stage() == Stage::kCreated) {
        (void)try_advance(Event::kRestore);
    }
    return {};
}

Status Generation::surrender(std::size_t index, Block *out) {
    Instance *instance = nullptr;
    if (Status status = instance_at(index, &instance); !status.is_ok()) {
        return status;
    }
    if (instance->session != nullptr ? session_.surrender == nullptr : state_.surrender == nullptr) {
        return {Code::kInvalid, label() + " offers no surrender"};
    }
    if (lacks_state(*instance)) {
        return surrender_lost(*instance, out);
    }
    const Inside inside(*instance, "surrender");
    if (Status status = inside.check(*this); !status.is_ok()) {
        return status;
    }
    PluginError error;
    Block block;
    block.layout_id = layout_id();
    instance->away_since.store("surrender", std::memory_order_relaxed);
    const std::uint64_t losses = losses_of(*instance);
    const hotgraft_status status =
        instance->session != nullptr
            ? session_.surrender(instance->owner(), instance->session, &block.data, &block.bytes, error.get())
            : state_.surrender(instance->plugin, &block.data, &block.bytes, error.get());
    if (status < 0) {
        (void)note_back(*instance, losses); // it gave nothing away
        return complain("surrender", *instance, status, *error.get());
    }
    // What crosses must be the host's memory: the plugin's own would leave with its code. It goes back at once.
    if (block.data == nullptr || Ledger::block_bytes(block.data) < block.bytes) {
        return take_unasked(*instance, block,
                            {Code::kPlugin, label() + ": surrender gave " + std::to_string(block.bytes) +
                                                " bytes that are not a block of the host's realloc"});
    }
    note_given_away(*instance); // before another may be inside: it is not to be asked for it twice
    *out = block;
    return {};
}

hotgraft_status Generation::call_take(const Instance &instance, const Block &block, hotgraft_error *error) const {
    return instance.session != nullptr
               ? session_.take(instance.owner(), instance.session, block.data, block.bytes, block.layout_id, error)
               : state_.take(instance.plugin, block.data, block.bytes, block.layout_id, error);
}

Status Generation::take(std::size_t index, const Block &block) {
    Instance *instance = nullptr;
    if (Status status = instance_at(index, &instance); !status.is_ok()) {
        return status;
    }
    if (instance->session != nullptr ? session_.take == nullptr : state_.take == nullptr) {
        return {Code::kInvalid, label() + " offers no take"};
    }
    const Inside inside(*instance, "take");
    if (Status status = inside.check(*this); !status.is_ok()) {
        return status;
    }
    PluginError error;
    const std::uint64_t losses = losses_of(*instance);
    const hotgraft_status status = call_take(*instance, block, error.get());
    if (status < 0) {
        return complain("take", *instance, status, *error.get());
    }
    Ledger::hand_over(block.data, books_->ledger);
    instance->seen_bytes = block.bytes;
    (void)note_back(*instance, losses);
    if (stage() == Stage::kCreated && instance->session == nullptr) {
        // Not when a swap is called off: then it goes back to who served.
        (void)try_advance(Event::kRestore);
    }
    return {};
}

Block Generation::make_block(std::uint64_t bytes, std::uint64_t align) const noexcept {
    return {Ledger::reallocate(books_->ledger, nullptr, bytes, align), bytes, layout_id()};
}

void Generation::keep_block(std::size_t index, const Block &block, std::vector<void *> pointed) noexcept {
    Instance *instance = nullptr;
    if (or_no_memory([&] { return instance_at(index, &instance); }).is_ok()) { // it was surrendered a moment ago
        drop_kept(*instance);                                                  // of a rollback that came to nothing
        instance->kept = block;
        instance->kept_pointed = std::move(pointed);
    }
}

void Generation::drop_kept(Instance &instance) noexcept {
    for (void *const block : std::exchange(instance.kept_pointed, {})) {
        Ledger::free_block(block);
    }
    Ledger::free_block(std::exchange(instance.kept, {}).data);
}

void Generation::bill(const std::vector<void *> &blocks) const noexcept {
    for (void *const block : blocks) {
        Ledger::hand_over(block, books_->ledger);
    }
}

std::uint64_t Generation::likely_block_bytes(std::size_t index) const noexcept {
    const Ledger *const ledger = books_->ledger;
    const bool is_alone = instances_.size() == 1 && ledger != nullptr && ledger->live_blocks() == 1;
    const Instance *const instance = kept_at(index);
    return is_alone              ? ledger->live_bytes()
           : instance == nullptr ? 0
                                 : instance->seen_bytes.load(std::memory_order_relaxed);
}

void Generation::drop_kept_blocks() noexcept {
    for (const std::unique_ptr<Instance> &instance : instances_) {
        drop_kept(*instance);
    }
    const std::lock_guard<std::mutex> lock(sessions_mutex_);
    for (const std::unique_ptr<Instance> &session : sessions_) {
        if (session != nullptr) {
            drop_kept(*session);
        }
    }
}

Status Generation::check_health(std::size_t index, std::uint32_t depth) {
    Instance *instance = nullptr;
    {
        const std::lock_guard<std::mutex> lock(instances_mutex_);
        if (Status status = instance_at(index, &instance); !status.is_ok()) {
            return status;
        }
    }
    if (is_out_of_service_.load(std::memory_order_acquire)) { // pairs with lose_if_away()
        return {Code::kPlugin, label() + " is out of service: " + out_of_service()};
    }
    PluginError error;
    const hotgraft_status status =
        check_health_ == nullptr ? HOTGRAFT_OK : check_health_(instance->plugin, depth, error.get());
    return status < 0 ? complain("health", *instance, status, *error.get()) : Status();
}

Status Generation::destroy(std::size_t index) {
    Instance *instance = nullptr;
    if (Status status = instance_at(index, &instance); !status.is_ok()) {
        return status;
    }
    run_destroy(*instance);
    return {};
}

void Generation::run_destroy(Instance &instance) noexcept {
    if (instance.session != nullptr) {
        session_.destroy(instance.owner(), std::exchange(instance.session, nullptr));
    } else {
        entry_.functions.destroy(std::exchange(instance.plugin, nullptr));
    }
    drop_kept(instance);
    drop_not_back(instance);
}

} // namespace hotgraft
