// What the host offers a plugin: the hotgraft_host table of one instance, and behind it the log ring, the memory ledger
// and the leases of its generation.
#ifndef HOTGRAFT_CORE_SERVICES_HPP
#define HOTGRAFT_CORE_SERVICES_HPP

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <hotgraft/host.h>

#include "callbacks.hpp"
#include "log_ring.hpp"
#include "own_threads.hpp"

namespace hotgraft {

// Bytes that one generation got from the host's realloc and that are still alive. A block may outlive its generation
// (handed over, or a result that somebody still reads), so every block keeps its ledger alive.
class Ledger {
public:
    [[nodiscard]] static Ledger *make(); // with one reference; nullptr when there is no memory
    void acquire() noexcept;
    void release() noexcept;

    [[nodiscard]] std::uint64_t live_bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t live_blocks() const noexcept { return blocks_.load(std::memory_order_relaxed); }

    // The host's realloc (host.h). `ledger` is billed for a new block; an old one is billed to its own.
    static void *reallocate(Ledger *ledger, void *pointer, std::uint64_t bytes, std::uint64_t align) noexcept;
    // Give back a block, whoever got it: for results that are HOTGRAFT_OWNED.
    static void free_block(void *pointer) noexcept;
    // Bytes asked for; 0 when `pointer` is not a live block of the host's.
    static std::uint64_t block_bytes(const void *pointer) noexcept;
    // What was asked for when it was made, 16 at least; 0: not a block.
    static std::uint64_t block_align(const void *pointer) noexcept;
    // On loan, a block is on its way in a swap: whoever frees or resizes it through the host's realloc is not obeyed.
    // False: it is on loan already, or no block.
    static bool lend(void *pointer) noexcept;
    static void settle(void *pointer) noexcept;
    static void lend(const std::vector<void *> &pointers) noexcept;
    static void settle(const std::vector<void *> &pointers) noexcept;
    // For good: whoever frees or moves it afterwards is rid of it, and its bytes stay where they are and as they are
    // then. For a thread that was abandoned with it.
    static void keep(void *pointer) noexcept;
    // A block changes hands: `next` is billed for it from now on.
    static void hand_over(void *pointer, Ledger *next) noexcept;

private:
    friend class BlockRoom;
    Ledger() noexcept = default;
    ~Ledger() = default;
    void bill(std::uint64_t bytes) noexcept;
    void unbill(std::uint64_t bytes) noexcept;

    std::atomic<std::uint64_t> references_{1};
    std::atomic<std::uint64_t> bytes_{0};
    std::atomic<std::uint64_t> blocks_{0};
};

// Memory that is there before blocks are cut from it: every page of it was touched. It lives as long as this or any of
// its blocks does, and what nothing was cut from goes back with this.
//
// Thread safety: one thread. Its blocks are blocks like others.
class BlockRoom {
public:
    static constexpr std::uint64_t kBytesMax = std::uint64_t{1} << 30;

    BlockRoom() noexcept = default;
    BlockRoom(const BlockRoom &) = delete;
    BlockRoom &operator=(const BlockRoom &) = delete;
    ~BlockRoom();

    // Once. Without memory, or for more than kBytesMax, it stays empty.
    void make(std::uint64_t bytes) noexcept;
    // So much has to be made for blocks of so many bytes in all.
    [[nodiscard]] static std::uint64_t bytes_for(std::uint64_t blocks, std::uint64_t bytes) noexcept;
    // A block, billed to `ledger`; nullptr: there is no room for it.
    [[nodiscard]] void *cut(Ledger *ledger, std::uint64_t bytes, std::uint64_t align) noexcept;

private:
    unsigned char *memory_ = nullptr;
    std::uint64_t bytes_ = 0;
    std::uint64_t used_ = 0;
};

// Is an address that somebody claims to be a block one? Of memory that may not be there, it is read through the kernel.
//
// Thread safety: one thread; what it is asked for holds still.
class BlockFinder {
public:
    BlockFinder() noexcept;
    // Bytes asked for; 0 when `address` is not a live block of the host's.
    [[nodiscard]] std::uint64_t block_bytes(std::uintptr_t address) noexcept;

private:
    std::uintptr_t seen_page_ = 0; // that was there when it was read last
    const bool can_ask_;           // the kernel, which may forbid it: then what is claimed is believed
};

// A counted reason to keep a generation mapped.
struct Lease {
    std::uint64_t number = 0;
    std::string instance;
    std::string why;
    std::string holder; // a plugin, by the id of an import or its name (callbacks.h); empty: nobody said
};

// Thread safety: any thread.
class Leases {
public:
    // 0 when there is no memory. Numbers start at 1 and are never reused.
    std::uint64_t add(const std::string &instance, const char *why, const char *holder = "") noexcept;
    bool remove(std::uint64_t number) noexcept; // false: there is no such lease
    [[nodiscard]] std::size_t count() const noexcept;
    [[nodiscard]] std::vector<Lease> list() const;

private:
    mutable std::mutex mutex_;
    std::map<std::uint64_t, Lease> live_;
    std::uint64_t next_ = 1;
};

// Does this generation serve? Threads of the plugin wait for it before they touch anything outside (serving.h).
//
// Thread safety: any thread.
class Serving {
public:
    void set(bool serves) noexcept;
    [[nodiscard]] bool wait(std::uint64_t budget_ns) noexcept;

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool serves_ = false;
};

// What the services of one generation share.
struct GenerationBooks {
    explicit GenerationBooks(std::string folder = {}, std::string plugin = {}, std::uint64_t generation = 0);
    GenerationBooks(const GenerationBooks &) = delete;
    GenerationBooks &operator=(const GenerationBooks &) = delete;
    ~GenerationBooks();

    Ledger *ledger; // nullptr only when there was no memory: realloc then answers NULL
    Leases leases;
    Serving serving;
    CallbackBook callbacks;
    const std::uint64_t thread_generation = ThreadOwner::next_generation(); // of its own threads (own_threads.hpp)
    std::atomic<std::uint64_t> thread_places{0};                            // one for each of its instances
};

// One hotgraft_host table. It must outlive the return of the instance's destroy, and a table that imports refer to must
// outlive the library; both are the generation's to see to.
class Services {
public:
    Services(LogRing &log, GenerationBooks &books, LogSource source);
    Services(const Services &) = delete;
    Services &operator=(const Services &) = delete;

    [[nodiscard]] const hotgraft_host *host() const noexcept { return &host_; }
    [[nodiscard]] static Services &of(hotgraft_ctx *ctx) noexcept;

    LogRing &log;
    GenerationBooks &books;
    const LogSource source;
    const ThreadOwner thread_owner; // whom threads are registered for

private:
    hotgraft_host host_{};
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_SERVICES_HPP
