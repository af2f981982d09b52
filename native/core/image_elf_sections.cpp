// Reads the section table, which the loader ignores, for two reasons: it is the last thing a linker writes, so a file
// that holds it whole was written to its end; and it says again where the tables are and how long, so a damaged
// dynamic section is found by comparing the two. An image without sections is read all the same.
#include "image_elf.hpp"

#include <algorithm>

namespace hotgraft::elf {
namespace {

constexpr std::uint64_t kSectorBytes = 512;
constexpr std::uint64_t kHoleBytesMin = 16; // fewer may be a short function's tail

std::string name_of(std::size_t index, std::string_view name) {
    return "section " + std::to_string(index) + " (" + std::string(name.substr(0, 40)) + ")";
}

Elf64_Shdr header_at(const ElfReader &reader, std::uint64_t index) {
    return reader.bytes.at<Elf64_Shdr>(reader.header.e_shoff + index * sizeof(Elf64_Shdr));
}

// The name lies in `names`, the section that e_shstrndx points to.
Status read_section(ElfReader &reader, std::uint64_t index, const Elf64_Shdr &names) {
    const Elf64_Shdr header = header_at(reader, index);
    if (header.sh_type != SHT_NULL && header.sh_type != SHT_NOBITS &&
        !reader.bytes.contains(header.sh_offset, header.sh_size)) {
        return malformed(name_of(index, ""), ": ", header.sh_size, " bytes at byte ", header.sh_offset,
                         " of a file of ", reader.bytes.size(), " bytes");
    }
    if (header.sh_name >= names.sh_size) {
        return malformed(name_of(index, ""), ": name at byte ", header.sh_name, " of a table of ", names.sh_size,
                         " bytes");
    }
    const std::string_view rest = reader.bytes.text(names.sh_offset + header.sh_name, names.sh_size - header.sh_name);
    if (header.sh_link >= reader.header.e_shnum) {
        return malformed(name_of(index, ""), ": linked to section ", header.sh_link, " of ", reader.header.e_shnum);
    }
    // 40 bytes of a name are more than any comparison below needs: invariant (2).
    const std::string_view name = rest.substr(0, ::strnlen(rest.data(), std::min<std::size_t>(rest.size(), 40)));
    reader.sections.push_back(
        {header.sh_type, header.sh_flags, header.sh_addr, header.sh_offset, header.sh_size, header.sh_link, name});
    return {};
}

// A section that is part of the process must lie in a segment, at the same distance in the file and in memory.
Status compare_place(const ElfReader &reader, std::size_t index, const SectionClaim &section) {
    if ((section.flags & SHF_ALLOC) == 0 || section.bytes == 0 || (section.flags & SHF_TLS) != 0) {
        return {};
    }
    const ImageSegment *segment = reader.find_segment(section.vaddr, section.bytes);
    if (segment == nullptr) {
        return malformed(name_of(index, section.name), ": ", section.bytes, " bytes at address ", hex(section.vaddr),
                         " are not inside one segment");
    }
    const std::uint64_t into = section.vaddr - segment->vaddr;
    if (section.type != SHT_NOBITS &&
        (into + section.bytes > segment->file_bytes || segment->offset + into != section.offset)) {
        return malformed(name_of(index, section.name), ": byte ", section.offset, " of the file is not what address ",
                         hex(section.vaddr), " will hold");
    }
    const bool is_writable = (section.flags & SHF_WRITE) != 0;
    const bool is_executable = (section.flags & SHF_EXECINSTR) != 0;
    if ((is_executable && !segment->is_executable) || (is_writable && !segment->is_writable)) {
        return malformed(name_of(index, section.name), ": needs rights that its segment does not give");
    }
    return {};
}

struct Claim {
    std::uint32_t type;
    std::int64_t address_tag;
    std::int64_t bytes_tag; // 0: the dynamic section does not say
};

// The sections that the dynamic section names by tag. See gABI, "Dynamic Section".
constexpr Claim kClaims[] = {
    {SHT_DYNSYM, DT_SYMTAB, 0},
    {SHT_HASH, DT_HASH, 0},
    {SHT_GNU_HASH, DT_GNU_HASH, 0},
    {SHT_GNU_versym, DT_VERSYM, 0},
    {SHT_GNU_verdef, DT_VERDEF, 0},
    {SHT_GNU_verneed, DT_VERNEED, 0},
    {SHT_INIT_ARRAY, DT_INIT_ARRAY, DT_INIT_ARRAYSZ},
    {SHT_FINI_ARRAY, DT_FINI_ARRAY, DT_FINI_ARRAYSZ},
};

Status compare_tag(const ElfReader &reader, std::size_t index, const SectionClaim &section, const Claim &claim) {
    const std::uint64_t address = reader.dynamic.value(claim.address_tag);
    if (!reader.dynamic.has(claim.address_tag) || address != section.vaddr) {
        return malformed(name_of(index, section.name), ": at address ", hex(section.vaddr),
                         ", the dynamic section says ", hex(address));
    }
    if (claim.bytes_tag != 0 && reader.dynamic.value(claim.bytes_tag) != section.bytes) {
        return malformed(name_of(index, section.name), ": has ", section.bytes, " bytes, the dynamic section says ",
                         reader.dynamic.value(claim.bytes_tag));
    }
    return {};
}

Status compare_symbols(const ElfReader &reader, std::size_t index, const SectionClaim &section) {
    if (section.bytes / sizeof(Elf64_Sym) != reader.symbol_count) {
        return malformed(name_of(index, section.name), ": ", section.bytes / sizeof(Elf64_Sym),
                         " symbols, the hash table says ", reader.symbol_count);
    }
    const SectionClaim &strings = reader.sections[section.link];
    if (strings.vaddr != reader.strings.vaddr || strings.bytes != reader.strings.bytes) {
        return malformed(name_of(section.link, strings.name), ": ", strings.bytes, " bytes at address ",
                         hex(strings.vaddr), ", the dynamic section says ", reader.strings.bytes, " at ",
                         hex(reader.strings.vaddr));
    }
    return {};
}

// `-init NAME` and BOLT put the function elsewhere; one inside the section begins where the section does.
Status compare_function(const ElfReader &reader, std::size_t index, const SectionClaim &section, std::int64_t tag) {
    const std::uint64_t into = reader.dynamic.value(tag) - section.vaddr;
    if (reader.dynamic.has(tag) && into != 0 && into < section.bytes) {
        return malformed(name_of(index, section.name), ": at address ", hex(section.vaddr),
                         ", the dynamic section says ", hex(reader.dynamic.value(tag)));
    }
    return {};
}

// Plain data stays writable; a RELRO range that covers it makes the first store a crash.
Status compare_relro(const ElfReader &reader, std::size_t index, const SectionClaim &section) {
    for (const Elf64_Phdr &header : reader.program_headers) {
        const std::uint64_t end = (header.p_vaddr + header.p_memsz) & ~(kPageBytes - 1);
        if (header.p_type == PT_GNU_RELRO && section.bytes != 0 && section.vaddr < end &&
            header.p_vaddr < section.vaddr + section.bytes) {
            return malformed(name_of(index, section.name), ": lies in the RELRO range that ends at ", hex(end));
        }
    }
    return {};
}

// A torn write leaves sectors of zeros. In data they say nothing; in code no linker leaves any: of the code sections of
// 1,480 libraries (Debian 12, clang's and Python's included) none holds zeros up to a sector's border.
Status compare_code(const ElfReader &reader, std::size_t index, const SectionClaim &section) {
    if (section.type != SHT_PROGBITS || (section.flags & SHF_EXECINSTR) == 0) {
        return {};
    }
    const std::uint64_t end = section.offset + section.bytes; // inside the file: read_section() looked
    for (std::uint64_t begin = section.offset; begin < end;) {
        const std::uint64_t next = std::min((begin / kSectorBytes + 1) * kSectorBytes, end);
        const std::string_view part = reader.bytes.text(begin, next - begin);
        if (part.size() >= kHoleBytesMin && part.find_first_not_of('\0') == std::string_view::npos) {
            return malformed(name_of(index, section.name), ": ", part.size(), " bytes of code at byte ", begin,
                             " are zero: the file was not written whole");
        }
        begin = next;
    }
    return {};
}

Status compare_section(const ElfReader &reader, std::size_t index, const SectionClaim &section) {
    if (Status status = compare_place(reader, index, section); !status.is_ok()) {
        return status;
    }
    if ((section.flags & SHF_ALLOC) == 0) {
        return {};
    }
    if (Status status = compare_code(reader, index, section); !status.is_ok()) {
        return status;
    }
    for (const Claim &claim : kClaims) {
        if (claim.type == section.type) {
            if (Status status = compare_tag(reader, index, section, claim); !status.is_ok()) {
                return status;
            }
        }
    }
    if (section.type == SHT_DYNSYM) {
        return compare_symbols(reader, index, section);
    }
    if (section.name == ".init") {
        return compare_function(reader, index, section, DT_INIT);
    }
    if (section.name == ".fini") {
        return compare_function(reader, index, section, DT_FINI);
    }
    if (section.name == ".data" || section.name == ".bss") {
        return compare_relro(reader, index, section);
    }
    return {};
}

// Every relocation section must be one the loader will be told of, or its slots stay unrelocated.
Status compare_relocations(const ElfReader &reader) {
    std::uint64_t in_sections = 0;
    for (const SectionClaim &section : reader.sections) {
        if (section.type == SHT_RELA && (section.flags & SHF_ALLOC) != 0) {
            in_sections += section.bytes;
        }
    }
    const std::uint64_t in_dynamic = reader.relocations.bytes + reader.plt_relocations.bytes;
    if (in_sections != 0 && in_sections != in_dynamic) {
        return malformed("relocations: ", in_sections, " bytes in the sections, the dynamic section says ", in_dynamic);
    }
    return {};
}

} // namespace

Status read_sections(ElfReader &reader) {
    const Elf64_Ehdr &header = reader.header;
    if (header.e_shoff == 0 && header.e_shnum == 0) {
        return {};
    }
    if (header.e_shentsize != sizeof(Elf64_Shdr) || header.e_shnum == 0) {
        return malformed("ELF header: ", header.e_shnum, " section headers of ", header.e_shentsize, " bytes each");
    }
    const std::uint64_t table_bytes = std::uint64_t{header.e_shnum} * sizeof(Elf64_Shdr);
    if (!reader.bytes.contains(header.e_shoff, table_bytes)) {
        return malformed("section table: ", table_bytes, " bytes at byte ", header.e_shoff, " of a file of ",
                         reader.bytes.size(), " bytes; it is not complete");
    }
    if (header.e_shstrndx >= header.e_shnum) {
        return malformed("ELF header: section names are in section ", header.e_shstrndx, " of ", header.e_shnum);
    }
    const Elf64_Shdr names = header_at(reader, header.e_shstrndx);
    if (names.sh_type != SHT_STRTAB || !reader.bytes.contains(names.sh_offset, names.sh_size)) {
        return malformed("section ", header.e_shstrndx, ": does not hold the names of the sections");
    }
    reader.facts.has_section_table = true;
    reader.sections.reserve(header.e_shnum);
    for (std::uint64_t i = 0; i < header.e_shnum; ++i) {
        if (Status status = read_section(reader, i, names); !status.is_ok()) {
            return status;
        }
    }
    return {};
}

Status compare_sections(ElfReader &reader) {
    for (std::size_t i = 0; i < reader.sections.size(); ++i) {
        if (Status status = compare_section(reader, i, reader.sections[i]); !status.is_ok()) {
            return status;
        }
    }
    return compare_relocations(reader);
}

} // namespace hotgraft::elf
