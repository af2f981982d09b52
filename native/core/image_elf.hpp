// What the parts of the ELF reader share. Private to image_elf*.cpp.
//
// Invariants
//   (1) No byte is read that Bytes::contains() has not vouched for.
//   (2) Every loop is bounded by the size of the file, also where a file lies about its counts.
//   (3) Addresses are the image's own (p_vaddr); only ElfReader::find_* turns them into file offsets.
#ifndef HOTGRAFT_CORE_IMAGE_ELF_HPP
#define HOTGRAFT_CORE_IMAGE_ELF_HPP

#include <elf.h>

#include <array>
#include <cassert>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "image.hpp"
#include "status.hpp"

namespace hotgraft::elf {

inline constexpr std::uint64_t kPageBytes = 4096;

class Bytes {
public:
    Bytes(const std::uint8_t *data, std::uint64_t size) noexcept : data_(data), size_(size) {}

    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

    [[nodiscard]] bool contains(std::uint64_t offset, std::uint64_t bytes) const noexcept {
        return offset <= size_ && bytes <= size_ - offset;
    }

    // A copy of the T at `offset`: files promise no alignment.
    template <class T> [[nodiscard]] T at(std::uint64_t offset) const noexcept {
        assert(contains(offset, sizeof(T)));
        T value;
        std::memcpy(&value, data_ + offset, sizeof(T));
        return value;
    }

    [[nodiscard]] std::string_view text(std::uint64_t offset, std::uint64_t bytes) const noexcept {
        assert(contains(offset, bytes));
        return {reinterpret_cast<const char *>(data_) + offset, static_cast<std::size_t>(bytes)};
    }

private:
    const std::uint8_t *data_;
    std::uint64_t size_;
};

inline void append_part(std::string *text, std::string_view part) {
    text->append(part);
}
inline void append_part(std::string *text, std::uint64_t part) {
    text->append(std::to_string(part));
}

// kMalformed with a sentence made of strings and numbers.
template <class... Parts> [[nodiscard]] Status malformed(const Parts &...parts) {
    std::string text;
    (append_part(&text, parts), ...);
    return {Code::kMalformed, std::move(text)};
}

[[nodiscard]] inline std::string hex(std::uint64_t value) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    do {
        text.insert(text.begin(), kDigits[value & 15]);
        value >>= 4;
    } while (value != 0);
    return "0x" + text;
}

// A table of the image: where it is in the file and at which address it will be mapped.
struct Table {
    std::uint64_t vaddr = 0;
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;

    [[nodiscard]] bool is_present() const noexcept { return bytes != 0; }
};

// The entries of PT_DYNAMIC that are read, by tag. DT_NEEDED, the one that repeats, is kept apart.
class DynamicTable {
public:
    [[nodiscard]] bool has(std::int64_t tag) const noexcept {
        assert(knows(tag));
        return present_[slot_of(tag)];
    }
    [[nodiscard]] std::uint64_t value(std::int64_t tag) const noexcept { return has(tag) ? values_[slot_of(tag)] : 0; }
    [[nodiscard]] static bool knows(std::int64_t tag) noexcept { return slot_of(tag) < kSlots; }
    void put(std::int64_t tag, std::uint64_t value) noexcept {
        present_[slot_of(tag)] = true;
        values_[slot_of(tag)] = value;
    }

private:
    static constexpr unsigned kSlots = 50;
    static constexpr unsigned kFirstHigh = 38; // DT_RELRENT is 37
    // A switch, so that a tag that is known where it is asked for costs nothing.
    [[nodiscard]] static constexpr unsigned slot_of(std::int64_t tag) noexcept {
        if (tag >= 0 && tag < kFirstHigh) {
            return static_cast<unsigned>(tag);
        }
        switch (tag) {
        case DT_GNU_HASH:
            return kFirstHigh;
        case DT_VERSYM:
            return kFirstHigh + 1;
        case DT_RELACOUNT:
            return kFirstHigh + 2;
        case DT_FLAGS_1:
            return kFirstHigh + 3;
        case DT_VERDEF:
            return kFirstHigh + 4;
        case DT_VERDEFNUM:
            return kFirstHigh + 5;
        case DT_VERNEED:
            return kFirstHigh + 6;
        case DT_VERNEEDNUM:
            return kFirstHigh + 7;
        case DT_AUXILIARY:
            return kFirstHigh + 8;
        case DT_FILTER:
            return kFirstHigh + 9;
        default:
            return kSlots;
        }
    }

