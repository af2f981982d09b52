// The lines plugins log, between the thread that writes one and whoever hands them on.
//
// Bounded and lock-free, many writers, one reader at a time: a writer never waits, never allocates and never takes a
// lock of anybody's, so it may be called from any thread at any time. A full ring drops the new line and counts it.
#ifndef HOTGRAFT_CORE_LOG_RING_HPP
#define HOTGRAFT_CORE_LOG_RING_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace hotgraft {

struct LogLine {
    std::int64_t time_ns = 0; // CLOCK_MONOTONIC
    std::int32_t level = 0;   // HOTGRAFT_LOG_*
    std::uint64_t generation = 0;
    std::string plugin;
    std::string instance;
    std::string text;    // UTF-8 as the plugin gave it; bytes that are not are replaced
    bool is_cut = false; // the line was longer than a cell
};

// Where a line comes from. The names are cut to kLogNameBytes.
struct LogSource {
    std::string plugin;
    std::string instance;
    std::uint64_t generation = 0;
};

inline constexpr std::size_t kLogTextBytes = 896;
inline constexpr std::size_t kLogNameBytes = 48;

// Thread safety
//   write(): any thread, never blocks, async-signal-safe. drain(): any thread, takes turns.
//
// Invariants
//   (1) A cell belongs to one writer or to the reader, never to both: its sequence says to whom.
//   (2) A line is seen whole or not at all.
class LogRing {
public:
    // `cells` is a power of two.
    explicit LogRing(std::size_t cells = 512);
    LogRing(const LogRing &) = delete;
    LogRing &operator=(const LogRing &) = delete;
    ~LogRing();

    // The process's ring. Never destroyed: a plugin may log while the process ends.
    static LogRing &instance();

    // False: the ring was full and the line is dropped.
    bool write(const LogSource &source, std::int32_t level, std::string_view text) noexcept;
    // Append all complete lines to *out, oldest first; returns how many.
    std::size_t drain(std::vector<LogLine> *out);
    [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

    // Call `wake` with the first line after a silence, on the thread that writes it: it must neither wait nor allocate.
    // nullptr: nobody. A silence begins here, and whenever rest() answers true.
    void set_wake(void (*wake)() noexcept) noexcept;
    // The reader found nothing more. True: it may go, the next line wakes one. False: a line came meanwhile.
    bool rest() noexcept;

private:
    struct Cell;
    bool has_line() noexcept;
    std::unique_ptr<Cell[]> cells_;
    std::size_t mask_;
    alignas(64) std::atomic<std::uint64_t> head_{0}; // next cell to write
    alignas(64) std::atomic<std::uint64_t> dropped_{0};
    std::atomic<void (*)() noexcept> wake_{nullptr};
    std::atomic<bool> is_awake_{false}; // somebody is reading, or was told to
    std::mutex reader_;
    std::uint64_t tail_ = 0; // next cell to read, under reader_
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_LOG_RING_HPP
