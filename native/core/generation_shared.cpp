// State that the code of two generations may use at once: the block is the host's, every instance is only told of it.
#include <cstring>
#include <utility>

#include "generation.hpp"
#include "generation_instance.hpp"

namespace hotgraft {

std::shared_ptr<SharedBlock> Generation::shared_block(std::size_t index) const {
    Instance *instance = nullptr;
    return instance_at(index, &instance).is_ok() ? instance->shared : nullptr;
}

Status Generation::attach(std::size_t index, const std::shared_ptr<SharedBlock> &block) {
    Instance *instance = nullptr;
    if (Status status = instance_at(index, &instance); !status.is_ok()) {
        return status;
    }
    if (shared_.attach == nullptr || block == nullptr) {
        return {Code::kInvalid, label() + (block == nullptr ? " is given no block to share" : " offers no attach")};
    }
    if (block->bytes() != shared_.bytes) {
        return {Code::kPlugin, label() + ": the shared block has " + std::to_string(block->bytes()) +
                                   " bytes, and it uses " + std::to_string(shared_.bytes)};
    }
    // Held before it is told: whatever attach answers, the block outlives the library that was told of it.
    const std::shared_ptr<SharedBlock> before = std::exchange(instance->shared, block);
    PluginError error;
    const hotgraft_status status = shared_.attach(instance->plugin, block->data(), error.get());
    if (status < 0) {
        instance->shared = before;
        return complain("attach", *instance, status, *error.get());
    }
    if (stage() == Stage::kCreated) {
        (void)try_advance(Event::kRestore);
    }
    return {};
}

// A first load, one more instance, or a version before that had no such state.
Status Generation::add_missing_shared(std::size_t index) {
    Instance *instance = nullptr;
    if (Status status = instance_at(index, &instance); !status.is_ok()) {
        return status;
    }
    if (shared_.attach == nullptr || instance->shared != nullptr) {
        return {};
    }
    void *const data = Ledger::reallocate(books_->ledger, nullptr, shared_.bytes, shared_.align);
    if (data == nullptr) {
        return {Code::kNoMemory,
                label() + ": no memory for a shared state of " + std::to_string(shared_.bytes) + " bytes"};
    }
    std::memset(data, 0, shared_.bytes);
    std::shared_ptr<SharedBlock> block;
    try {
        block = std::make_shared<SharedBlock>(data, shared_.bytes);
    } catch (...) {
        Ledger::free_block(data);
        throw;
    }
    PluginError error;
    const hotgraft_status status =
        shared_.init == nullptr ? HOTGRAFT_OK : shared_.init(instance->plugin, data, error.get());
    return status < 0 ? complain("init", *instance, status, *error.get()) : attach(index, block);
}

void Generation::bill_shared_blocks() noexcept {
    for (const std::unique_ptr<Instance> &instance : instances_) {
        if (instance->shared != nullptr) {
            Ledger::hand_over(instance->shared->data(), books_->ledger);
        }
    }
}

void Generation::drop_shared_blocks() noexcept {
    for (const std::unique_ptr<Instance> &instance : instances_) {
        instance->shared.reset();
    }
}

} // namespace hotgraft
