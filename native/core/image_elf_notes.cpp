// Reads the notes: build id, Go's build id, the x86 levels the code needs, and hotgraft's descriptor. The loader reads
// property notes itself, at p_vaddr. gABI, "Note Section"; x86-64 psABI, ".note.gnu.property".
#include "image_elf.hpp"

#include <algorithm>

namespace hotgraft::elf {
namespace {

constexpr std::string_view kDescriptorName{"hotgraft\0", 9};
constexpr std::uint32_t kDescriptorType = 1;
constexpr std::uint32_t kGoBuildIdType = 4;

struct Note {
    std::string_view name;
    std::uint32_t type;
    std::uint64_t offset; // of the descriptor bytes, in the file
    std::uint64_t vaddr;
    std::uint64_t bytes;
};

std::uint64_t round_up(std::uint64_t value, std::uint64_t align) noexcept {
    return (value + align - 1) & ~(align - 1);
}

IsaLevel level_of(std::uint32_t needed) noexcept {
    for (const IsaLevel level : {4, 3, 2, 1}) {
        if ((needed >> (level - 1) & 1) != 0) {
            return level;
        }
    }
    return 0;
}

Status read_properties(ElfReader &reader, const Note &note) {
    constexpr std::uint64_t kHeadBytes = 8;
    std::uint64_t at = 0;
    while (note.bytes - at >= kHeadBytes) {
        const auto type = reader.bytes.at<std::uint32_t>(note.offset + at);
        const auto size = reader.bytes.at<std::uint32_t>(note.offset + at + 4);
        at += kHeadBytes;
        if (size > note.bytes - at) {
            return malformed("property note: property ", hex(type), " of ", size, " bytes leaves the note");
        }
        if (type == GNU_PROPERTY_X86_ISA_1_NEEDED && size == 4) {
            reader.facts.isa_level_needed = level_of(reader.bytes.at<std::uint32_t>(note.offset + at));
        }
        at = std::min(round_up(at + size, 8), note.bytes);
    }
    return {};
}

Status read_note(ElfReader &reader, const Note &note) {
    if (note.name == kDescriptorName && note.type == kDescriptorType) {
        if (reader.facts.descriptor && reader.facts.descriptor->offset != note.offset) {
            return malformed("hotgraft note: one at byte ", reader.facts.descriptor->offset,
                             " of the file, another at ", note.offset);
        }
        reader.facts.descriptor = DescriptorNote{note.offset, note.vaddr, note.bytes};
        return {};
    }
    if (note.name == std::string_view("GNU\0", 4)) {
        if (note.type == NT_GNU_BUILD_ID) {
            reader.facts.build_id = reader.bytes.text(note.offset, note.bytes);
        }
        return note.type == NT_GNU_PROPERTY_TYPE_0 ? read_properties(reader, note) : Status();
    }
    reader.facts.has_go_runtime |= note.name == std::string_view("Go\0\0", 4) && note.type == kGoBuildIdType;
    return {};
}

Status read_segment(ElfReader &reader, std::size_t index, const Elf64_Phdr &header) {
    const std::uint64_t align = header.p_align == 8 ? 8 : 4;
    std::uint64_t at = 0;
    while (at < header.p_filesz) {
        const std::uint64_t left = header.p_filesz - at;
        if (left < sizeof(Elf64_Nhdr)) {
            return malformed("program header ", index, ": ", left, " bytes after the last note");
        }
        const auto head = reader.bytes.at<Elf64_Nhdr>(header.p_offset + at);
        const std::uint64_t into = round_up(sizeof(head) + std::uint64_t{head.n_namesz}, align);
        if (into > left || head.n_descsz > left - into) {
            return malformed("program header ", index, ": the note at byte ", header.p_offset + at, ", with a name of ",
                             head.n_namesz, " and a body of ", head.n_descsz, " bytes, leaves its segment");
        }
        Note note;
        note.name = reader.bytes.text(header.p_offset + at + sizeof(head), head.n_namesz);
        note.type = head.n_type;
        note.offset = header.p_offset + at + into;
        note.vaddr = header.p_vaddr + at + into;
        note.bytes = head.n_descsz;
        if (Status status = read_note(reader, note); !status.is_ok()) {
            return status;
        }
        at += std::min(round_up(into + head.n_descsz, align), left);
    }
    return {};
}

} // namespace

Status read_notes(ElfReader &reader) {
    for (std::size_t i = 0; i < reader.program_headers.size(); ++i) {
        const Elf64_Phdr &header = reader.program_headers[i];
        if (header.p_type == PT_NOTE && header.p_filesz != 0) {
            if (Status status = read_segment(reader, i, header); !status.is_ok()) {
                return status;
            }
        }
    }
    return {};
}

} // namespace hotgraft::elf
