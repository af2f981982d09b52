// One record's counters: how many guards of each meter its threads took, and how far it is to the next timed one.
//
// What call.h increments is a plain word of the record. While its meter is sampled that word is below zero and comes to
// zero at the call that was drawn; what it is short of is kept beside it, so that their sum is the count, always.
// Moving a word (arm, rest) changes both by the same amount, in a section that readers repeat.
//
// Thread safety
//   count(): any thread, at any time, stopping nobody. Everything else: the record's owner, also in a signal handler.
//
// Invariants
//   (1) short_of[m] + calls[m] is the number of guards of meter m, at any even `sequence`.
//   (2) A word that is not armed is its count: above zero after its first guard, so it never comes to zero again.
//   (3) Counts stay with the record when its thread ends, and go on with the next one.
#ifndef HOTGRAFT_CORE_METER_COUNTERS_HPP
#define HOTGRAFT_CORE_METER_COUNTERS_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <hotgraft/call.h>

namespace hotgraft {

// How many indexes there are, 0 included, which nobody has: 2 KB of words for each thread that calls.
inline constexpr std::uint32_t kMeters = 256;

// Directly behind the record, as call.h finds it: guard protocol 2.
struct HotCounters {
    hotgraft_counts head;
    std::int64_t calls[kMeters];
};

struct ColdCounters {
    std::atomic<std::uint32_t> sequence{0}; // odd while a word is moved
    std::uint32_t meter = 0;                // which, and its count: for a forked child, where nobody ends that
    std::int64_t total = 0;
    std::atomic<std::int64_t> short_of[kMeters]{};
    std::int64_t started_ns[HOTGRAFT_RECORD_ENTRIES]{}; // of the timed guard at that depth, 0 where there is none
    std::int64_t pushed_off_before[HOTGRAFT_RECORD_ENTRIES]{}; // how often the thread was, when that guard was taken
    std::uint32_t epoch = 0;                                   // of the means that the words were last armed by
    std::uint64_t random = 0;                                  // 0: not seeded yet
};

// The two parts, wherever they lie.
class Counters {
public:
    Counters(HotCounters &hot, ColdCounters &cold) noexcept : hot_(hot), cold_(cold) {}

    [[nodiscard]] std::int64_t count(std::uint32_t meter) const noexcept;

    // The `distance`-th guard of `meter` from now, 1: the next one, brings its word to zero. False: a handler came into
    // the middle of moving a word; nothing was done.
    bool arm(std::uint32_t meter, std::int64_t distance) noexcept { return move_to(meter, -distance); }
    // No guard does.
    bool rest(std::uint32_t meter) noexcept { return move_to(meter, kNotArmed); }
    // In a forked child: end what a thread that is not there began.
    void repair() noexcept;

private:
    static constexpr std::int64_t kNotArmed = 1;
    bool move_to(std::uint32_t meter, std::int64_t word) noexcept;

    HotCounters &hot_;
    ColdCounters &cold_;
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_METER_COUNTERS_HPP
