// Which function of an image an address lies in, asked in a signal handler: from the image's own bytes, which the host
// keeps. Local functions are known too, unless the image was stripped.
#ifndef HOTGRAFT_CORE_CRASH_NAMES_HPP
#define HOTGRAFT_CORE_CRASH_NAMES_HPP

#include <cstddef>
#include <cstdint>

#include "image.hpp"

namespace hotgraft {

// A function of the image. Addresses are the image's own.
struct CrashFunction {
    const char *name = nullptr; // terminated; nullptr: none is known
    std::uint64_t begin = 0;
    bool is_inside = false; // its size says that the address lies in it; else it is the nearest one before
};

// Thread safety: constant. find() is async-signal-safe.
class CrashNames {
public:
    CrashNames() noexcept = default;
    // Take the symbol tables out of `facts`, whose bytes must outlive this. A table that does not lie inside the file
    // is left out.
    explicit CrashNames(const ImageFacts &facts) noexcept;

    [[nodiscard]] CrashFunction find(std::uint64_t address) const noexcept;

private:
    struct Symbols {
        const std::uint8_t *entries = nullptr;
        std::uint64_t count = 0;
        const char *names = nullptr; // ends with a NUL
        std::uint64_t names_bytes = 0;
    };
    void look_through(const Symbols &symbols, std::uint64_t address, CrashFunction *best) const noexcept;

    Symbols all_;     // .symtab
    Symbols dynamic_; // .dynsym
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_CRASH_NAMES_HPP
