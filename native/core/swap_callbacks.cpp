// The call-backs of one swap: their slots, and what those hold next.
#include <new>

#include "callbacks.hpp"
#include "generation.hpp"
#include "swap.hpp"

namespace hotgraft {

namespace {

std::atomic<bool> finds_none_in_swaps{false};

} // namespace

HeldCallbacks::HeldCallbacks(CallbackBook &book) : book_(book) {
    try {
        for (const std::uint64_t number : book.begin_to_leave()) {
            slots_.push_back(&CallbackCells::instance().find(number)->slot);
        }
    } catch (const std::bad_alloc &) {
        book.stay();
        throw;
    }
}

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
                slots_.push_back(&CallbackCells::instance().find(number)->slot);
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
        member.next->callbacks().not_to_serve();
        member.old_generation->callbacks().stay();
    }
}

bool SwapCallbacks::is_of(std::size_t slot, const SwapMember &member) const noexcept {
    return moved_[slot].next == &member.next->callbacks();
}

void SwapCallbacks::append_held(const SwapMember &member, std::vector<const hotgraft_table *> *tables) const {
    for (std::size_t i = 0; i < slots_.size(); ++i) {
        const hotgraft_table *const held = slots_[i]->held();
        if (held != nullptr && is_of(i, member)) {
            tables->push_back(held);
        }
    }
}

void SwapCallbacks::append_next(std::vector<const hotgraft_table *> *next) const {
    for (const Moved &one : moved_) {
        next->push_back(one.next->arrive(one.number));
    }
}

void SwapCallbacks::add_to(SwapRequest *request) const noexcept {
    if (count() == 0) {
        return;
    }
    request->members.front().callbacks = count();
    for (SwapMember &member : request->members) {
        // There may have been no gate so far. Behind one the old instance is quiesced, which it must not be while pins
        // are open on it.
        if (member.pins == PinRule::kAny && !member.leaves_undrained && !member.leaves_unquiesced) {
            member.pins = PinRule::kLeave;
        }
    }
}

void SwapCallbacks::hold_offered() const noexcept {
    for (const SwapMember &member : request_.members) {
        member.old_generation->callbacks().hold_offered();
    }
}

void SwapCallbacks::set_seam(bool finds_none) noexcept {
    finds_none_in_swaps.store(finds_none, std::memory_order_relaxed);
}

} // namespace hotgraft
