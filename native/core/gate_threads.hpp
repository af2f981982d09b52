// What closed gates are to threads that plugins registered (threads.h), and how the members of a set come to rest one
// after another although each may have threads that call the others (model rules M11, M12).
//
//     for each member, consumers first:
//         threads.begin_quiesce(member)   // threads of other members are turned away, and those inside have left
//         ... the plugin's quiesce, which joins its threads ...
//         threads.end_quiesce(member)     // none of them is there; after the last: no record at all holds the set
//
// Without threads that were registered this costs a few loads: nobody was left out of the drain and nobody passed.
//
// What this deliberately does not do: stop or join a thread. It sees what a plugin's quiesce has done.
#ifndef HOTGRAFT_CORE_GATE_THREADS_HPP
#define HOTGRAFT_CORE_GATE_THREADS_HPP

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gate_block.hpp"
#include "own_threads.hpp"
#include "record.hpp"
#include "slot.hpp"
#include "status.hpp"

namespace hotgraft {

// The calling thread at one closed gate, if a plugin registered it. On the enter path: no memory, no locks.
//
// Announce, then ask again: is_turned_away() and passes() read what set_stage() writes, both seq_cst, and the one who
// writes scans afterwards. So either it sees the announcement, or the thread sees the stage.
class OwnThreadAtGate {
public:
    // `target`: the old table behind the gate.
    OwnThreadAtGate(const GateBlock &block, std::uint64_t swap, std::size_t lane, const ThreadRecord &record,
                    const hotgraft_table *target) noexcept;
    [[nodiscard]] bool is_turned_away() const noexcept;
    [[nodiscard]] bool passes() const noexcept; // also if it is inside nothing

private:
    const GateBlock &block_;
    const std::uint64_t swap_;
    const std::size_t lane_;
    const std::uint64_t generation_; // whose it is; 0: nobody's
    const std::uint32_t home_;
    std::uint32_t target_ = GateBlock::kNobody;
    const ThreadRecord *inside_ = nullptr; // the record that proves that it is inside the target already
};

// What is waited for: that nobody is inside `tables`. Of records that are seen so, `mark` in the swap's lane will say
// `number`.
struct Clearance {
    const std::vector<const hotgraft_table *> &tables;
    std::size_t lane;
    std::atomic<std::uint64_t> ClearMarks::*mark;
    std::uint64_t number;
};

// Thread safety
//   One thread at a time: the swap's own, or the control thread that it waits for, each with a turn of its own. One
//   that was left behind in a plugin's function keeps what it needs alive, and changes nothing: its turn is over.
class GateThreads {
public:
    GateThreads(std::uint64_t swap, std::vector<Slot *> slots, std::vector<GateMember> members);

    // For GateSet::close(), before any gate is closed: what is to be left. Throws nothing from begin() on.
    void set_tables(const std::vector<const hotgraft_table *> &old_tables);
    void begin(GateBlock *block) noexcept { block_ = block; }
    [[nodiscard]] const std::vector<GateMember> &members() const noexcept { return members_; }
    [[nodiscard]] const std::vector<std::uint32_t> &member_of() const noexcept { return member_of_; }

    // A turn for whoever tells it next; those of before are over. The first is 0.
    [[nodiscard]] std::uint64_t next_turn() noexcept;

    // Before each quiesce of an instance; the member's first turns away. kTimedOut: threads of others are still inside.
    // kAbandoned, as below: the turn is over.
    [[nodiscard]] Status begin_quiesce(std::size_t member, std::int64_t deadline_ns, std::uint64_t turn = 0);
    // After it. kRefused: a thread that it registered is still there. kTimedOut, after the last of the set: a record
    // holds the set. Either names the thread.
    [[nodiscard]] Status end_quiesce(std::size_t member, ThreadOwner instance, std::int64_t deadline_ns,
                                     std::uint64_t turn = 0);
    // Around each resume: the member's new threads pass, and after its last one is resumed everybody's.
    void begin_resume(std::size_t member, std::uint64_t turn = 0) noexcept;
    void end_resume(std::size_t member, std::uint64_t turn = 0) noexcept;

private:
    [[nodiscard]] Status wait_until_clear(const Clearance &wanted, std::int64_t deadline_ns, const std::string &what,
                                          std::uint64_t turn);
    [[nodiscard]] Status look(ThreadRecord &record, const Clearance &wanted, std::uint64_t turn, bool *is_clear);

    const std::uint64_t swap_;
    const std::vector<Slot *> slots_;
    const std::vector<GateMember> members_;
    std::vector<std::uint32_t> member_of_; // by old table
    std::vector<const hotgraft_table *> old_tables_;
    std::mutex mutex_;               // guards the three below, and that records are marked in a turn
    std::uint64_t turn_ = 0;         // that counts
    std::vector<std::size_t> begun_; // by member: instances whose quiesce was asked for and not undone
    std::vector<std::size_t> ended_;
    GateBlock *block_ = nullptr;
};

// Is the thread of `record` inside none of the tables? If so, it is marked: from then on what a signal handler finds in
// it proves nothing. (A thread that ended inside a guard runs nowhere any more.)
[[nodiscard]] bool is_seen_clear(ThreadRecord &record, const Clearance &wanted,
                                 const std::vector<Slot *> &slots) noexcept;

} // namespace hotgraft

#endif // HOTGRAFT_CORE_GATE_THREADS_HPP
