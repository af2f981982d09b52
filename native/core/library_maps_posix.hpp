// What the process's map lines say about a file: which file an address belongs to, and whether a file is mapped at all.
//
// Three ways to the second question, cheapest first. A write lease on a file is given only if nobody has it open, and a
// mapping counts as open (fcntl(2), F_SETLEASE): 1 us however many lines there are. PROCMAP_QUERY (Linux 6.11) asks
// line by line without text. Reading /proc/self/maps always works.
#ifndef HOTGRAFT_CORE_LIBRARY_MAPS_POSIX_HPP
#define HOTGRAFT_CORE_LIBRARY_MAPS_POSIX_HPP

#include <cstdint>
#include <string>

#include "library.hpp"
#include "status.hpp"

namespace hotgraft {

// As map lines tell it: the device of the file system that holds the pages.
struct FileIdentity {
    std::uint32_t dev_major = 0;
    std::uint32_t dev_minor = 0;
    std::uint64_t ino = 0;

    [[nodiscard]] bool operator==(const FileIdentity &other) const noexcept {
        return dev_major == other.dev_major && dev_minor == other.dev_minor && ino == other.ino;
    }
};

enum class MapsWay : std::uint8_t {
    kBest,  // query where the kernel has it, else text
    kQuery, // kIo where it has not
    kText,
};

// While one of these lives, the maps file that is queried stays open from one question to the next: to open it takes
// four times as long as to ask. Nothing is kept where the kernel cannot be queried. Any thread.
class MapsUse {
public:
    MapsUse() noexcept;
    ~MapsUse();
    MapsUse(const MapsUse &) = delete;
    MapsUse &operator=(const MapsUse &) = delete;
};

// The file of the line that covers `address`; an ino of 0 means none.
[[nodiscard]] Status identity_at(std::uintptr_t address, FileIdentity *out, MapsWay way = MapsWay::kBest);

// What map lines would say of the staged copy, found by mapping one page of it. kRefused: its path leads to another
// inode.
[[nodiscard]] Status identity_of_file(const Staged &staged, FileIdentity *out);

// The first line of the process that maps `file`; an empty range when there is none.
[[nodiscard]] Status find_line_of(const FileIdentity &file, AddressRange *out, MapsWay way = MapsWay::kBest);

// Unmap every line of `file`: of a private copy that the loader refused half way. glibc 2.36 leaves mapped what it had
// mapped when a later segment finds no memory, and nobody else knows of it.
void unmap_all_of(const FileIdentity &file) noexcept;

// What stat(2) says, in the form of map lines.
[[nodiscard]] FileIdentity identity_from_stat(std::uint64_t dev, std::uint64_t ino) noexcept;

enum class OpenState : std::uint8_t { kUnknown, kSomewhere, kNowhere };

// Ask for a write lease on the file at `path` and give it back at once. kNowhere: no process has it open or mapped.
// Only answered for file systems whose mappings are known to count (tmpfs, ext4, xfs): on overlayfs the mapping belongs
// to another inode than the path.
[[nodiscard]] OpenState ask_open_state(const std::string &path) noexcept;

} // namespace hotgraft

#endif // HOTGRAFT_CORE_LIBRARY_MAPS_POSIX_HPP