    // Not the bits of one word: gcc 12.2 at -O1 compares two of them wrongly (the second is taken for the result).
    std::array<bool, kSlots> present_{};
    std::array<std::uint64_t, kSlots> values_{};
};

// What section headers say of the tables that the dynamic section says too. Present in every linker's output, absent
// after some strippers. Two statements that differ betray a damaged file.
struct SectionClaim {
    std::uint32_t type = 0;
    std::uint64_t flags = 0;
    std::uint64_t vaddr = 0;
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
    std::uint32_t link = 0;
    std::string_view name;
};

struct VersionName {
    std::string_view name;
    std::string_view file; // empty: defined here
    bool is_known = false;
};

struct ElfReader {
    ElfReader(const std::uint8_t *data, std::uint64_t size) noexcept : bytes(data, size) {}

    Bytes bytes;
    ImageFacts facts;
    Elf64_Ehdr header{};
    std::vector<Elf64_Phdr> program_headers;
    std::vector<SectionClaim> sections;

    Table dynamic_section;
    DynamicTable dynamic;
    std::vector<std::uint64_t> needed_offsets;

    Table strings;
    std::uint64_t name_budget = 0; // bytes of names still allowed to be read: invariant (2)
    Table symbols;
    std::uint32_t symbol_count = 0;
    Table symbol_versions;
    std::vector<VersionName> versions; // by version index
    Table relocations;
    Table plt_relocations;
    Table relative_relocations; // DT_RELR

    // The segment whose memory holds all of [vaddr, vaddr + bytes), or null.
    [[nodiscard]] const ImageSegment *find_segment(std::uint64_t vaddr, std::uint64_t bytes) const noexcept;
    [[nodiscard]] bool is_code(std::uint64_t vaddr) const noexcept;
    // Locate a table whose every byte must come from the file and be readable. `what` opens the failure's sentence; it
    // may be empty where the caller puts the name in front of a failure, because making it takes memory.
    [[nodiscard]] Status find_table(std::string_view what, std::uint64_t vaddr, std::uint64_t size, Table *out) const;
    // The string at `offset` of the dynamic string table.
    [[nodiscard]] Status find_string(std::string_view what, std::uint64_t offset, std::string_view *out);
    [[nodiscard]] Elf64_Sym symbol(std::uint32_t index) const noexcept {
        return bytes.at<Elf64_Sym>(symbols.offset + std::uint64_t{index} * sizeof(Elf64_Sym));
    }
};

// The steps, in the order inspect_image() takes them. Each relies on the ones before it.
[[nodiscard]] Status read_program_headers(ElfReader &reader); // image_elf_segments.cpp
[[nodiscard]] Status read_sections(ElfReader &reader);        // image_elf_sections.cpp
[[nodiscard]] Status read_dynamic(ElfReader &reader);         // image_elf_dynamic.cpp
[[nodiscard]] Status read_hash_tables(ElfReader &reader);     // image_elf_hash.cpp
[[nodiscard]] Status read_versions(ElfReader &reader);        // image_elf_versions.cpp
[[nodiscard]] Status read_symbols(ElfReader &reader);         // image_elf_symbols.cpp
[[nodiscard]] Status check_gnu_hash_names(ElfReader &reader); // image_elf_hash.cpp
[[nodiscard]] Status check_relocations(ElfReader &reader);    // image_elf_relocations.cpp
[[nodiscard]] Status check_functions(ElfReader &reader);      // image_elf_functions.cpp
[[nodiscard]] Status read_notes(ElfReader &reader);           // image_elf_notes.cpp
[[nodiscard]] Status compare_sections(ElfReader &reader);     // image_elf_sections.cpp

} // namespace hotgraft::elf

#endif // HOTGRAFT_CORE_IMAGE_ELF_HPP
