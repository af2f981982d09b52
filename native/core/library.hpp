// A library: an image mapped into the process, and the proof that it has left again.
//
// dlclose(3) returning 0 proves nothing: NODELETE, a unique symbol, a pending thread_local destructor or another
// library bound to it all keep it mapped. So close() looks: the loader's list and the process's map lines.
#ifndef HOTGRAFT_CORE_LIBRARY_HPP
#define HOTGRAFT_CORE_LIBRARY_HPP

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "image.hpp"
#include "staging.hpp"
#include "status.hpp"

namespace hotgraft {

class MapsUse;

// Half open: [begin, end).
struct AddressRange {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;

    [[nodiscard]] bool contains(std::uintptr_t address) const noexcept { return address >= begin && address < end; }
    [[nodiscard]] bool contains(std::uintptr_t address, std::uint64_t bytes) const noexcept {
        return contains(address) && bytes <= end - address;
    }
};

// Whether a library left memory. Not proven: `reason` says what keeps it, `symbol` names the one known to, or is empty.
struct Proof {
    bool proven = false;
    std::string reason;
    std::string symbol;
};

// Thread safety
//   open(): any thread, runs the image's constructors. close(), prove(): one thread at a time, no call of the
//   library's code under way. The rest: any thread, until close().
//
// Invariants
//   (1) The loader made the handle for this open: no other library shares it.
//   (2) The mapped file is the staged copy, by dev:inode as map lines tell them.
//   (3) The descriptor bytes in memory equal the inspected ones.
//   (4) dlclose is called at most once.
class Library {
public:
    // Make residents first, then map `staged` with RTLD_NOW | RTLD_LOCAL and check (1) to (3).
    // kRefused: the loader's own words, or which check failed. Nothing stays mapped on failure unless the sentence says
    // so.
    [[nodiscard]] static Status open(const Staged &staged, ImageFacts facts, std::unique_ptr<Library> *out);

    Library(const Library &) = delete;
    Library &operator=(const Library &) = delete;
    // Leaves the library mapped if close() was not called: unloading is never a side effect.
    ~Library();

    // Look up `name`; its address must lie inside this library, because a host program that exports the same name
    // would otherwise be called instead.
    [[nodiscard]] Status symbol(const char *name, void **out) const;

    [[nodiscard]] const AddressRange &range() const noexcept { return range_; }
    // What the loader adds to the image's own addresses.
    [[nodiscard]] std::uintptr_t load_address() const noexcept { return load_address_; }
    // Of one segment, readable: all of [address, address + bytes) lies in it.
    [[nodiscard]] bool holds(const void *address, std::uint64_t bytes) const noexcept;
    // In a segment that is executable.
    [[nodiscard]] bool holds_code(std::uintptr_t address) const noexcept;
    [[nodiscard]] const std::vector<AddressRange> &code() const noexcept { return code_; }

    // "gain_process" or "gain_process+0x12" or "gain.g3.1a2b3c4d.so+0x1139": for reports.
    [[nodiscard]] std::string name_of(std::uintptr_t address) const;
    // The embedded descriptor as it lies in memory; nullptr when the image has none.
    [[nodiscard]] const void *descriptor() const noexcept { return descriptor_; }
    [[nodiscard]] std::uint64_t descriptor_bytes() const noexcept;
    [[nodiscard]] const Staged &staged() const noexcept { return staged_; }
    [[nodiscard]] const ImageFacts &facts() const noexcept { return facts_; }

    // dlclose. That it answers says nothing: prove().
    void let_go() noexcept;
    // Look whether it is gone, also again: a library kept by a thread's destructor may have left since. After a proof
    // the staged copy is deleted.
    [[nodiscard]] Proof prove();
    // let_go(), then prove().
    [[nodiscard]] Proof close();
    [[nodiscard]] bool is_closed() const noexcept { return is_closed_; }
    // prove() has seen it gone.
    [[nodiscard]] bool is_gone() const noexcept { return is_gone_; }

private:
    Library(const Staged &staged, ImageFacts facts) : staged_(staged), facts_(std::move(facts)) {}
    Status map();
    Status check_identity();
    Status check_descriptor();
    [[nodiscard]] Status explain_refusal(const Status &status) const;
    void find_segments(std::uintptr_t load_address);
    void explain(Proof *proof) const;

    Staged staged_;
    ImageFacts facts_;
    void *handle_ = nullptr;
    std::uintptr_t load_address_ = 0;
    AddressRange range_;
    std::vector<AddressRange> readable_;
    std::vector<AddressRange> code_;
    const void *descriptor_ = nullptr;
    std::uint64_t map_dev_ = 0; // as the map lines say
    std::uint64_t map_ino_ = 0;
    std::shared_ptr<const MapsUse> maps_use_; // from map() until it is gone; shared: its type is not known here
    bool trusts_lease_ = false;               // a lease was seen to be refused while it was mapped
    bool is_closed_ = false;
    bool is_gone_ = false;
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_LIBRARY_HPP
