// What library.cpp asks of the POSIX loader.
#ifndef HOTGRAFT_CORE_LIBRARY_POSIX_HPP
#define HOTGRAFT_CORE_LIBRARY_POSIX_HPP

#include <cstdint>
#include <string>
#include <vector>

#include "library.hpp"

namespace hotgraft {

// Is an object of that very path in the loader's list?
[[nodiscard]] bool is_listed(const std::string &path) noexcept;

struct Opened {
    void *handle = nullptr;
    std::uintptr_t load_address = 0;
    std::string path; // of the object that the loader gave
};

// dlopen(path, RTLD_NOW | RTLD_LOCAL). kRefused: the loader's words.
[[nodiscard]] Status open_library(const std::string &path, Opened *out);
void close_library(void *handle) noexcept;
// nullptr: no such symbol.
[[nodiscard]] void *find_symbol(void *handle, const char *name) noexcept;

// Can this process write there? Asks the kernel to copy the bytes onto themselves: `const` data does not end the
// process.
[[nodiscard]] bool is_writable(void *address, std::uint64_t bytes) noexcept;

// Other objects that are bound to one of `addresses` (sorted): words of their writable segments that equal it.
struct Binding {
    std::string object; // path
    std::uintptr_t address = 0;
};
[[nodiscard]] std::vector<Binding> find_bindings(const std::vector<std::uintptr_t> &addresses,
                                                 const std::string &own_path);

} // namespace hotgraft

#endif // HOTGRAFT_CORE_LIBRARY_POSIX_HPP
