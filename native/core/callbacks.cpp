#include "callbacks.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "fallback.hpp"
#include "gate_block.hpp"
#include "generation_entry.hpp"
#include "guard.hpp"

namespace hotgraft {

namespace {

// The swap that the calling thread carries out; 0: none.
std::uint64_t swap_carried_out() noexcept {
    const ThreadRecord *const own = own_chain();
    return own == nullptr ? 0 : own->root->carries_out;
}

} // namespace

// --- what one generation offers ---

CallbackBook::CallbackBook(std::string folder, std::string plugin, std::uint64_t generation)
    : folder_(std::move(folder)), plugin_(std::move(plugin)), generation_(generation) {}

// Its library has left memory, or never was there: nobody is inside.
CallbackBook::~CallbackBook() {
    end_to_serve();
    for (const Offer &offer : offers_) {
        CallbackCells::instance().release(offer.number);
    }
}

void CallbackBook::belong_to(const Library *library) noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    library_ = library;
}

CallbackBook::Offer *CallbackBook::find(std::uint64_t number) noexcept {
    const auto found =
        std::find_if(offers_.begin(), offers_.end(), [number](const Offer &one) { return one.number == number; });
    return found == offers_.end() ? nullptr : &*found;
}

// Any of the tables that it had in turn: who entered before another self took the place of one is inside that one.
bool CallbackBook::is_any_held(std::uint64_t number) const noexcept {
    return std::any_of(tables_.begin(), tables_.end(), [number](const Made &one) {
        const hotgraft_table *const table = one.table->get();
        return one.number == number && Guards::instance().is_held(&table, 1);
    });
}

// What its slot holds while this serves. Of one that is lost a call-back is refused like any other call.
const hotgraft_table *CallbackBook::opens_on(const Offer &offer) const noexcept {
    const bool is_lost = is_lost_.load(std::memory_order_acquire); // pairs with note_lost()
    return offer.is_withdrawn ? nullptr : is_lost ? refusing_table() : offer.table;
}

// Any of the tables that it had in turn: what is offered anew while a swap has the book is not published before its
// end.
bool CallbackBook::is_in_its_slot(const Offer &offer) const noexcept {
    const hotgraft_table *const held = CallbackCells::instance().find(offer.number)->slot.held();
    const bool is_lost = is_lost_.load(std::memory_order_acquire); // pairs with note_lost()
    return std::any_of(tables_.begin(), tables_.end(),
                       [&](const Made &one) { return one.number == offer.number && one.table->get() == held; }) ||
           (is_lost && held != nullptr && held == refusing_table());
}

// For who carries out the swap that has the book, as the plugin's own quiesce does: nobody enters from here on, not
// even a thread of the plugin's that this quiesce is yet to join and that passes the gate. False: nobody may say that
// before the swap is over.
bool CallbackBook::empty_behind_gate(const Offer &offer) noexcept {
    const std::uint64_t swap = swap_carried_out();
    Slot &slot = CallbackCells::instance().find(offer.number)->slot;
    if (swap == 0 || !is_in_its_slot(offer)) {
        return swap != 0; // it was not open, and is not opened
    }
    if (is_opening_ || !slot.is_gated() || slot.gate()->swap() != swap) {
        return false;
    }
    slot.hold_behind_gate(nullptr);
    return true;
}

// Nobody can hold its tables any more.
void CallbackBook::drop(const Offer *offer) noexcept {
    const std::uint64_t number = offer->number;
    tables_.erase(
        std::remove_if(tables_.begin(), tables_.end(), [number](const Made &one) { return one.number == number; }),
        tables_.end());
    offers_.erase(offers_.begin() + (offer - offers_.data()));
    CallbackCells::instance().release(number);
}

// What it offers under a key already: then there is nothing to be made.
bool CallbackBook::is_same(const Offer &offer, std::uint32_t version, const void *functions,
                           const void *self) noexcept {
    constexpr std::size_t kFirstFunction = 8;
    std::uint32_t bytes = 0;
    std::uint32_t offered_bytes = 0;
    std::memcpy(&bytes, functions, sizeof bytes);
    std::memcpy(&offered_bytes, offer.table + 1, sizeof offered_bytes);
    return !offer.is_withdrawn && offer.table->version == version && offer.table->self == self &&
           offered_bytes == bytes &&
           std::memcmp(reinterpret_cast<const unsigned char *>(offer.table + 1) + kFirstFunction,
                       static_cast<const unsigned char *>(functions) + kFirstFunction, bytes - kFirstFunction) == 0;
}

const hotgraft_table *CallbackBook::make_table(std::uint64_t number, const void *functions, std::uint32_t version,
                                               void *self) {
    tables_.reserve(tables_.size() + 1);
    std::unique_ptr<Table> table = Table::make(functions, 0, version, generation_, self, 0, "call-back");
    if (table == nullptr) {
        throw std::bad_alloc();
    }
    tables_.push_back({number, std::move(table)});
    return tables_.back().table->get();
}

