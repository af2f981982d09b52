// What a slot holds: one generation's functions for one interface, copied into host memory and never changed again.
//
// The head that callers see (hotgraft_table) and the interface struct lie in one block, so that one load leads from the
// slot to a function. The struct is padded with stubs up to the longest version ever published in its slot, so that
// nobody can call past its end.
//
// Thread safety
//   make(): any thread. Everything else is const. The owner decides when to destroy: only after a barrier and a scan
//   have shown that no record holds the table (Guards::is_held), otherwise a caller reads freed memory.
//
// Invariants
//   (1) Nothing in the block changes between make and the destructor.
//   (2) A table is published in one slot, for one interval of service: every publish, a rollback's too, makes a new
//   one.
#ifndef HOTGRAFT_CORE_TABLE_HPP
#define HOTGRAFT_CORE_TABLE_HPP

#include <cstdint>
#include <memory>
#include <string>

#include <hotgraft/interface.h>
#include <hotgraft/status.h>

namespace hotgraft {

// What an absent function points to: returns HOTGRAFT_E_UNSUPPORTED, or HOTGRAFT_E_UNAVAILABLE in the table of a
// fallback, which it tells by the address `self`. Callers that know the address (the bindings)
// compare it instead of calling; it is never called with arguments it could misread, because it reads none.
hotgraft_status table_stub(void *self) noexcept;

class Table {
public:
    static constexpr std::uint32_t kMostBytes = 64 * 1024; // of an interface struct

    // Copy `interface_struct` (it starts with its uint32_t struct_size) behind a new head. Functions that are NULL in
    // it, and all from its struct_size up to `padded_bytes`, become the stub. `slot_name` ("gain/1") is for reports.
    // nullptr: no memory, or a struct_size that is no whole number of pointers (below 8, or above 64 KiB).
    [[nodiscard]] static std::unique_ptr<Table> make(const void *interface_struct, std::uint32_t padded_bytes,
                                                     std::uint32_t version, std::uint64_t generation, void *self,
                                                     std::uint32_t meter, std::string slot_name = {}) noexcept;
    ~Table();
    Table(const Table &) = delete;
    Table &operator=(const Table &) = delete;

    // What a slot is given and a caller sees. 64-aligned.
    [[nodiscard]] const hotgraft_table *get() const noexcept { return head_; }
    // Bytes of interface struct this generation really offers; functions beyond it are stubs.
    [[nodiscard]] std::uint32_t offered_bytes() const noexcept { return offered_bytes_; }
    // Bytes of interface struct in the block.
    [[nodiscard]] std::uint32_t padded_bytes() const noexcept { return padded_bytes_; }
    [[nodiscard]] const std::string &slot_name() const noexcept { return slot_name_; }

private:
    Table() noexcept = default;

    hotgraft_table *head_ = nullptr; // owned, 64-aligned, followed by padded_bytes_ of interface struct
    std::uint32_t offered_bytes_ = 0;
    std::uint32_t padded_bytes_ = 0;
    std::string slot_name_;
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_TABLE_HPP
