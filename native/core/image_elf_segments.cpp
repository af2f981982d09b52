// Reads the program headers: what the kernel and the loader will map, and with which rights.
//
// glibc maps each PT_LOAD by whole pages and relies on ascending addresses (elf/dl-load.c, dl-map-segments.h); it
// reads PT_DYNAMIC, PT_NOTE, PT_TLS and PT_PHDR through p_vaddr without checking that anything is mapped there.
#include "image_elf.hpp"

namespace hotgraft::elf {
namespace {

constexpr std::uint64_t kProgramHeadersMax = 512; // linkers write about 10
constexpr std::uint64_t kAlignMax = std::uint64_t{1} << 30;
constexpr std::uint64_t kAddressMax = std::uint64_t{1} << 40;
constexpr std::uint64_t kTlsBytesMax = std::uint64_t{1} << 30;
constexpr std::uint64_t kTlsAlignMax = std::uint64_t{1} << 16;

bool is_power_of_two(std::uint64_t value) noexcept {
    return value != 0 && (value & (value - 1)) == 0;
}
std::uint64_t page_down(std::uint64_t value) noexcept {
    return value & ~(kPageBytes - 1);
}
std::uint64_t page_up(std::uint64_t value) noexcept {
    return page_down(value + kPageBytes - 1);
}

std::string name_of(std::size_t index) {
    return "program header " + std::to_string(index);
}

Status check_load(const ElfReader &reader, std::size_t index, const Elf64_Phdr &header) {
    const std::uint64_t size = reader.bytes.size();
    if (!reader.bytes.contains(header.p_offset, header.p_filesz)) {
        if (header.p_offset <= size && header.p_filesz <= ~header.p_offset) {
            return malformed(name_of(index), ": segment ends at byte ", header.p_offset + header.p_filesz,
                             " of a file of ", size, " bytes");
        }
        return malformed(name_of(index), ": segment of ", header.p_filesz, " bytes begins at byte ", header.p_offset,
                         " of a file of ", size, " bytes");
    }
    if (header.p_memsz < header.p_filesz) {
        return malformed(name_of(index), ": segment has ", header.p_filesz, " bytes in the file and only ",
                         header.p_memsz, " in memory");
    }
    if (header.p_vaddr > kAddressMax || header.p_memsz > kAddressMax) {
        return malformed(name_of(index), ": segment of ", header.p_memsz, " bytes at address ", hex(header.p_vaddr),
                         " is out of reach");
    }
    if (!is_power_of_two(header.p_align) || header.p_align < kPageBytes || header.p_align > kAlignMax) {
        return malformed(name_of(index), ": alignment ", header.p_align, " is not a power of two between ", kPageBytes,
                         " and ", kAlignMax);
    }
    if (((header.p_vaddr - header.p_offset) & (header.p_align - 1)) != 0) {
        return malformed(name_of(index), ": address ", hex(header.p_vaddr), " and file offset ", header.p_offset,
                         " differ modulo the alignment ", header.p_align);
    }
    return {};
}

Status read_load(ElfReader &reader, std::size_t index, const Elf64_Phdr &header) {
    if (Status status = check_load(reader, index, header); !status.is_ok()) {
        return status;
    }
    std::vector<ImageSegment> &segments = reader.facts.segments;
    if (!segments.empty()) {
        const ImageSegment &last = segments.back();
        if (page_down(header.p_vaddr) < page_up(last.vaddr + last.memory_bytes)) {
            return malformed(name_of(index), ": segment at address ", hex(header.p_vaddr),
                             " begins before the one before it ends, at ", hex(last.vaddr + last.memory_bytes));
        }
    }
    ImageSegment segment;
    segment.vaddr = header.p_vaddr;
    segment.offset = header.p_offset;
    segment.file_bytes = header.p_filesz;
    segment.memory_bytes = header.p_memsz;
    segment.align = header.p_align;
    segment.is_readable = (header.p_flags & PF_R) != 0;
    segment.is_writable = (header.p_flags & PF_W) != 0;
    segment.is_executable = (header.p_flags & PF_X) != 0;
    reader.facts.has_writable_code |= segment.is_writable && segment.is_executable;
    segments.push_back(segment);
    return {};
}

// A header whose bytes the loader reads at p_vaddr: they must be the ones at p_offset.
Status check_mapped(const ElfReader &reader, std::size_t index, const Elf64_Phdr &header) {
    Table table;
    if (Status status = reader.find_table("", header.p_vaddr, header.p_filesz, &table); !status.is_ok()) {
        return malformed(name_of(index), status.message());
    }
    if (table.offset != header.p_offset) {
        return malformed(name_of(index), ": says byte ", header.p_offset, " of the file, but its address ",
                         hex(header.p_vaddr), " holds byte ", table.offset);
    }
    return {};
}

Status read_tls(ElfReader &reader, std::size_t index, const Elf64_Phdr &header) {
    if (header.p_memsz == 0) {
        return {}; // the loader ignores it too
    }
    if (reader.facts.tls.bytes != 0) {
        return malformed(name_of(index), ": a second TLS segment");
    }
    if (header.p_filesz > header.p_memsz || header.p_memsz > kTlsBytesMax) {
        return malformed(name_of(index), ": TLS segment of ", header.p_filesz, " bytes in the file and ",
                         header.p_memsz, " in memory");
    }
    if (header.p_align > kTlsAlignMax || (header.p_align != 0 && !is_power_of_two(header.p_align))) {
        return malformed(name_of(index), ": TLS alignment ", header.p_align, " is not a power of two up to ",
                         kTlsAlignMax);
    }
    reader.facts.tls = {header.p_memsz, header.p_align};
    return header.p_filesz == 0 ? Status() : check_mapped(reader, index, header);
}

// After relocation the loader makes whole pages of this range read-only.
Status check_relro(const ElfReader &reader, std::size_t index, const Elf64_Phdr &header) {
    if (header.p_memsz == 0) {
        return {};
    }
    const ImageSegment *segment = reader.find_segment(header.p_vaddr, 1);
    if (segment == nullptr || !segment->is_writable || header.p_memsz > kAddressMax ||
        page_down(header.p_vaddr + header.p_memsz) > page_up(segment->vaddr + segment->memory_bytes)) {
        return malformed(name_of(index), ": RELRO range of ", header.p_memsz, " bytes at address ", hex(header.p_vaddr),
                         " is not inside one writable segment");
    }
    return {};
}

Status read_dynamic_header(ElfReader &reader, std::size_t index, const Elf64_Phdr &header) {
    if (reader.dynamic_section.is_present()) {
        return malformed(name_of(index), ": a second dynamic section");
    }
    if (header.p_filesz < sizeof(Elf64_Dyn) || header.p_vaddr % alignof(Elf64_Dyn) != 0) {
        return malformed(name_of(index), ": dynamic section of ", header.p_filesz, " bytes at address ",
                         hex(header.p_vaddr));
    }
    if (Status status = check_mapped(reader, index, header); !status.is_ok()) {
        return status;
    }
    // glibc relocates the entries in place unless PT_DYNAMIC itself is marked read-only (2.36, dl_relocate_ld()).
    const ImageSegment *segment = reader.find_segment(header.p_vaddr, header.p_filesz);
    if ((header.p_flags & PF_W) != 0 && !segment->is_writable) {
        return malformed(name_of(index), ": dynamic section is writable, its segment is not");
    }
    reader.dynamic_section = {header.p_vaddr, header.p_offset, header.p_filesz};
    return {};
}

Status check_program_header_address(const ElfReader &reader, std::size_t index, const Elf64_Phdr &header) {
    Table table;
    const std::uint64_t table_bytes = reader.program_headers.size() * sizeof(Elf64_Phdr);
    if (Status status = reader.find_table("", header.p_vaddr, table_bytes, &table); !status.is_ok()) {
        return malformed(name_of(index), status.message());
    }
    if (table.offset != reader.header.e_phoff) {
        return malformed(name_of(index), ": address ", hex(header.p_vaddr), " holds byte ", table.offset,
                         " of the file, the program headers begin at byte ", reader.header.e_phoff);
    }
    return {};
}

Status read_other(ElfReader &reader, std::size_t index, const Elf64_Phdr &header) {
    switch (header.p_type) {
    case PT_DYNAMIC:
        return read_dynamic_header(reader, index, header);
    case PT_TLS:
        return read_tls(reader, index, header);
    case PT_GNU_RELRO:
        return check_relro(reader, index, header);
    case PT_PHDR:
        return check_program_header_address(reader, index, header);
    case PT_GNU_STACK:
        reader.facts.has_executable_stack = (header.p_flags & PF_X) != 0;
        return {};
    case PT_INTERP:
        reader.facts.has_interpreter = true;
        return check_mapped(reader, index, header);
    case PT_NOTE:
    case PT_GNU_PROPERTY:
    case PT_GNU_EH_FRAME:
        return header.p_filesz == 0 ? Status() : check_mapped(reader, index, header);
    default:
        return {};
    }
}

Status copy_program_headers(ElfReader &reader) {
    const Elf64_Ehdr &header = reader.header;
    if (header.e_phentsize != sizeof(Elf64_Phdr)) {
        return malformed("ELF header: program headers of ", header.e_phentsize, " bytes each, not 56");
    }
    const std::uint64_t table_bytes = std::uint64_t{header.e_phnum} * sizeof(Elf64_Phdr);
    if (!reader.bytes.contains(header.e_phoff, table_bytes)) {
        return malformed("ELF header: ", header.e_phnum, " program headers at byte ", header.e_phoff, " of a file of ",
                         reader.bytes.size(), " bytes");
    }
    if (header.e_phnum > kProgramHeadersMax) {
        return malformed("ELF header: ", header.e_phnum, " program headers; more than ", kProgramHeadersMax);
    }
    reader.program_headers.reserve(header.e_phnum);
    for (std::uint64_t i = 0; i < header.e_phnum; ++i) {
        reader.program_headers.push_back(reader.bytes.at<Elf64_Phdr>(header.e_phoff + i * sizeof(Elf64_Phdr)));
    }
    return {};
}

} // namespace

Status read_program_headers(ElfReader &reader) {
    if (Status status = copy_program_headers(reader); !status.is_ok()) {
        return status;
    }
    reader.facts.has_executable_stack = true; // what the loader assumes where PT_GNU_STACK is missing
    const std::vector<Elf64_Phdr> &headers = reader.program_headers;
    for (std::size_t i = 0; i < headers.size(); ++i) {
        if (headers[i].p_type == PT_LOAD) {
            if (Status status = read_load(reader, i, headers[i]); !status.is_ok()) {
                return status;
            }
        }
    }
    if (reader.facts.segments.empty()) {
        return malformed("program headers: none of ", headers.size(), " is a segment to load");
    }
    for (std::size_t i = 0; i < headers.size(); ++i) {
        if (Status status = read_other(reader, i, headers[i]); !status.is_ok()) {
            return status;
        }
    }
    if (!reader.dynamic_section.is_present()) {
        return malformed("program headers: none of ", headers.size(), " is a dynamic section");
    }
    return {};
}

} // namespace hotgraft::elf
