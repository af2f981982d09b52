// What memory asks of the system beside malloc.
#ifndef HOTGRAFT_CORE_MEMORY_POSIX_HPP
#define HOTGRAFT_CORE_MEMORY_POSIX_HPP

#include <cstdint>

namespace hotgraft {

// The whole pages of these bytes go back to the system; they stay the caller's, and are zeros when he uses them next
// (madvise(2), MADV_DONTNEED).
void give_back_pages(void *begin, std::uint64_t bytes) noexcept;

} // namespace hotgraft

#endif // HOTGRAFT_CORE_MEMORY_POSIX_HPP
