// What becomes of a generation whose state was given away for a swap that is called off, and that does not get it back:
// its take fails or hangs, or its surrender did, or it does not resume. It must not be called: its functions would
// reach for a block that it does not have. The block stays in the host's hands, and the next swap carries it over from
// there.
#include <cstring>
#include <mutex>
#include <utility>

#include "generation.hpp"
#include "generation_instance.hpp"
#include "layout_pointed.hpp"

namespace hotgraft {

// On loan until it is back: a take that fails or hangs has nothing freed or moved of what goes on from here.
Status Generation::give_back(std::size_t index, const Block &block, std::shared_ptr<const CopyProgram> walk,
                             const std::vector<void *> &pointed) {
    Instance *instance = nullptr;
    if (Status status = instance_at(index, &instance); !status.is_ok()) {
        return status;
    }
    const bool is_found = walk == nullptr || !pointed.empty(); // then no memory is asked for: this takes back
    const std::vector<void *> looked_up =
        is_found ? std::vector<void *>() : pointed_blocks(*walk, block.data, block.bytes);
    const std::vector<void *> &led_to = is_found ? pointed : looked_up;
    {
        const std::lock_guard<std::mutex> lock(instance->loss_mutex);
        instance->not_back = block;
        instance->not_back_walk = std::move(walk);
        instance->is_given_away = false;
        Ledger::hand_over(block.data, books_->ledger); // it is billed for it even if take does not go well
        bill(led_to);
        if (instance->is_out_of_kept) {
            return {}; // where it was before this swap
        }
    }
    const bool is_lent_here = Ledger::lend(block.data);
    Ledger::lend(led_to);
    instance->away_since.store("take", std::memory_order_relaxed);
    Status status = take(index, block);
    if (status.is_ok() && !is_away(index)) { // else it was given up meanwhile
        Ledger::settle(is_lent_here ? block.data : nullptr);
        Ledger::settle(led_to);
    }
    return status;
}

// Nobody has it but the host: there is nothing to copy, and who called the swap off has counted it lost, or will.
void Generation::keep_late(std::size_t index, const Block &block, std::shared_ptr<const CopyProgram> walk) noexcept {
    Instance *const instance = kept_at(index);
    if (instance == nullptr) {
        return;
    }
    const std::lock_guard<std::mutex> lock(instance->loss_mutex);
    instance->not_back = block;
    instance->not_back_walk = std::move(walk);
    instance->is_out_of_kept = true;
    instance->is_given_away = false;
}

void Generation::note_given_away(Instance &instance) noexcept {
    const std::lock_guard<std::mutex> lock(instance.loss_mutex);
    instance.is_given_away = true;
}

std::uint64_t Generation::losses_of(Instance &instance) noexcept {
    const std::lock_guard<std::mutex> lock(instance.loss_mutex);
    return instance.losses;
}

// It has its state, and goes on, unless nobody waits for that any more: then the state is the host's.
bool Generation::note_back(Instance &instance, std::uint64_t losses) noexcept {
    const std::lock_guard<std::mutex> lock(instance.loss_mutex);
    if (instance.losses != losses) {
        return false;
    }
    instance.away_since.store(nullptr, std::memory_order_relaxed);
    instance.not_back = {};
    instance.not_back_walk = nullptr;
    instance.is_given_away = false;
    return true;
}

// A surrender whose answer is of no use has still parted the instance from what it gave.
Status Generation::take_unasked(Instance &instance, const Block &block, Status refused) {
    if (block.data == nullptr) {
        instance.away_since.store(nullptr, std::memory_order_relaxed); // it gave nothing away
        return refused;
    }
    PluginError error;
    instance.away_since.store("take", std::memory_order_relaxed);
    const std::uint64_t losses = losses_of(instance);
    const hotgraft_status status = call_take(instance, block, error.get());
    if (status < 0) {
        return {refused.code(),
                refused.message() + "; and " + complain("take", instance, status, *error.get()).message()};
    }
    (void)note_back(instance, losses);
    return refused;
}

bool Generation::is_lost(Instance &instance) noexcept {
    const std::lock_guard<std::mutex> lock(instance.loss_mutex);
    return instance.is_lost;
}

// Is its state with the host, or with a thread that has not come back, or has come back and is yet to say so? A
// function that did not resume has it.
bool Generation::lacks_state(Instance &instance) noexcept {
    const std::lock_guard<std::mutex> lock(instance.loss_mutex);
    const bool is_inside = instance.inside.load(std::memory_order_acquire) != nullptr; // pairs with ~Inside()
    return instance.is_lost && (instance.not_back.data != nullptr || instance.is_given_away || is_inside);
}

// With all that it leads to, each as large and as aligned as it was.
Status Generation::copy_block(const Block &block, const CopyProgram *walk, Block *out) const {
    Block copy = make_block(block.bytes, Ledger::block_align(block.data));
    if (copy.data == nullptr) {
        return {Code::kNoMemory, "no memory for a state of " + std::to_string(block.bytes) + " bytes"};
    }
    copy.layout_id = block.layout_id;
    PointedRooms rooms;
    Status status = or_no_memory([&]() -> Status {
        if (walk == nullptr) {
            std::memcpy(copy.data, block.data, block.bytes);
            return {};
        }
        std::vector<void *> pointed;
        if (Status found = find_pointed(*walk, block.data, block.bytes, &pointed); !found.is_ok()) {
            return {found.code(),
                    label() + ": its state cannot be copied from a thread that has not come back: " + found.message()};
        }
        const BlockMaker make = rooms.maker(ledger());
        return walk->run(block.data, block.bytes, copy.data, copy.bytes, block.bytes / walk->old_bytes(), nullptr,
                         &make);
    });
    if (!status.is_ok()) {
        Ledger::free_block(copy.data);
        return status;
    }
    rooms.let_go();
    *out = copy;
    return {};
}

// What an abandoned thread can reach is neither written nor freed: then a copy crosses, and the blocks are kept for
// good.
Status Generation::surrender_lost(Instance &instance, Block *out) {
    const std::lock_guard<std::mutex> lock(instance.loss_mutex);
    const Block block = instance.not_back;
    if (block.data == nullptr) {
        const char *const inside = instance.inside.load(std::memory_order_relaxed);
        return {Code::kRefused, label() + ": its state is with a thread that has not come back from " +
                                    (inside != nullptr        ? inside
                                     : instance.is_given_away ? "surrender"
                                                              : "its code")};
    }
    if (is_abandoned() && !instance.is_out_of_kept) { // else it is that copy already
        if (Status status = copy_block(block, instance.not_back_walk.get(), &instance.not_back); !status.is_ok()) {
            return status;
        }
    }
    const std::shared_ptr<const CopyProgram> walk = std::exchange(instance.not_back_walk, nullptr);
    *out = std::exchange(instance.not_back, {});
    Ledger::settle(out->data); // on loan since the swap that was called off
    if (walk != nullptr) {
        Ledger::settle(pointed_blocks(*walk, out->data, out->bytes));
    }
    instance.is_out_of_kept = true;
    return {};
}

void Generation::drop_not_back(Instance &instance) noexcept {
    const std::shared_ptr<const CopyProgram> walk = std::exchange(instance.not_back_walk, nullptr);
    const Block block = std::exchange(instance.not_back, {});
    if (walk != nullptr && block.data != nullptr) {
        for (void *const pointed : pointed_blocks(*walk, block.data, block.bytes)) {
            Ledger::free_block(pointed);
        }
    }
    Ledger::free_block(block.data);
}

// Asked to save what it does not have, it would reach for it.
Status Generation::check_has_state(const Instance &instance) const {
    const char *const since = instance.away_since.load(std::memory_order_relaxed);
    const bool is_inside = instance.inside.load(std::memory_order_acquire) != nullptr; // pairs with ~Inside()
    if (!instance.is_lost || since == nullptr || (std::strcmp(since, "resume") == 0 && !is_inside)) {
        return {};
    }
    return {Code::kRefused,
            label() + ": its state is not with it, since " + since + " after a swap that was called off"};
}

bool Generation::is_away(std::size_t index) const noexcept {
    const Instance *const instance = kept_at(index);
    return instance != nullptr && instance->away_since.load(std::memory_order_relaxed) != nullptr;
}

bool Generation::lose_if_away(std::size_t index, bool holds_still) noexcept {
    Instance *const instance = kept_at(index);
    if (instance == nullptr) {
        return false;
    }
    const std::lock_guard<std::mutex> lock(instance->loss_mutex);
    const char *nothing = nullptr;
    if (holds_still) { // its state may have come back late, but nobody has asked it to resume
        (void)instance->away_since.compare_exchange_strong(nothing, "resume", std::memory_order_relaxed);
    }
    if (instance->away_since.load(std::memory_order_relaxed) != nullptr) {
        instance->is_lost = true;
        instance->losses += 1;
    }
    if (instance->is_lost) {
        is_out_of_service_.store(true, std::memory_order_release); // pairs with out_of_service()
        books_->callbacks.note_lost();
    }
    return instance->is_lost;
}

std::string Generation::out_of_service() const {
    if (!is_out_of_service_.load(std::memory_order_acquire)) { // pairs with lose_if_away()
        return {};
    }
    std::string text;
    std::vector<const Instance *> all;
    const std::lock_guard<std::mutex> lock(sessions_mutex_);
    for (const auto *const list : {&instances_, &sessions_}) {
        for (const std::unique_ptr<Instance> &instance : *list) {
            all.push_back(instance.get());
        }
    }
    for (const Instance *const instance : all) {
        if (instance == nullptr || !instance->is_lost) {
            continue;
        }
        const char *const since = instance->away_since.load(std::memory_order_relaxed);
        const bool holds_still = since != nullptr && std::strcmp(since, "resume") == 0;
        text += (text.empty() ? "" : "; ") + (instance->name.empty() ? "it" : "\"" + instance->name + "\"") +
                (holds_still ? " has not resumed" : " has not got its state back") +
                " after a swap that was called off";
    }
    // A session that was lost may have been ended since: what it left of the generation serves nobody all the same.
    return text.empty() ? "what did not get its state back after a swap that was called off is gone" : text;
}

} // namespace hotgraft
