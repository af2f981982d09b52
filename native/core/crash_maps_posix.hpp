// The process's mappings, read in a signal handler: where an image lies while the loader runs its constructors, and
// which file an address belongs to. Of the one thread that reports.
#ifndef HOTGRAFT_CORE_CRASH_MAPS_POSIX_HPP
#define HOTGRAFT_CORE_CRASH_MAPS_POSIX_HPP

#include <cstdint>

#include "library.hpp"

namespace hotgraft {

// Where the file at `path` is mapped: its first byte, and its executable part. False: it is not.
[[nodiscard]] bool find_mapped_file(const char *path, std::uintptr_t *begin, AddressRange *code) noexcept;
// The file mapped at `address`, and its byte that lies there; nullptr: none. Good until the next call of either.
[[nodiscard]] const char *find_file_at(std::uintptr_t address, std::uint64_t *offset) noexcept;

} // namespace hotgraft

#endif // HOTGRAFT_CORE_CRASH_MAPS_POSIX_HPP
