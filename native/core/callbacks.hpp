// Call-backs from plugin to plugin (callbacks.h): numbers that lead to slots, and what a generation offers in them.
//
// A call-back is a table in a slot like any other, so a swap gates, drains and publishes it with the plugin's own. The
// cells that hold the slots are used again and never freed: a number says which use of a cell it means, so one that is
// over leads nowhere, whenever it is used.
//
// What it does not do: ask what whoever is called back does, or know who holds a number.
#ifndef HOTGRAFT_CORE_CALLBACKS_HPP
#define HOTGRAFT_CORE_CALLBACKS_HPP

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <hotgraft/callbacks.h>

#include "callback_cells.hpp"
#include "library.hpp"
#include "slot.hpp"
#include "table.hpp"

namespace hotgraft {

struct SwapMember;
struct SwapRequest;

extern const hotgraft_ext_callbacks kCallbacks; // what plugins are given

// What one generation offers.
//
// Thread safety
//   Any thread. Slots are published with mutex_ held; a swap's gates are not closed or opened with it.
//
// Invariants
//   (1) While kServing, the slot of every offer that was not withdrawn holds its table, or a swap has closed it.
//   (2) While kLeaving nothing is published: the swap has listed what there is.
//   (3) A table lives as long as this; who may hold one is asked with the generation's others.
class CallbackBook {
public:
    CallbackBook(std::string folder, std::string plugin, std::uint64_t generation);
    CallbackBook(const CallbackBook &) = delete;
    CallbackBook &operator=(const CallbackBook &) = delete;
    ~CallbackBook();

    // Between map and the end of the library; what it offers must lie there.
    void belong_to(const Library *library) noexcept;

    // As in callbacks.h.
    [[nodiscard]] std::uint64_t offer(const std::string &instance, const char *key, std::uint32_t version,
                                      const void *functions, void *self) noexcept;
    [[nodiscard]] hotgraft_status withdraw(std::uint64_t number) noexcept;

    void begin_to_serve() noexcept;
    void end_to_serve() noexcept; // replaced, closed or failed
    // Nothing of the generation may be called any more: from the next change on its slots hold what refuses.
    void note_lost() noexcept { is_lost_.store(true, std::memory_order_release); } // pairs with opens_on()

    // --- for a swap or a moment at rest, to which these belong between begin_to_leave() and the end of it ---
    [[nodiscard]] std::vector<std::uint64_t> begin_to_leave(); // numbers of what is open
    void stay() noexcept;                                      // called off, and the gates are open again
    void hold_offered() noexcept; // called off, before the gates open: they open on what is offered by now
    void renew();                 // it is to serve again: every publish has tables of its own
    // What the slot is to hold once this serves, nullptr: it is not offered. Until then nothing that was offered is
    // dropped: begin_to_serve() is to follow, or not_to_serve().
    [[nodiscard]] const hotgraft_table *arrive(std::uint64_t number) noexcept;
    void not_to_serve() noexcept;

    void append_tables(std::vector<const hotgraft_table *> *tables) const;

private:
    enum class Stage { kCandidate, kServing, kLeaving, kReplaced };
    struct Offer {
        std::uint64_t number = 0;
        const hotgraft_table *table = nullptr;
        bool is_withdrawn = false;
    };

    struct Made {
        std::uint64_t number = 0;
        std::unique_ptr<Table> table;
    };

    Offer *find(std::uint64_t number) noexcept;
    [[nodiscard]] bool is_any_held(std::uint64_t number) const noexcept;
    [[nodiscard]] const hotgraft_table *opens_on(const Offer &offer) const noexcept;
    [[nodiscard]] bool is_in_its_slot(const Offer &offer) const noexcept;
    [[nodiscard]] bool empty_behind_gate(const Offer &offer) noexcept;
    void drop(const Offer *offer) noexcept;
    void set_coming(bool is_coming) noexcept;
    void publish_all() noexcept;
    const hotgraft_table *make_table(std::uint64_t number, const void *functions, std::uint32_t version, void *self);
    static bool is_same(const Offer &offer, std::uint32_t version, const void *functions, const void *self) noexcept;

    const std::string folder_;
    const std::string plugin_;
    const std::uint64_t generation_;
    std::atomic<bool> is_lost_{false};
    mutable std::mutex mutex_; // everything below
    const Library *library_ = nullptr;
    Stage stage_ = Stage::kCandidate;
    bool is_arriving_ = false; // a swap is about to publish what it offers
    bool is_opening_ = false;  // kLeaving: the gates are about to open, and their slots are not to be touched
    std::vector<Offer> offers_;
    std::vector<Made> tables_; // those of before too
};

// What a generation offers while it is made to hold still and then goes on: its slots are closed with its others.
class HeldCallbacks {
public:
    explicit HeldCallbacks(CallbackBook &book);
    ~HeldCallbacks() { book_.stay(); } // the gates are open again
    HeldCallbacks(const HeldCallbacks &) = delete;
    HeldCallbacks &operator=(const HeldCallbacks &) = delete;

    [[nodiscard]] const std::vector<Slot *> &slots() const noexcept { return slots_; }
    void hold_offered() const noexcept { book_.hold_offered(); }

private:
    CallbackBook &book_;
    std::vector<Slot *> slots_;
};

// The call-backs of one swap: the slots that are closed and opened with those of its request.
class SwapCallbacks {
public:
    // What the old generations offer is this swap's from now on.
    explicit SwapCallbacks(const SwapRequest &request);
    ~SwapCallbacks(); // where nothing was published, they offer on
    SwapCallbacks(const SwapCallbacks &) = delete;
    SwapCallbacks &operator=(const SwapCallbacks &) = delete;

    [[nodiscard]] std::size_t count() const noexcept { return slots_.size(); }
    [[nodiscard]] const std::vector<Slot *> &slots() const noexcept { return slots_; }
    [[nodiscard]] bool is_of(std::size_t slot, const SwapMember &member) const noexcept; // the one at that place
    // Tell the request of them: whoever made it did not know of any.
    void add_to(SwapRequest *request) const noexcept;
    // What those of one member hold now.
    void append_held(const SwapMember &member, std::vector<const hotgraft_table *> *tables) const;
    // What each is to hold, in that order.
    void append_next(std::vector<const hotgraft_table *> *next) const;
    void hold_offered() const noexcept;
    void note_published() noexcept { is_published_ = true; }

    // A seam for the control "call-backs are no part of a swap": none are found.
    static void set_seam(bool finds_none) noexcept;

private:
    struct Moved {
        CallbackBook *next;
        std::uint64_t number;
    };
    void let_stay() const noexcept;

    const SwapRequest &request_;
    std::vector<Slot *> slots_;
    std::vector<Moved> moved_; // by slot
    bool is_published_ = false;
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_CALLBACKS_HPP
