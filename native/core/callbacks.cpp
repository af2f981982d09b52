#include "callbacks.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <new>
#include <tuple>
#include <utility>

#include "generation.hpp"
#include "generation_entry.hpp"
#include "guard.hpp"
#include "services.hpp"
#include "swap.hpp"

namespace hotgraft {

namespace {

constexpr std::size_t kMostCells = 16'384;

bool operator<(const CallbackKey &a, const CallbackKey &b) {
    return std::tie(a.folder, a.plugin, a.instance, a.key) < std::tie(b.folder, b.plugin, b.instance, b.key);
}

struct IsBefore {
    bool operator()(const CallbackKey &a, const CallbackKey &b) const { return a < b; }
};

// All cells of the process. Never destroyed: a plugin's thread may call back while the process ends.
//
// Thread safety: any thread; find() takes no lock.
//
// Invariants
//   (1) A cell's serial grows before the cell is used again, and a table is published in it only after that.
//   (2) A cell without an offer is in free_ and its slot holds no table.
class Cells {
public:
    static Cells &instance() noexcept {
        alignas(Cells) static unsigned char storage[sizeof(Cells)];
        static Cells *const cells = new (storage) Cells();
        return *cells;
    }

    // nullptr: the number is of another use of its cell, or none.
    [[nodiscard]] CallbackCell *find(std::uint64_t number) const noexcept {
        const std::uint64_t place = (number & 0xffffffff) - 1;
        CallbackCell *const cell =
            place < kMostCells ? cells_[place].load(std::memory_order_acquire) : nullptr; // pairs with add()
        return cell != nullptr && is_of(*cell, number) ? cell : nullptr;
    }

    static bool is_of(const CallbackCell &cell, std::uint64_t number) noexcept {
        return cell.serial.load(std::memory_order_seq_cst) == number >> 32; // pairs with release()
    }

    // The number of a key, with one offer more in it; 0: too many.
    [[nodiscard]] std::uint64_t take(const CallbackKey &key) {
        const std::lock_guard<std::mutex> lock(mutex_);
        const auto found = numbers_.find(key);
        const std::uint64_t number = found != numbers_.end() ? found->second : add(key);
        if (number != 0) {
            cell_of(number).offers += 1;
        }
        return number;
    }

    // One offer less.
    void release(std::uint64_t number) noexcept {
        const std::lock_guard<std::mutex> lock(mutex_);
        CallbackCell &cell = cell_of(number);
        cell.offers -= 1;
        if (cell.offers != 0) {
            return;
        }
        for (auto one = numbers_.begin(); one != numbers_.end(); ++one) {
            if (one->second == number) {
                numbers_.erase(one);
                break;
            }
        }
        cell.serial.fetch_add(1, std::memory_order_seq_cst);              // pairs with is_of()
        free_.push_back(static_cast<std::uint32_t>(number & 0xffffffff)); // there is room: see add()
    }

private:
    CallbackCell &cell_of(std::uint64_t number) const noexcept {
        return *cells_[(number & 0xffffffff) - 1].load(std::memory_order_relaxed);
    }

    std::uint64_t add(const CallbackKey &key) {
        if (free_.empty()) {
            if (count_ == kMostCells) {
                return 0;
            }
            free_.reserve(count_ + 1);
            cells_[count_].store(new CallbackCell(), std::memory_order_release); // pairs with find()
            count_ += 1;
            free_.push_back(static_cast<std::uint32_t>(count_));
        }
        const std::uint64_t place = free_.back();
        const std::uint64_t serial = cells_[place - 1].load(std::memory_order_relaxed)->serial.load();
        const std::uint64_t number = serial << 32 | place;
        numbers_.emplace(key, number);
        free_.pop_back();
        return number;
    }

