#include "memory_posix.hpp"

#include <sys/mman.h>
#include <unistd.h>

namespace hotgraft {

void give_back_pages(void *begin, std::uint64_t bytes) noexcept {
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    const auto address = reinterpret_cast<std::uintptr_t>(begin);
    const std::uintptr_t first = (address + page - 1) / page * page;
    const std::uintptr_t end = (address + bytes) / page * page;
    if (first < end) {
        (void)::madvise(static_cast<unsigned char *>(begin) + (first - address), end - first, MADV_DONTNEED);
    }
}

} // namespace hotgraft
