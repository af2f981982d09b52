// What a crash report may say of the images that are mapped: a list that a signal handler reads while others change it.
//
// Thread safety
//   list(), unlist(), note_table(), note_stage(): any thread, never inside a reading. A reading: begin_reading() …
//   end_reading(), async-signal-safe; of one thread at a time.
//
// Invariants
//   (1) Places are listed once and for ever and used again, so that a reader never meets freed memory on its way.
//   (2) An image that a reader found stays whole until end_reading(): unlist() takes the image out of its place first
//       and then waits for the reader. Of the two, one sees the other: both store before they load, all seq_cst.
//   (3) What a listed image says never changes, except its stage, the tables, which are only added, and the place of
//   one
//       that is about to be mapped: only readers know that.
#ifndef HOTGRAFT_CORE_CRASH_IMAGES_HPP
#define HOTGRAFT_CORE_CRASH_IMAGES_HPP

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <hotgraft/call.h>

#include "crash_names.hpp"
#include "library.hpp"
#include "lifecycle.hpp"

namespace hotgraft {

// One table of an image, so that a table in a thread's record can be named.
struct CrashTable {
    const hotgraft_table *table = nullptr;
    std::uint32_t functions = 0; // pointers behind struct_size
    std::string interface;       // "gain/1"
    CrashTable *next = nullptr;  // set before it is added, then constant
};

class CrashImage {
public:
    // Who it is: of `generation` of `plugin`.
    struct Whose {
        std::string plugin;
        std::uint64_t generation = 0;
        std::string version; // as its author wrote it; empty: nobody said
        std::string source;
        const std::atomic<Stage> *stage = nullptr; // never nullptr
    };
    // Mapped as `library`; its facts must own their bytes.
    CrashImage(const Library &library, Whose whose);
    // About to be mapped: the loader runs its constructors before anybody knows where it lies.
    CrashImage(const Staged &staged, const ImageFacts &facts, Whose whose);
    ~CrashImage();
    CrashImage(const CrashImage &) = delete;
    CrashImage &operator=(const CrashImage &) = delete;

    // Throws std::bad_alloc, and nothing is noted. One thread at a time.
    void note_table(const hotgraft_table *table, std::uint32_t functions, std::string interface);

    [[nodiscard]] bool holds(std::uintptr_t address) const noexcept { return range.contains(address); }
    [[nodiscard]] bool holds_code(std::uintptr_t address) const noexcept;
    [[nodiscard]] CrashFunction function_at(std::uintptr_t address) const noexcept {
        return names.find(address - load_address);
    }
    [[nodiscard]] const CrashTable *find(const hotgraft_table *table) const noexcept;
    // Pairs with Generation's advance, and with the end of the object that holds the stage (2).
    [[nodiscard]] Stage stage_now() const noexcept {
        return stage.load(std::memory_order_seq_cst)->load(std::memory_order_acquire);
    }

    // Of one that is about to be mapped, set by the reader that looks for it.
    AddressRange range;
    std::uintptr_t load_address = 0;

    const std::vector<AddressRange> code; // empty: `range` is all that is known
    const std::string plugin;
    const std::uint64_t generation;
    const std::string version;
    const std::string source;
    const std::string staged_path;
    const std::string sha256;           // 64 digits
    const std::uintptr_t first_address; // of the image's own ones, at the beginning of a page
    const CrashNames names;
    std::atomic<const std::atomic<Stage> *> stage;
    std::atomic<CrashTable *> tables{nullptr};
    std::uint64_t listed_as = 0; // grows with every listing: of two that claim one address the younger is mapped there

private:
    const std::shared_ptr<const void> bytes_owner_;
};

class CrashImages {
public:
    static CrashImages &instance() noexcept;
    CrashImages() noexcept = default;
    CrashImages(const CrashImages &) = delete;
    CrashImages &operator=(const CrashImages &) = delete;
    ~CrashImages(); // the process's own is never destroyed

    // `image` must stay until unlist(). False: no memory.
    [[nodiscard]] bool list(CrashImage *image) noexcept;
    // Nobody reads it any more when this returns. Waits for a report that is being written.
    void unlist(const CrashImage *image) noexcept;
    // Whatever was readable before is read no more. Waits for a report that is being written.
    void await_reader() const noexcept;

    // False: another thread reads.
    [[nodiscard]] bool begin_reading(std::int32_t tid) noexcept;
    void end_reading() noexcept { reader_.store(0, std::memory_order_seq_cst); } // pairs with unlist()
    // The thread that reads; 0: none.
    [[nodiscard]] std::int32_t reader() const noexcept { return reader_.load(std::memory_order_seq_cst); }
    // In a forked child: the reader is a thread of the parent's.
    void forget_reader() noexcept { end_reading(); }

    // Inside a reading: let `look` say where the images lie that were not mapped when they were listed.
    void place(bool (*look)(const char *path, std::uintptr_t *begin, AddressRange *code) noexcept) noexcept;
    // Inside a reading: the image mapped at `address`, nullptr if none is known.
    [[nodiscard]] const CrashImage *find(std::uintptr_t address) const noexcept;
    // The same, if the address lies in its code.
    [[nodiscard]] const CrashImage *find_code(std::uintptr_t address) const noexcept;
    [[nodiscard]] const CrashImage *find(const hotgraft_table *table, const CrashTable **found) const noexcept;
    // The generation of `plugin` that serves, nullptr if none does.
    [[nodiscard]] const CrashImage *find_serving(const std::string &plugin) const noexcept;

private:
    struct Place {
        std::atomic<CrashImage *> image{nullptr};
        Place *next = nullptr; // set before the push, then constant
    };
    template <class Is> const CrashImage *find_if(Is is) const noexcept;

    std::atomic<Place *> head_{nullptr};
    std::atomic<std::int32_t> reader_{0};
    std::atomic<std::uint64_t> listed_{0};
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_CRASH_IMAGES_HPP