    std::atomic<CallbackCell *> cells_[kMostCells] = {};
    mutable std::mutex mutex_; // everything below, and the cells' counts of offers
    std::map<CallbackKey, std::uint64_t, IsBefore> numbers_;
    std::vector<std::uint32_t> free_; // places, from 1
    std::size_t count_ = 0;
};

std::atomic<bool> finds_none_in_swaps{false};

bool carries_out_a_swap() noexcept {
    const ThreadRecord *const own = own_chain();
    return own != nullptr && own->root->carries_out != 0;
}

} // namespace

// --- what one generation offers ---

CallbackBook::CallbackBook(std::string folder, std::string plugin, std::uint64_t generation)
    : folder_(std::move(folder)), plugin_(std::move(plugin)), generation_(generation) {}

// Its library has left memory, or never was there: nobody is inside.
CallbackBook::~CallbackBook() {
    end_to_serve();
    for (const Offer &offer : offers_) {
        Cells::instance().release(offer.number);
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

void CallbackBook::drop(const Offer *offer) noexcept {
    const std::uint64_t number = offer->number;
    offers_.erase(offers_.begin() + (offer - offers_.data()));
    Cells::instance().release(number);
}

const hotgraft_table *CallbackBook::make_table(const void *functions, std::uint32_t version, void *self) {
    tables_.reserve(tables_.size() + 1);
    std::unique_ptr<Table> table = Table::make(functions, 0, version, generation_, self, 0, "call-back");
    if (table == nullptr) {
        throw std::bad_alloc();
    }
    tables_.push_back(std::move(table));
    return tables_.back()->get();
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
        const hotgraft_table *const table = make_table(functions, version, self);
        const std::uint64_t taken = Cells::instance().take({folder_, plugin_, instance, key});
        if (taken == 0) {
            return {};
        }
        CallbackCell *const cell = Cells::instance().find(taken);
        Offer *known = find(taken);
        if (known != nullptr) {
            Cells::instance().release(taken); // it has one already
            *known = {taken, table, false};
        } else {
            offers_.push_back({taken, table, false});
            if (stage_ == Stage::kCandidate) {
                cell->coming.fetch_add(1, std::memory_order_relaxed);
            }
        }
        if (stage_ == Stage::kServing) {
            (void)Guards::instance().publish_open(cell->slot, table);
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
    CallbackCell *const cell = Cells::instance().find(number);
    if (stage_ == Stage::kLeaving) {
        // The swap decides what its slot holds next, and does not open it on this table. From the plugin's own quiesce
        // it is plain that nobody is inside; from elsewhere it is not, until the swap is over.
        return carries_out_a_swap() ? HOTGRAFT_OK : HOTGRAFT_AGAIN;
    }
    if (stage_ == Stage::kServing && cell->slot.held() == offer->table) {
        (void)Guards::instance().publish_open(cell->slot, nullptr);
    }
    Guards::instance().barrier(); // M1
    if (Guards::instance().is_held(&offer->table, 1)) {
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
        CallbackCell *const cell = Cells::instance().find(offer.number);
        is_coming ? cell->coming.fetch_add(1, std::memory_order_relaxed)
                  : cell->coming.fetch_sub(1, std::memory_order_relaxed);
    }
}

void CallbackBook::publish_all() noexcept {
    for (const Offer &offer : offers_) {
        CallbackCell *const cell = Cells::instance().find(offer.number);
        const hotgraft_table *const next = offer.is_withdrawn ? nullptr : offer.table;
        if (cell->slot.held() != next) {
            (void)Guards::instance().publish_open(cell->slot, next);
        }
    }
}

void CallbackBook::begin_to_serve() noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
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
        Slot &slot = Cells::instance().find(offer.number)->slot;
        if (slot.held() == offer.table) { // closed: a swap lets it lead to what follows
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

void CallbackBook::hold_withdrawn() noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const Offer &offer : offers_) {
        Slot &slot = Cells::instance().find(offer.number)->slot;
        if (offer.is_withdrawn && slot.is_gated() && slot.held() == offer.table) {
            slot.hold_behind_gate(nullptr);
        }
    }
}

void CallbackBook::renew() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (stage_ != Stage::kReplaced) {
        return;
    }
    for (Offer &offer : offers_) {
        offer.table = make_table(offer.table + 1, offer.table->version, offer.table->self);
    }
}

const hotgraft_table *CallbackBook::table_of(std::uint64_t number) const noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found =
        std::find_if(offers_.begin(), offers_.end(), [number](const Offer &one) { return one.number == number; });
    return found == offers_.end() || found->is_withdrawn ? nullptr : found->table;
}

void CallbackBook::append_tables(std::vector<const hotgraft_table *> *tables) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const std::unique_ptr<Table> &table : tables_) {
        tables->push_back(table->get());
    }
}

