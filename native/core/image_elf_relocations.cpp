// Checks every relocation: the loader stores to load address + r_offset for each, whatever that address is, and ends
// the process where an assert of its own fails (sysdeps/x86_64/dl-machine.h). x86-64 psABI ch. 4.4.
#include "image_elf.hpp"

#include <algorithm>

namespace hotgraft::elf {
namespace {

// An addend may point a little outside of the image: one past the end of an array, or before its first element.
constexpr std::uint64_t kSlackBytes = std::uint64_t{1} << 20;

// Addresses that nothing may relocate: tables the loader reads while it relocates. Only those in writable segments,
// usually the dynamic section alone.
using Untouchable = std::vector<Table>;

Untouchable find_untouchable(const ElfReader &reader) {
    Untouchable found;
    for (const Table *table : {&reader.dynamic_section, &reader.strings, &reader.symbols, &reader.symbol_versions,
                               &reader.relocations, &reader.plt_relocations, &reader.relative_relocations}) {
        if (table->is_present() && reader.find_segment(table->vaddr, 1)->is_writable) {
            found.push_back(*table);
        }
    }
    return found;
}

struct Context {
    const ElfReader &reader;
    std::string_view what;
    Untouchable untouchable;
    std::uint64_t address_end; // one past the last byte of the image in memory
    const ImageSegment *last_segment = nullptr;
    std::uint64_t last_target = 0;
};

std::string name_of(const Context &context, std::uint64_t index) {
    return std::string(context.what) + ": entry " + std::to_string(index);
}

Status check_target(Context &context, std::uint64_t index, std::uint64_t vaddr, std::uint64_t width) {
    const ImageSegment *segment = context.last_segment; // nearly always the same one
    if (segment == nullptr || vaddr < segment->vaddr || vaddr - segment->vaddr >= segment->memory_bytes ||
        width > segment->memory_bytes - (vaddr - segment->vaddr)) {
        segment = context.reader.find_segment(vaddr, width);
        context.last_segment = segment;
    }
    if (segment == nullptr) {
        return malformed(name_of(context, index), ": target ", hex(vaddr), " is not inside one segment");
    }
    if (!segment->is_writable && !context.reader.facts.has_text_relocations) {
        return malformed(name_of(context, index), ": target ", hex(vaddr), " lies in a segment that is not writable");
    }
    for (const Table &table : context.untouchable) {
        if (vaddr < table.vaddr + table.bytes && table.vaddr < vaddr + width) {
            return malformed(name_of(context, index), ": target ", hex(vaddr), " lies in a table of the loader's");
        }
    }
    return {};
}

std::uint64_t width_of(std::uint32_t type) noexcept {
    switch (type) {
    case R_X86_64_PC32:
    case R_X86_64_32:
    case R_X86_64_SIZE32:
        return 4;
    case R_X86_64_TLSDESC:
        return 16;
    case R_X86_64_64:
    case R_X86_64_GLOB_DAT:
    case R_X86_64_JUMP_SLOT:
    case R_X86_64_RELATIVE:
    case R_X86_64_DTPMOD64:
    case R_X86_64_DTPOFF64:
    case R_X86_64_TPOFF64:
    case R_X86_64_SIZE64:
    case R_X86_64_IRELATIVE:
    case R_X86_64_RELATIVE64:
        return 8;
    default:
        return 0; // COPY too: it belongs into executables and would overwrite what it copies to
    }
}

bool is_tls(std::uint32_t type) noexcept {
    return type == R_X86_64_DTPMOD64 || type == R_X86_64_DTPOFF64 || type == R_X86_64_TPOFF64 ||
           type == R_X86_64_TLSDESC;
}

Status check_symbol_use(const Context &context, std::uint64_t index, std::uint32_t type, const Elf64_Sym &symbol) {
    const bool is_tls_symbol = ELF64_ST_TYPE(symbol.st_info) == STT_TLS;
    const bool is_defined = symbol.st_shndx != SHN_UNDEF;
    const bool is_size = type == R_X86_64_SIZE32 || type == R_X86_64_SIZE64;
    if (!is_size && is_tls_symbol != is_tls(type) && (is_defined || is_tls_symbol)) {
        return malformed(name_of(context, index), ": type ", type, is_tls(type) ? " needs" : " cannot use",
                         " a symbol of TLS");
    }
    return {};
}

Status check_value(const Context &context, std::uint64_t index, const Elf64_Rela &entry) {
    const auto type = static_cast<std::uint32_t>(ELF64_R_TYPE(entry.r_info));
    const auto symbol = static_cast<std::uint32_t>(ELF64_R_SYM(entry.r_info));
    const auto addend = static_cast<std::uint64_t>(entry.r_addend);
    if (symbol >= context.reader.symbol_count && symbol != 0) {
        return malformed(name_of(context, index), ": symbol ", symbol, " of ", context.reader.symbol_count);
    }
    if (type == R_X86_64_IRELATIVE && !context.reader.is_code(addend)) {
        return malformed(name_of(context, index), ": resolver at ", hex(addend), ", where no code is");
    }
    if ((type == R_X86_64_RELATIVE || type == R_X86_64_RELATIVE64) &&
        (addend + kSlackBytes >= context.address_end + 2 * kSlackBytes || symbol != 0)) {
        return malformed(name_of(context, index), ": points to ", hex(addend), ", outside of the image");
    }
    const bool is_slot = type == R_X86_64_GLOB_DAT || type == R_X86_64_JUMP_SLOT;
    if (is_slot && (symbol == 0 || addend != 0)) {
        return malformed(name_of(context, index), ": type ", type, " with symbol ", symbol, " and addend ",
                         hex(addend));
    }
    if (symbol != 0) {
        return check_symbol_use(context, index, type, context.reader.symbol(symbol));
    }
    if (is_tls(type) && context.reader.facts.tls.bytes == 0) {
        return malformed(name_of(context, index), ": type ", type, " needs TLS of its own, and there is none");
    }
    return {};
}

Status check_entry(Context &context, std::uint64_t index, const Elf64_Rela &entry) {
    const auto type = static_cast<std::uint32_t>(ELF64_R_TYPE(entry.r_info));
    if (type == R_X86_64_NONE) {
        return {};
    }
    const std::uint64_t width = width_of(type);
    if (width == 0) {
        return malformed(name_of(context, index), ": type ", type, " is not one for a shared library");
    }
    if (Status status = check_target(context, index, entry.r_offset, width); !status.is_ok()) {
        return status;
    }
    return check_value(context, index, entry);
}

// Linkers write the relative relocations and the PLT's in order of their targets. One out of order has been moved, and
// the pointer it should have made is left as it stands in the file.
Status check_order(Context &context, std::uint64_t index, const Elf64_Rela &entry) {
    const auto type = static_cast<std::uint32_t>(ELF64_R_TYPE(entry.r_info));
    if (type != R_X86_64_RELATIVE && type != R_X86_64_JUMP_SLOT) {
        return {};
    }
    if (index != 0 && entry.r_offset <= context.last_target) {
        return malformed(name_of(context, index), ": target ", hex(entry.r_offset), " after target ",
                         hex(context.last_target));
    }
    context.last_target = entry.r_offset;
    return {};
}

bool belongs_into_plt(std::uint32_t type) noexcept {
    return type == R_X86_64_JUMP_SLOT || type == R_X86_64_IRELATIVE || type == R_X86_64_TLSDESC;
}

Status check_table(ElfReader &reader, std::string_view what, const Table &table, std::uint64_t relative_count) {
    const bool is_plt = &table == &reader.plt_relocations;
    const ImageSegment &last = reader.facts.segments.back();
    Context context{reader, what, find_untouchable(reader), last.vaddr + last.memory_bytes};
    const std::uint64_t count = table.bytes / sizeof(Elf64_Rela);
    bool uses_static_tls = false;
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto entry = reader.bytes.at<Elf64_Rela>(table.offset + i * sizeof(Elf64_Rela));
        if (Status status = check_entry(context, i, entry); !status.is_ok()) {
            return status;
        }
        const auto type = static_cast<std::uint32_t>(ELF64_R_TYPE(entry.r_info));
        const bool is_ordered = is_plt || i < relative_count;
        if (Status status = is_ordered ? check_order(context, i, entry) : Status(); !status.is_ok()) {
            return status;
        }
        if (is_plt && !belongs_into_plt(type)) {
            return malformed(what, ": entry ", i, " has type ", type, ", which is not one of a PLT");
        }
        if (i < relative_count && type != R_X86_64_RELATIVE) { // an assert of the loader's
            return malformed(what, ": entry ", i, " has type ", type, ", the first ", relative_count,
                             " are promised to be relative");
        }
        uses_static_tls |= type == R_X86_64_TPOFF64;
    }
    reader.facts.uses_static_tls |= uses_static_tls;
    return {};
}

} // namespace

Status check_relocations(ElfReader &reader) {
    const std::uint64_t relative_count = reader.dynamic.value(DT_RELACOUNT);
    if (relative_count > reader.relocations.bytes / sizeof(Elf64_Rela)) {
        return malformed("relocations: ", reader.relocations.bytes / sizeof(Elf64_Rela), " entries, ", relative_count,
                         " of them promised to be relative");
    }
    if (Status status = check_table(reader, "relocations", reader.relocations, relative_count); !status.is_ok()) {
        return status;
    }
    return check_table(reader, "PLT relocations", reader.plt_relocations, 0);
}

} // namespace hotgraft::elf
