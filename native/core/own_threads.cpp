#include "own_threads.hpp"

#include <algorithm>
#include <vector>

#include "control.hpp"
#include "guard.hpp"
#include "services.hpp"

namespace hotgraft {

namespace {

constexpr std::uint64_t kFurther = std::uint64_t{1} << 63; // not the first record of its thread

std::uint64_t load(const ThreadRecord &record) noexcept {
    return record.registered_by.load(std::memory_order_seq_cst); // pairs with set_all() and the end of a thread
}

void set_all(std::uint64_t number) noexcept {
    for (ThreadRecord *record = own_chain(); record != nullptr; record = record->older) {
        const std::uint64_t further = record == record->root || number == 0 ? 0 : kFurther;
        record->registered_by.store(number | further, std::memory_order_seq_cst); // pairs with load()
    }
}

bool is_control_thread() noexcept {
    return or_no_memory([]() -> Status {
               const std::vector<int> control = ControlThread::thread_ids();
               const bool is_one = std::find(control.begin(), control.end(), thread_id()) != control.end();
               return is_one ? Status(Code::kInvalid, "") : Status();
           }).code() == Code::kInvalid;
}

template <class IsIts> std::string describe_if(const IsIts &is_its) {
    std::string text;
    for (const ThreadRecord *record = Guards::instance().records().first(); record != nullptr;
         record = record->next_listed) {
        const std::uint64_t number = load(*record);
        if ((number & kFurther) == 0 && number != 0 && is_its(ThreadOwner(number))) {
            const std::int32_t tid = record->tid.load(std::memory_order_relaxed);
            const std::string name = thread_name(tid);
            text += (text.empty() ? "thread " : ", thread ") + std::to_string(tid);
            text += name.empty() ? "" : " \"" + name + "\"";
        }
    }
    return text;
}

hotgraft_status register_thread(hotgraft_ctx *ctx) noexcept {
    return register_own_thread(Services::of(ctx).thread_owner);
}

hotgraft_status unregister_thread(hotgraft_ctx *ctx) noexcept {
    return unregister_own_thread(Services::of(ctx).thread_owner);
}

std::uint64_t count(hotgraft_ctx *ctx) noexcept {
    return count_own_threads(Services::of(ctx).thread_owner);
}

} // namespace

const hotgraft_ext_threads kThreads = {sizeof(hotgraft_ext_threads), 0, register_thread, unregister_thread, count};

std::uint64_t ThreadOwner::next_generation() noexcept {
    static std::atomic<std::uint64_t> given{0};
    return given.fetch_add(1, std::memory_order_relaxed) + 1;
}

ThreadOwner owner_of(const ThreadRecord &record) noexcept {
    return ThreadOwner(load(record) & ~kFurther);
}

void copy_registration(const ThreadRecord &root, ThreadRecord *further) noexcept {
    const ThreadOwner owner = owner_of(root);
    further->registered_by.store(owner.is_anybody() ? owner.number() | kFurther : 0, std::memory_order_seq_cst);
}

hotgraft_status register_own_thread(ThreadOwner owner) noexcept {
    Guards &guards = Guards::instance();
    const ThreadRecord *const record = own_place(guards.records());
    if (record == nullptr) {
        return HOTGRAFT_E_NOMEM;
    }
    const bool is_its_own = !owner_of(*record).is_anybody() && !guards.calling_thread_holds_any() &&
                            record->root->carries_out == 0 && !is_control_thread();
    if (!is_its_own) {
        return HOTGRAFT_E_INVALID;
    }
    set_all(owner.number());
    return HOTGRAFT_OK;
}

hotgraft_status unregister_own_thread(ThreadOwner owner) noexcept {
    const ThreadRecord *const record = own_chain();
    if (record == nullptr || owner_of(*record).number() != owner.number()) {
        return HOTGRAFT_E_INVALID;
    }
    set_all(0);
    return HOTGRAFT_OK;
}

std::uint64_t count_own_threads(ThreadOwner owner) noexcept {
    std::uint64_t found = 0;
    for (const ThreadRecord *record = Guards::instance().records().first(); record != nullptr;
         record = record->next_listed) {
        found += load(*record) == owner.number() ? 1 : 0; // further ones are marked: each thread is found once
    }
    return found;
}

std::string describe_own_threads(ThreadOwner owner) {
    return describe_if([owner](ThreadOwner it) { return it.number() == owner.number(); });
}

std::string describe_own_threads_of(std::uint64_t generation) {
    return describe_if([generation](ThreadOwner it) { return it.generation() == generation; });
}

} // namespace hotgraft
