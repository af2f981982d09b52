// Telling plugins what becomes of the providers that they import (notify.h).
//
// A swap tells those that import what it replaces: before it closes a gate, and when its gates are open again. What is
// told is what the slots hold, compared with what each instance knows, so that one which missed something (it was being
// replaced, held, or busy) is told later, and two changes as one.
//
// What it does not do: hold up a swap for longer than its limit, or tell what a fallback answers.
#ifndef HOTGRAFT_CORE_NOTIFY_HPP
#define HOTGRAFT_CORE_NOTIFY_HPP

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include <hotgraft/notify.h>

#include "library.hpp"
#include "slot.hpp"
#include "status.hpp"

namespace hotgraft {

class Generation;
struct SwapRequest;

// A copy of its notify extension; all nullptr when it has none.
struct NotifyFunctions {
    decltype(hotgraft_ext_notify::prepare) prepare = nullptr;
    decltype(hotgraft_ext_notify::changed) changed = nullptr;
    decltype(hotgraft_ext_notify::called_off) called_off = nullptr;

    [[nodiscard]] bool is_any() const noexcept {
        return prepare != nullptr || changed != nullptr || called_off != nullptr;
    }
};

// Check what get_extension(HOTGRAFT_EXT_NOTIFY) answered. Runs no plugin code.
[[nodiscard]] Status read_notify_functions(const Library &library, const void *answer, NotifyFunctions *out);

// What one instance was told of its imports.
//
// Thread safety
//   Any thread. No function of the plugin is called with mutex_ held.
//
// Invariants
//   (1) One thread at a time is inside a function of the instance; who finds it busy leaves what is owed to that one.
//   (2) is_prepared: prepare was called, and neither changed nor called_off since.
class Notices {
public:
    // What is about to be published in a slot.
    struct Coming {
        const Slot *slot = nullptr;
        std::uint64_t generation = 0; // 0: nothing
        std::uint32_t version = 0;
        bool is_rollback = false;
    };

    Notices(NotifyFunctions functions, std::size_t imports) : functions_(functions) { lines_.reserve(imports); }
    Notices(const Notices &) = delete;
    Notices &operator=(const Notices &) = delete;

    // Before create, for each import that is bound: what it leads to now is what the instance will know.
    void know(const char *import, const Slot &slot);
    // Once, after create and before anybody else can reach it.
    void belong_to(hotgraft_instance *instance) noexcept { instance_ = instance; }

    // Whether prepare is to be called for one of these; not while another function of the instance has not returned.
    [[nodiscard]] bool wants(const std::vector<Coming> &coming) const;
    // Whether anything is owed, once `coming` is over: nothing is where the thread that is inside will tell it.
    [[nodiscard]] bool owe(const std::vector<Coming> &coming);
    // The same for what was missed, whatever slot it is of.
    [[nodiscard]] bool owe_missed();
    // It cannot be told now: what it was prepared for is owed.
    void defer(const std::vector<Coming> &coming);

    // On the thread of a notice: what is owed, then prepare for each of these. `goes_on` is asked before each of the
    // plugin's functions, with mutex_ held: false leaves the rest, which is still owed then.
    using GoesOn = std::function<bool()>;
    void prepare(const std::vector<Coming> &coming, const GoesOn &goes_on = always);
    void tell(const GoesOn &goes_on = always) { prepare({}, goes_on); }

private:
    struct Line {
        const char *import;
        const Slot *slot;
        std::uint64_t generation; // that the instance knows
        std::uint32_t version;
        bool is_prepared = false;
        bool is_owed = false;
    };
    using Function = decltype(hotgraft_ext_notify::changed);

    static const Coming *find(const std::vector<Coming> &coming, const Line &line) noexcept;
    [[nodiscard]] bool is_any_owed() const noexcept;
    static bool always() noexcept { return true; }
    void tell_owed(std::unique_lock<std::mutex> &lock, const GoesOn &goes_on);
    void call(std::unique_lock<std::mutex> &lock, Function function, const hotgraft_change &change);

    const NotifyFunctions functions_;
    hotgraft_instance *instance_ = nullptr;
    mutable std::mutex mutex_; // everything below
    std::vector<Line> lines_;
    bool is_busy_ = false;
};

// Note that instances of it want to be told. Once, before its first instance. Throws where there is no memory.
void list_consumer(const std::shared_ptr<Generation> &generation);

// A swap is about to close its gates: tell who imports what it replaces and is no part of it. Returns how long that
// took, which its callers did not wait for.
[[nodiscard]] std::int64_t tell_prepare(const SwapRequest &request) noexcept;
// Its gates are open again: tell them, and who serves since, what came of it.
void tell_outcome(const SwapRequest &request) noexcept;
// A generation serves from now on: tell it what changed since its instances were made.
void tell_missed(const std::shared_ptr<Generation> &generation) noexcept;

} // namespace hotgraft

#endif // HOTGRAFT_CORE_NOTIFY_HPP
