// Which threads are a plugin's own (threads.h): each of its records says whose.
//
// Nothing is counted or listed beside the records: who asks goes over them, so a thread that ends, or a fork, leaves
// nothing to put right. What closed gates make of it is in gate_threads.hpp.
//
// Thread safety
//   Registering and unregistering: the thread itself. Asking: any thread.
//
// Invariants
//   (1) All records of a thread's chain say the same; all but its first are marked as further ones.
//   (2) A thread that has ended is nobody's, before a join of it returns.
#ifndef HOTGRAFT_CORE_OWN_THREADS_HPP
#define HOTGRAFT_CORE_OWN_THREADS_HPP

#include <cstdint>
#include <string>

#include <hotgraft/threads.h>

#include "record.hpp"

namespace hotgraft {

extern const hotgraft_ext_threads kThreads; // what plugins are given

// An instance's number: its generation's, never given twice, and its own within it.
class ThreadOwner {
public:
    constexpr ThreadOwner() noexcept = default;
    constexpr explicit ThreadOwner(std::uint64_t number) noexcept : number_(number) {}

    [[nodiscard]] static std::uint64_t next_generation() noexcept;
    [[nodiscard]] static constexpr ThreadOwner instance(std::uint64_t generation, std::uint64_t place) noexcept {
        return ThreadOwner(generation << kPlaceBits | (place & ((std::uint64_t{1} << kPlaceBits) - 1)));
    }
    [[nodiscard]] constexpr std::uint64_t number() const noexcept { return number_; }
    [[nodiscard]] constexpr std::uint64_t generation() const noexcept { return number_ >> kPlaceBits; }
    [[nodiscard]] constexpr bool is_anybody() const noexcept { return number_ != 0; }

private:
    static constexpr unsigned kPlaceBits = 20;
    std::uint64_t number_ = 0;
};

// Whose thread the record's is.
[[nodiscard]] ThreadOwner owner_of(const ThreadRecord &record) noexcept;
// For a further record of the thread whose first one is `root`.
void copy_registration(const ThreadRecord &root, ThreadRecord *further) noexcept;

// As in threads.h, for the calling thread.
[[nodiscard]] hotgraft_status register_own_thread(ThreadOwner owner) noexcept;
[[nodiscard]] hotgraft_status unregister_own_thread(ThreadOwner owner) noexcept;
[[nodiscard]] std::uint64_t count_own_threads(ThreadOwner owner) noexcept;

// The threads of one instance that are registered now: "thread 4711 "worker"", joined by ", "; empty: none.
[[nodiscard]] std::string describe_own_threads(ThreadOwner owner);
// Of all instances of a generation.
[[nodiscard]] std::string describe_own_threads_of(std::uint64_t generation);

} // namespace hotgraft

#endif // HOTGRAFT_CORE_OWN_THREADS_HPP
