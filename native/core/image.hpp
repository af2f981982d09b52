// The facts of an image: what a shared-library file says about itself, read before any plugin code runs.
//
// Reading is pure: bytes in, facts out, no call to the operating system, no allocation that grows faster than the
// file. It refuses every image in which the loader would follow a number out of the file or out of the memory it
// maps, because the loader itself checks almost nothing and takes the process down with it. Whether this process
// can satisfy what the image needs is decided in needs.hpp.
//
// It cannot see damage inside machine code: only a known hash or a probe finds that.
#ifndef HOTGRAFT_CORE_IMAGE_HPP
#define HOTGRAFT_CORE_IMAGE_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "status.hpp"

namespace hotgraft {

enum class ImageType : std::uint8_t { kObject, kExecutable, kSharedLibrary, kCore, kOther };

// One PT_LOAD. Ascending by address, never sharing a page.
struct ImageSegment {
    std::uint64_t vaddr = 0;
    std::uint64_t offset = 0;
    std::uint64_t file_bytes = 0;
    std::uint64_t memory_bytes = 0;
    std::uint64_t align = 0;
    bool is_readable = false;
    bool is_writable = false;
    bool is_executable = false;
};

enum class SymbolKind : std::uint8_t { kNone, kObject, kFunction, kTls, kIfunc, kCommon, kOther };

struct ImageSymbol {
    std::string_view name;
    std::string_view version; // empty: not versioned
    std::string_view file;    // of a needed symbol with a version: the file that version comes from
    std::uint64_t value = 0;
    std::uint64_t bytes = 0;
    SymbolKind kind = SymbolKind::kNone;
    bool is_weak = false;
    bool is_unique = false;         // STB_GNU_UNIQUE
    bool is_default_version = true; // false for name@version, true for name@@version
};

struct VersionNeed {
    std::string_view file;
    std::string_view version;
    bool is_weak = false;
};

// Where the descriptor's JSON lies, in the file and, after loading, at load address + vaddr.
struct DescriptorNote {
    std::uint64_t offset = 0;
    std::uint64_t vaddr = 0;
    std::uint64_t bytes = 0;
};

struct ImageTls {
    std::uint64_t bytes = 0; // 0: no TLS segment
    std::uint64_t align = 0;
};

// Levels of x86-64 an image's property note says it needs: 0 says nothing, 1 is the baseline, up to 4.
using IsaLevel = int;

// Lifetime
//   Every string_view points into the bytes that were read. Facts from inspect_image() live as long as its caller
//   keeps those bytes; facts from inspect_image_file() own them through `bytes_owner`, and copies share them.
struct ImageFacts {
    std::shared_ptr<const void> bytes_owner;
    const std::uint8_t *bytes = nullptr;
    std::uint64_t file_bytes = 0;

    // From the ELF header. Of an image that is not a 64-bit little-endian x86-64 shared library only these are known.
    std::uint16_t machine = 0;
    int class_bits = 0;
    bool is_little_endian = false;
    ImageType type = ImageType::kOther;
    bool is_fully_read = false;

    bool has_section_table = false;
    std::vector<ImageSegment> segments;

    std::string_view soname;
    std::vector<std::string_view> needed;
    std::string_view rpath;
    std::string_view runpath;

    std::vector<ImageSymbol> exported;
    std::vector<ImageSymbol> imported;
    std::vector<VersionNeed> version_needs;
    std::vector<std::string_view> version_definitions; // without the base definition
    bool has_version_definitions = false;              // DT_VERDEF is there, be it only the base
    bool has_symbol_versions = false;                  // DT_VERSYM is there

    std::string_view build_id; // raw bytes
    ImageTls tls;
    std::uint64_t gnu_unique = 0; // how many of `exported` are STB_GNU_UNIQUE
    IsaLevel isa_level_needed = 0;
    std::optional<DescriptorNote> descriptor;

    bool uses_static_tls = false;        // DF_STATIC_TLS or an initial-exec relocation
    bool is_nodelete = false;            // DF_1_NODELETE
    bool forbids_open = false;           // DF_1_NOOPEN
    bool is_interposer = false;          // DF_1_INTERPOSE
    bool is_pie = false;                 // an executable that looks like a shared library
    bool has_interpreter = false;        // PT_INTERP
    bool has_executable_stack = false;   // PT_GNU_STACK with X, or none at all
    bool has_text_relocations = false;   // DT_TEXTREL or DF_TEXTREL
    bool has_writable_code = false;      // a segment that is writable and executable
    bool has_go_runtime = false;         // Go's build-id note
    bool imports_tls_destructor = false; // __cxa_thread_atexit or __cxa_thread_atexit_impl
};

inline constexpr std::uint64_t kImageBytesMax = std::uint64_t{1} << 30;

// Read the facts of the image in data[0, size). On failure the sentence names the structure and the offset, and
// *out is untouched. kMalformed is the only failure. Any thread.
[[nodiscard]] Status inspect_image(const std::uint8_t *data, std::size_t size, ImageFacts *out);

// The same for a file: must be a regular file of at most `bytes_max` bytes. The file is read, never mapped, so that
// somebody who truncates it meanwhile cannot kill this process. Any thread; blocks on the disk.
[[nodiscard]] Status inspect_image_file(const char *path, ImageFacts *out, std::uint64_t bytes_max = kImageBytesMax);

// Tell from the first bytes of a file, without reading it, whether all of it has been written: the section table
// comes last and must lie inside the file. `head` holds the first `head_bytes` (64 are enough).
[[nodiscard]] Status check_complete(const std::uint8_t *head, std::size_t head_bytes, std::uint64_t file_bytes);

// Tell from the first bytes of a file that is not complete whether writing on can make an image of it: each byte of the
// magic is there, or not there yet, or zero (a linker that maps its output writes the header last).
[[nodiscard]] bool may_become_image(const std::uint8_t *head, std::size_t head_bytes) noexcept;

} // namespace hotgraft

#endif // HOTGRAFT_CORE_IMAGE_HPP
