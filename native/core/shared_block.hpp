// A block that the instances of more than one generation use at once: the host's, freed with the last that holds it.
#ifndef HOTGRAFT_CORE_SHARED_BLOCK_HPP
#define HOTGRAFT_CORE_SHARED_BLOCK_HPP

#include <cstdint>

#include "services.hpp"

namespace hotgraft {

// Thread safety: held by shared_ptr, from any thread; what lies in the block is the plugin's affair.
class SharedBlock {
public:
    // `data` is the host's realloc's, and this object's from now on.
    SharedBlock(void *data, std::uint64_t bytes) noexcept : data_(data), bytes_(bytes) {}
    SharedBlock(const SharedBlock &) = delete;
    SharedBlock &operator=(const SharedBlock &) = delete;
    ~SharedBlock() { Ledger::free_block(data_); }

    [[nodiscard]] void *data() const noexcept { return data_; }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

private:
    void *const data_;
    const std::uint64_t bytes_;
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_SHARED_BLOCK_HPP
