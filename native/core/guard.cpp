// The one Guards object, its barrier, and the scan of all records.
#include "guard.hpp"

#include <new>

#include "membarrier.hpp"

namespace hotgraft {

Guards &Guards::instance() noexcept {
    // Built in place and never destroyed: threads may call until the process is gone.
    alignas(Guards) static unsigned char storage[sizeof(Guards)];
    static Guards *const guards = new (storage) Guards;
    return *guards;
}

Guards::Guards() noexcept : is_registered_(membarrier_register()) {
    watch_forks();
}

void Guards::barrier() noexcept {
    if (seam_.no_barrier.load(std::memory_order_relaxed)) {
        return;
    }
    // Without membarrier the cold path's seq_cst announcement and look pair with the seq_cst stores and loads of close
    // and scan; there is nothing to add.
    if (has_membarrier() && !membarrier_all()) {
        without_membarrier_.store(true,
                                  std::memory_order_relaxed); // taken away from us: never seen, handled all the same
    }
}

void Guards::set_wait_hooks(void *(*before)(), void (*after)(void *)) noexcept {
    const std::uint32_t next = 1 - hooks_index_.load(std::memory_order_relaxed);
    hooks_[next].before.store(before, std::memory_order_relaxed);
    hooks_[next].after.store(after, std::memory_order_relaxed);
    hooks_index_.store(next, std::memory_order_release); // pairs with wait_at()
}

bool Guards::is_held(const hotgraft_table *const *tables, std::size_t count) noexcept {
    if (seam_.no_drain.load(std::memory_order_relaxed)) {
        return false;
    }
    for (const ThreadRecord *record = records_.first(); record != nullptr; record = record->next_listed) {
        if (holds_any(*record, tables, count)) {
            return true;
        }
    }
    return false;
}

namespace {

HolderKind kind_of(const ThreadRecord &record, std::size_t index) noexcept {
    if (record.state.load(std::memory_order_acquire) == RecordState::kOrphaned) { // pairs with thread end
        return HolderKind::kThreadGone;
    }
    const bool is_in_force = __atomic_load_n(&record.hot.depth, __ATOMIC_RELAXED) > index;
    return is_in_force ? HolderKind::kInside : HolderKind::kJumpedOver;
}

void add_holders(const ThreadRecord &record, const hotgraft_table *table, std::vector<Holder> *found) {
    for (std::size_t i = 0; i < HOTGRAFT_RECORD_ENTRIES; ++i) {
        if (__atomic_load_n(&record.hot.entry[i], __ATOMIC_RELAXED) == table) {
            const std::int32_t tid = record.tid.load(std::memory_order_relaxed);
            const HolderKind kind = kind_of(record, i);
            found->push_back({tid,
                              kind == HolderKind::kThreadGone ? std::string() : thread_name(tid),
                              table,
                              table->generation,
                              {},
                              kind});
        }
    }
}

} // namespace

std::vector<Holder> Guards::holders(const std::vector<const hotgraft_table *> &tables) {
    std::vector<Holder> found;
    for (const ThreadRecord *record = records_.first(); record != nullptr; record = record->next_listed) {
        for (const hotgraft_table *table : tables) {
            add_holders(*record, table, &found);
        }
    }
    return found;
}

std::string describe(const std::vector<Holder> &holders) {
    std::string text;
    for (const Holder &holder : holders) {
        text += text.empty() ? "" : "; ";
        text += "thread " + std::to_string(holder.tid);
        text += holder.thread_name.empty() ? "" : " \"" + holder.thread_name + "\"";
        text += holder.kind == HolderKind::kThreadGone ? ", which ended inside a call," : "";
        text += holder.kind == HolderKind::kJumpedOver ? ", which jumped out of a call (longjmp)," : "";
        text += " holds " + (holder.slot.empty() ? std::string("a table") : holder.slot);
        text += " of generation " + std::to_string(holder.generation);
    }
    return text;
}

Status Guards::publish_open(Slot &slot, const hotgraft_table *next) noexcept {
    if (is_forked_child()) {
        return {Code::kForked,
                "publish in slot " + slot.name() + ": this is a forked child; the parent's table serves"};
    }
    note_use();
    {
        const ForkLockHold hold(fork_lock_);
        if (slot.is_gated()) {
            return {Code::kBusy, "publish in slot " + slot.name() + ": a swap has closed its gate; wait for that swap"};
        }
        slot.store(next, has_membarrier());
    }
    slot.wake();
    return {};
}

} // namespace hotgraft