// --- a swap ---

SwapCallbacks::SwapCallbacks(const SwapRequest &request) : request_(request) {
    if (finds_none_in_swaps.load(std::memory_order_relaxed)) {
        return;
    }
    try {
        for (const SwapMember &member : request.members) {
            if (member.is_recalled) {
                member.next->callbacks().renew();
            }
            for (const std::uint64_t number : member.old_generation->callbacks().begin_to_leave()) {
                slots_.push_back(&Cells::instance().find(number)->slot);
                moved_.push_back({&member.next->callbacks(), number});
            }
        }
    } catch (const std::bad_alloc &) {
        let_stay();
        throw;
    }
}

SwapCallbacks::~SwapCallbacks() {
    if (!is_published_) {
        let_stay();
    }
}

void SwapCallbacks::let_stay() const noexcept {
    for (const SwapMember &member : request_.members) {
        member.old_generation->callbacks().stay();
    }
}

void SwapCallbacks::append_next(std::vector<const hotgraft_table *> *next) const {
    for (const Moved &one : moved_) {
        next->push_back(one.next->table_of(one.number));
    }
}

void SwapCallbacks::hold_withdrawn() const noexcept {
    for (const SwapMember &member : request_.members) {
        member.old_generation->callbacks().hold_withdrawn();
    }
}

void SwapCallbacks::set_seam(bool finds_none) noexcept {
    finds_none_in_swaps.store(finds_none, std::memory_order_relaxed);
}

// --- what plugins are given ---

namespace {

std::uint64_t offer(hotgraft_ctx *ctx, const char *key, std::uint32_t version, const void *functions,
                    void *self) noexcept {
    Services &services = Services::of(ctx);
    return services.books.callbacks.offer(services.source.instance, key, version, functions, self);
}

hotgraft_status withdraw(hotgraft_ctx *ctx, std::uint64_t number) noexcept {
    return Services::of(ctx).books.callbacks.withdraw(number);
}

// The number is looked at once more under the guard: between the two the cell may have come to be another's.
const hotgraft_table *enter(hotgraft_ctx *, std::uint64_t number) noexcept {
    CallbackCell *const cell = Cells::instance().find(number);
    const hotgraft_table *const table = cell == nullptr ? nullptr : Guards::instance().enter(cell->slot);
    if (table != nullptr && !Cells::is_of(*cell, number)) {
        Guards::instance().leave(table);
        return nullptr;
    }
    return table;
}

std::int32_t is_over(hotgraft_ctx *, std::uint64_t number) noexcept {
    const CallbackCell *const cell = Cells::instance().find(number);
    const bool is_there = cell != nullptr && (cell->slot.held() != nullptr || cell->slot.is_gated() ||
                                              cell->coming.load(std::memory_order_relaxed) != 0);
    return is_there ? 0 : 1;
}

std::uint64_t lease_to(hotgraft_ctx *ctx, const char *holder, const char *why) noexcept {
    Services &services = Services::of(ctx);
    return services.books.leases.add(services.source.instance, why, holder);
}

} // namespace

const hotgraft_ext_callbacks kCallbacks = {
    sizeof(hotgraft_ext_callbacks), 0, offer, withdraw, enter, is_over, lease_to};

} // namespace hotgraft
