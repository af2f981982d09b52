#include "crash_names.hpp"

#include <elf.h>

#include <cstring>

namespace hotgraft {

namespace {

struct File {
    const std::uint8_t *bytes;
    std::uint64_t size;

    [[nodiscard]] bool holds(std::uint64_t offset, std::uint64_t length) const noexcept {
        return offset <= size && length <= size - offset;
    }
};

Elf64_Shdr section_at(const File &file, const Elf64_Ehdr &header, std::uint64_t index) noexcept {
    Elf64_Shdr section;
    std::memcpy(&section, file.bytes + header.e_shoff + index * sizeof section, sizeof section);
    return section;
}

bool has_sections(const File &file, const Elf64_Ehdr &header) noexcept {
    return header.e_shoff != 0 && header.e_shentsize == sizeof(Elf64_Shdr) &&
           file.holds(header.e_shoff, std::uint64_t{header.e_shnum} * sizeof(Elf64_Shdr));
}

bool is_function(const Elf64_Sym &symbol) noexcept {
    const unsigned type = ELF64_ST_TYPE(symbol.st_info);
    return symbol.st_shndx != SHN_UNDEF && (type == STT_FUNC || type == STT_GNU_IFUNC);
}

} // namespace

CrashNames::CrashNames(const ImageFacts &facts) noexcept {
    const File file{facts.bytes, facts.file_bytes};
    Elf64_Ehdr header;
    if (file.bytes == nullptr || !file.holds(0, sizeof header)) {
        return;
    }
    std::memcpy(&header, file.bytes, sizeof header);
    if (!has_sections(file, header)) {
        return;
    }
    for (std::uint64_t i = 0; i < header.e_shnum; ++i) {
        const Elf64_Shdr section = section_at(file, header, i);
        if ((section.sh_type != SHT_SYMTAB && section.sh_type != SHT_DYNSYM) || section.sh_link >= header.e_shnum) {
            continue;
        }
        const Elf64_Shdr names = section_at(file, header, section.sh_link);
        if (!file.holds(section.sh_offset, section.sh_size) || !file.holds(names.sh_offset, names.sh_size) ||
            names.sh_size == 0 || file.bytes[names.sh_offset + names.sh_size - 1] != 0) {
            continue;
        }
        (section.sh_type == SHT_SYMTAB ? all_ : dynamic_) = {
            file.bytes + section.sh_offset, section.sh_size / sizeof(Elf64_Sym),
            reinterpret_cast<const char *>(file.bytes) + names.sh_offset, names.sh_size};
    }
}

CrashFunction CrashNames::find(std::uint64_t address) const noexcept {
    CrashFunction best;
    look_through(all_, address, &best);
    look_through(dynamic_, address, &best);
    return best;
}

void CrashNames::look_through(const Symbols &symbols, std::uint64_t address, CrashFunction *best) const noexcept {
    for (std::uint64_t i = 0; i < symbols.count; ++i) {
        Elf64_Sym symbol; // a copy: files promise no alignment
        std::memcpy(&symbol, symbols.entries + i * sizeof symbol, sizeof symbol);
        if (!is_function(symbol) || symbol.st_name >= symbols.names_bytes || symbol.st_value > address) {
            continue;
        }
        if (best->name == nullptr || symbol.st_value > best->begin) {
            *best = {symbols.names + symbol.st_name, symbol.st_value, address - symbol.st_value < symbol.st_size};
        }
    }
}

} // namespace hotgraft
