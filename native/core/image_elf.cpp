// Reads the ELF header and runs the other parts of the reader in order. See gABI ch. 4 and 5.
#include "image_elf.hpp"

#include <algorithm>

namespace hotgraft {
namespace elf {
namespace {

constexpr std::uint64_t kNameBudgetPerByte = 8;

ImageType type_of(std::uint16_t e_type) noexcept {
    switch (e_type) {
    case ET_REL:
        return ImageType::kObject;
    case ET_EXEC:
        return ImageType::kExecutable;
    case ET_DYN:
        return ImageType::kSharedLibrary;
    case ET_CORE:
        return ImageType::kCore;
    default:
        return ImageType::kOther;
    }
}

std::uint16_t swap_if(std::uint16_t value, bool is_swapped) noexcept {
    return is_swapped ? static_cast<std::uint16_t>(value << 8 | value >> 8) : value;
}

Status check_ident(const Bytes &bytes) {
    if (bytes.size() == 0) {
        return malformed("the file is empty");
    }
    if (bytes.size() < EI_NIDENT || bytes.text(0, SELFMAG) != std::string_view(ELFMAG, SELFMAG)) {
        return malformed("not an ELF image: the first four bytes are not 7f 45 4c 46", "\n", kToDo,
                         "give the path of a plugin's shared library, as `hotgraft build` makes it");
    }
    const auto elf_class = bytes.at<std::uint8_t>(EI_CLASS);
    if (elf_class != ELFCLASS32 && elf_class != ELFCLASS64) {
        return malformed("ELF header: class ", elf_class, " is neither 1 (32-bit) nor 2 (64-bit)");
    }
    const auto order = bytes.at<std::uint8_t>(EI_DATA);
    if (order != ELFDATA2LSB && order != ELFDATA2MSB) {
        return malformed("ELF header: byte order ", order, " is neither 1 (little-endian) nor 2 (big-endian)");
    }
    const std::uint64_t header_bytes = elf_class == ELFCLASS64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
    if (bytes.size() < header_bytes) {
        return malformed("ELF header: takes ", header_bytes, " bytes of a file of ", bytes.size(), " bytes");
    }
    return {};
}

// glibc refuses exactly these in open_verify() (elf/dl-load.c), with a message that names no value.
Status check_header(const Elf64_Ehdr &header) {
    if (header.e_ident[EI_VERSION] != EV_CURRENT || header.e_version != EV_CURRENT) {
        return malformed("ELF header: version is not 1");
    }
    const std::uint8_t abi = header.e_ident[EI_OSABI];
    if (abi != ELFOSABI_SYSV && abi != ELFOSABI_GNU) {
        return malformed("ELF header: OS ABI ", abi, " is neither 0 (System V) nor 3 (GNU)");
    }
    if (!std::all_of(header.e_ident + EI_PAD, header.e_ident + EI_NIDENT, [](unsigned char c) { return c == 0; })) {
        return malformed("ELF header: padding bytes 9 to 15 are not zero");
    }
    if (header.e_ehsize != sizeof(Elf64_Ehdr)) {
        return malformed("ELF header: says it takes ", header.e_ehsize, " bytes, not 64");
    }
    return {};
}

Status read_header(ElfReader &reader, bool *is_ours) {
    if (Status status = check_ident(reader.bytes); !status.is_ok()) {
        return status;
    }
    ImageFacts &facts = reader.facts;
    facts.file_bytes = reader.bytes.size();
    facts.class_bits = reader.bytes.at<std::uint8_t>(EI_CLASS) == ELFCLASS64 ? 64 : 32;
    facts.is_little_endian = reader.bytes.at<std::uint8_t>(EI_DATA) == ELFDATA2LSB;
    // e_type and e_machine lie at the same place in both classes.
    facts.type = type_of(swap_if(reader.bytes.at<std::uint16_t>(EI_NIDENT), !facts.is_little_endian));
    facts.machine = swap_if(reader.bytes.at<std::uint16_t>(EI_NIDENT + 2), !facts.is_little_endian);
    *is_ours = facts.class_bits == 64 && facts.is_little_endian && facts.machine == EM_X86_64 &&
               facts.type == ImageType::kSharedLibrary;
    if (!*is_ours) {
        return {};
    }
    reader.header = reader.bytes.at<Elf64_Ehdr>(0);
    return check_header(reader.header);
}

using Step = Status (*)(ElfReader &);
constexpr Step kSteps[] = {read_program_headers, read_sections, read_dynamic,         read_hash_tables,
                           read_versions,        read_symbols,  check_gnu_hash_names, check_relocations,
                           check_functions,      read_notes,    compare_sections};

} // namespace

const ImageSegment *ElfReader::find_segment(std::uint64_t vaddr, std::uint64_t size) const noexcept {
    const auto after = std::upper_bound(facts.segments.begin(), facts.segments.end(), vaddr,
                                        [](std::uint64_t v, const ImageSegment &s) { return v < s.vaddr; });
    if (after == facts.segments.begin()) {
        return nullptr;
    }
    const ImageSegment &segment = *(after - 1);
    const std::uint64_t into = vaddr - segment.vaddr;
    return into < segment.memory_bytes && size <= segment.memory_bytes - into ? &segment : nullptr;
}

bool ElfReader::is_code(std::uint64_t vaddr) const noexcept {
    const ImageSegment *segment = find_segment(vaddr, 1);
    return segment != nullptr && segment->is_executable && vaddr - segment->vaddr < segment->file_bytes;
}

Status ElfReader::find_table(std::string_view what, std::uint64_t vaddr, std::uint64_t size, Table *out) const {
    const ImageSegment *segment = find_segment(vaddr, size);
    if (segment == nullptr || vaddr - segment->vaddr + size > segment->file_bytes) {
        return malformed(what, ": ", size, " bytes at address ", hex(vaddr), " are not inside one segment of the file");
    }
    if (!segment->is_readable) {
        return malformed(what, ": address ", hex(vaddr), " lies in a segment that is not readable");
    }
    *out = {vaddr, segment->offset + (vaddr - segment->vaddr), size};
    return {};
}

Status ElfReader::find_string(std::string_view what, std::uint64_t offset, std::string_view *out) {
    if (offset >= strings.bytes) {
        return malformed(what, ": name at byte ", offset, " of a string table of ", strings.bytes, " bytes");
    }
    // read_dynamic() has made sure that the table ends with a NUL.
    const std::string_view rest = bytes.text(strings.offset + offset, strings.bytes - offset);
    const std::size_t length = ::strnlen(rest.data(), rest.size());
    if (length > name_budget) {
        return malformed(what, ": the names add up to more than ", kNameBudgetPerByte, " times the file");
    }
    name_budget -= length;
    *out = rest.substr(0, length);
    return {};
}

} // namespace elf

Status inspect_image(const std::uint8_t *data, std::size_t size, ImageFacts *out) {
    elf::ElfReader reader(data, size);
    reader.facts.bytes = data;
    reader.name_budget = size * elf::kNameBudgetPerByte;
    bool is_ours = false;
    if (Status status = elf::read_header(reader, &is_ours); !status.is_ok()) {
        return status;
    }
    if (is_ours) {
        for (const elf::Step step : elf::kSteps) {
            if (Status status = step(reader); !status.is_ok()) {
                return status;
            }
        }
        reader.facts.is_fully_read = true;
    }
    *out = std::move(reader.facts);
    return {};
}

Status check_complete(const std::uint8_t *head, std::size_t head_bytes, std::uint64_t file_bytes) {
    const elf::Bytes bytes(head, std::min<std::uint64_t>(head_bytes, file_bytes));
    if (Status status = elf::check_ident(bytes); !status.is_ok()) {
        return status;
    }
    if (bytes.at<std::uint8_t>(EI_CLASS) != ELFCLASS64 || bytes.at<std::uint8_t>(EI_DATA) != ELFDATA2LSB) {
        return {}; // refused later, by name; nothing to wait for
    }
    const auto header = bytes.at<Elf64_Ehdr>(0);
    const std::uint64_t table_bytes = std::uint64_t{header.e_shnum} * header.e_shentsize;
    if (header.e_shoff > file_bytes || table_bytes > file_bytes - header.e_shoff) {
        return elf::malformed("section table: ", table_bytes, " bytes at byte ", header.e_shoff, " of a file of ",
                              file_bytes, " bytes; it is not complete");
    }
    return {};
}

bool may_become_image(const std::uint8_t *head, std::size_t head_bytes) noexcept {
    for (std::size_t i = 0; i < std::min<std::size_t>(head_bytes, SELFMAG); ++i) {
        if (head[i] != 0 && head[i] != static_cast<std::uint8_t>(ELFMAG[i])) {
            return false;
        }
    }
    return true;
}

} // namespace hotgraft
