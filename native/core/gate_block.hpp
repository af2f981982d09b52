// What the threads that meet a closed gate need to know of the swap behind it: its number and the old tables of its
// set.
//
// A waiting thread may look at a block while the swap ends, so blocks are listed for ever and used again, as records
// are. A reader takes the number, reads, acts, and compares the number again: if it moved, what was read counts for
// nothing.
//
// Thread safety
//   claim(): any thread. fill(), finish(): the swap, under the fork lock. set_stage(): whoever carries the swap out.
//   The rest: any thread.
//
// Invariants
//   (1) swap() is 0 unless a slot may be closed on account of this block. Numbers are never used twice.
//   (2) What fill() writes is complete before the number is, and the number before any slot is closed.
//   (3) A member's stage is one word with the number: a thread that was left behind by a swap that is over, or by the
//   one
//       before, changes nothing.
#ifndef HOTGRAFT_CORE_GATE_BLOCK_HPP
#define HOTGRAFT_CORE_GATE_BLOCK_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "slot.hpp"

namespace hotgraft {

// A plugin of the set whose quiesce joins the threads it registered (model rule M11), and its old tables.
struct GateMember {
    std::uint64_t generation = 0; // ThreadOwner::generation()
    std::string label;            // for messages: "gain: generation 3"
    std::size_t quiesces = 0;     // how many of its instances are to come to rest
    std::vector<const hotgraft_table *> tables;
};

enum class MemberStage : std::uint64_t {
    kServes,    // its threads pass, and so do those of the other members
    kTurnsAway, // it comes to rest: its own threads pass, those of others only if they are inside of it (M12)
    kRests,     // nobody's thread enters
    kNoneAtAll, // no such member, or not of that swap
};

class GateBlock {
public:
    static constexpr std::uint32_t kNobody = UINT32_MAX;

    [[nodiscard]] std::uint64_t swap() const noexcept {
        return swap_.load(std::memory_order_acquire); // pairs with fill() and finish()
    }
    // Is `table` an old table of this swap's set? Compares addresses, never looks inside: `table` may be gone.
    [[nodiscard]] bool holds(const hotgraft_table *table) const noexcept;

    // `member_of`: of each table, in its order.
    void fill(std::uint64_t swap, const std::vector<Slot *> &slots, const std::vector<const hotgraft_table *> &tables,
              const std::vector<GateMember> &members, const std::vector<std::uint32_t> &member_of,
              const std::vector<std::uint64_t> &candidates) noexcept;

    // Where this swap marks the records that it has seen clear: no other's marks are there, up to kClearLanes at once.
    [[nodiscard]] std::size_t lane() const noexcept { return lane_.load(std::memory_order_relaxed); } // as holds()

    // The member that registers threads under that number, and the one whose old table this is; kNobody: none.
    [[nodiscard]] std::uint32_t member_of_thread(std::uint64_t generation) const noexcept;
    [[nodiscard]] std::uint32_t member_of_table(const hotgraft_table *table) const noexcept;
    [[nodiscard]] MemberStage stage(std::uint32_t member, std::uint64_t swap) const noexcept;
    void set_stage(std::uint32_t member, std::uint64_t swap, MemberStage stage) noexcept;
    // A member's thread was left out of the drain, or passes a gate: from here on a look at all records is needed.
    void note_own_thread() noexcept { has_own_threads_.store(true, std::memory_order_seq_cst); } // pairs with the below
    [[nodiscard]] bool has_own_threads() const noexcept { return has_own_threads_.load(std::memory_order_seq_cst); }
    // The swap is undone: threads that its candidates registered do not wait for what never comes.
    void turn_candidates_away() noexcept { candidates_leave_.store(true, std::memory_order_seq_cst); }
    [[nodiscard]] bool turns_candidate_away(std::uint64_t generation) const noexcept;

    // From here on nobody passes: whoever is inside waits like everybody else, for the publish that follows at once.
    void stop_passing() noexcept {
        table_count_.store(0, std::memory_order_relaxed);
        member_count_.store(0, std::memory_order_relaxed);
    }
    // Nobody is kept waiting on account of this block any more; it may be claimed again.
    void finish() noexcept;
    // In a forked child, where the swap's thread does not exist: open all slots on the tables they hold.
    void open_all(bool warm) noexcept;

private:
    friend class GateBlockList;

    std::atomic<bool> is_taken_{true};
    std::atomic<std::size_t> lane_{0};
    std::atomic<std::uint32_t> *lanes_ = nullptr; // where that is to be given up; nullptr: it is shared
    std::atomic<std::uint64_t> swap_{0};
    std::size_t slot_room_ = 0;
    std::size_t slot_count_ = 0;
    std::unique_ptr<Slot *[]> slots_;
    std::size_t table_room_ = 0;
    std::atomic<std::size_t> table_count_{0};
    std::unique_ptr<std::atomic<const hotgraft_table *>[]> tables_;
    std::unique_ptr<std::atomic<std::uint32_t>[]> table_members_; // by table
    struct Member {
        std::atomic<std::uint64_t> generation{0};
        std::atomic<std::uint64_t> stage{0}; // swap << 2 | MemberStage
    };
    std::size_t member_room_ = 0;
    std::atomic<std::size_t> member_count_{0};
    std::unique_ptr<Member[]> members_;
    std::atomic<std::size_t> candidate_count_{0};
    std::unique_ptr<std::atomic<std::uint64_t>[]> candidates_; // as many as members
    std::atomic<bool> has_own_threads_{false};
    std::atomic<bool> candidates_leave_{false};
    GateBlock *next_listed_ = nullptr; // set before the push, then constant
};

class GateBlockList {
public:
    // A block with that much room that is now the caller's; nullptr when there is no memory.
    [[nodiscard]] GateBlock *claim(std::size_t slots, std::size_t tables, std::size_t members) noexcept;
    // In a forked child: every block that a swap was using.
    void open_all(bool warm) noexcept;

private:
    void take_lane(GateBlock &block) noexcept;

    std::atomic<GateBlock *> head_{nullptr};
    std::atomic<std::uint32_t> lanes_{0}; // a bit for each that is taken
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_GATE_BLOCK_HPP