std::uint64_t CallbackBook::offer(const std::string &instance, const char *key, std::uint32_t version,
                                  const void *functions, void *self) noexcept {
    std::uint64_t number = 0;
    (void)or_no_memory([&]() -> Status {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (library_ == nullptr || key == nullptr || !check_interface(*library_, key, functions, 0).is_ok()) {
            return {};
        }
        offers_.reserve(offers_.size() + 1);
        const std::uint64_t taken = CallbackCells::instance().take({folder_, plugin_, instance, key});
        if (taken == 0) {
            return {};
        }
        if (const Offer *const same = find(taken); same != nullptr && is_same(*same, version, functions, self)) {
            CallbackCells::instance().release(taken); // it has one already
            number = taken;
            return {};
        }
        const hotgraft_table *table = nullptr;
        try {
            table = make_table(taken, functions, version, self);
        } catch (const std::bad_alloc &) {
            CallbackCells::instance().release(taken);
            throw;
        }
        CallbackCell *const cell = CallbackCells::instance().find(taken);
        Offer *known = find(taken);
        const Offer fresh{taken, table, false};
        if (known != nullptr) {
            CallbackCells::instance().release(taken); // it has one already
            *known = fresh;
        } else {
            offers_.push_back(fresh);
            if (stage_ == Stage::kCandidate) {
                cell->coming.fetch_add(1, std::memory_order_relaxed);
            }
        }
        if (stage_ == Stage::kServing) {
            (void)Guards::instance().publish_open(cell->slot, opens_on(fresh));
        }
        number = taken;
        return {};
    });
    return number;
}

hotgraft_status CallbackBook::withdraw(std::uint64_t number) noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    Offer *const offer = find(number);
    if (offer == nullptr) {
        return HOTGRAFT_E_INVALID;
    }
    offer->is_withdrawn = true;
    CallbackCell *const cell = CallbackCells::instance().find(number);
    if (stage_ == Stage::kLeaving) {
        // The swap decides what its slot holds next, and does not open it on this table. The offer goes when it is
        // over.
        if (!empty_behind_gate(*offer)) {
            return HOTGRAFT_AGAIN;
        }
        Guards::instance().barrier(); // M1
        return is_any_held(number) ? HOTGRAFT_AGAIN : HOTGRAFT_OK;
    }
    if (stage_ == Stage::kServing && is_in_its_slot(*offer)) {
        (void)Guards::instance().publish_open(cell->slot, nullptr);
    }
    Guards::instance().barrier(); // M1
    if (is_arriving_ || is_any_held(number)) {
        return HOTGRAFT_AGAIN;
    }
    if (stage_ == Stage::kCandidate) {
        cell->coming.fetch_sub(1, std::memory_order_relaxed);
    }
    drop(offer);
    return HOTGRAFT_OK;
}

void CallbackBook::set_coming(bool is_coming) noexcept {
    for (const Offer &offer : offers_) {
        CallbackCell *const cell = CallbackCells::instance().find(offer.number);
        is_coming ? cell->coming.fetch_add(1, std::memory_order_relaxed)
                  : cell->coming.fetch_sub(1, std::memory_order_relaxed);
    }
}

void CallbackBook::publish_all() noexcept {
    for (const Offer &offer : offers_) {
        CallbackCell *const cell = CallbackCells::instance().find(offer.number);
        const hotgraft_table *const next = opens_on(offer);
        if (cell->slot.held() != next) {
            (void)Guards::instance().publish_open(cell->slot, next);
        }
    }
}

void CallbackBook::begin_to_serve() noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    is_arriving_ = false;
    if (stage_ == Stage::kServing) {
        return;
    }
    publish_all();
    if (stage_ == Stage::kCandidate) {
        set_coming(false);
    }
    stage_ = Stage::kServing;
}

void CallbackBook::end_to_serve() noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (stage_ == Stage::kReplaced) {
        return;
    }
    if (stage_ == Stage::kCandidate) {
        set_coming(false);
    }
    stage_ = Stage::kReplaced;
    for (const Offer &offer : offers_) {
        Slot &slot = CallbackCells::instance().find(offer.number)->slot;
        if (is_in_its_slot(offer)) { // else a swap has let it lead to what follows
            (void)Guards::instance().publish_open(slot, nullptr);
        }
    }
}

std::vector<std::uint64_t> CallbackBook::begin_to_leave() {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::vector<std::uint64_t> open;
    if (stage_ == Stage::kServing) {
        for (const Offer &offer : offers_) {
            if (!offer.is_withdrawn) {
                open.push_back(offer.number);
            }
        }
        stage_ = Stage::kLeaving;
        is_opening_ = false;
    }
    return open;
}

void CallbackBook::stay() noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (stage_ == Stage::kLeaving) {
        stage_ = Stage::kServing;
        publish_all(); // what was offered meanwhile
    }
}

void CallbackBook::hold_offered() noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    is_opening_ = true;
    for (const Offer &offer : offers_) {
        Slot &slot = CallbackCells::instance().find(offer.number)->slot;
        if (slot.is_gated() && slot.held() != opens_on(offer)) {
            slot.hold_behind_gate(opens_on(offer));
        }
    }
}

void CallbackBook::renew() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (stage_ != Stage::kReplaced) {
        return;
    }
    for (Offer &offer : offers_) {
        offer.table = make_table(offer.number, offer.table + 1, offer.table->version, offer.table->self);
    }
}

const hotgraft_table *CallbackBook::arrive(std::uint64_t number) noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    is_arriving_ = true;
    const Offer *const found = find(number);
    return found == nullptr || found->is_withdrawn ? nullptr : found->table;
}

void CallbackBook::not_to_serve() noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    is_arriving_ = false;
}

void CallbackBook::append_tables(std::vector<const hotgraft_table *> *tables) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const Made &one : tables_) {
        tables->push_back(one.table->get());
    }
}

} // namespace hotgraft
