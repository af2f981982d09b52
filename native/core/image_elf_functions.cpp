// Checks the functions the loader itself calls: DT_INIT and DT_FINI, and each entry of DT_INIT_ARRAY and
// DT_FINI_ARRAY. An entry is a pointer that a relocation has to make; one that is left as it stands in the file is
// called as an address and ends the process.
#include "image_elf.hpp"

namespace hotgraft::elf {
namespace {

struct FunctionArray {
    std::string_view what;
    Table table;
    std::uint64_t relocated = 0; // entries that a relocation fills
};

Status check_pointer(const ElfReader &reader, const FunctionArray &array, std::uint64_t at, std::uint64_t target) {
    if (!reader.is_code(target)) {
        return malformed(array.what, ": the entry at ", hex(at), " calls ", hex(target), ", where no code is");
    }
    return {};
}

Status visit_relocation(const ElfReader &reader, const Elf64_Rela &entry, FunctionArray &array) {
    const std::uint64_t into = entry.r_offset - array.table.vaddr;
    const auto type = static_cast<std::uint32_t>(ELF64_R_TYPE(entry.r_info));
    if (into >= array.table.bytes || type == R_X86_64_NONE) {
        return {};
    }
    if (into % 8 != 0 || (type != R_X86_64_RELATIVE && type != R_X86_64_64)) {
        return malformed(array.what, ": a relocation of type ", type, " at byte ", into);
    }
    ++array.relocated;
    const auto symbol = static_cast<std::uint32_t>(ELF64_R_SYM(entry.r_info));
    if (type == R_X86_64_RELATIVE) {
        return check_pointer(reader, array, entry.r_offset, static_cast<std::uint64_t>(entry.r_addend));
    }
    // Another library may take a symbol's place: only one that nobody defines here is left unchecked.
    const Elf64_Sym target = reader.symbol(symbol);
    if (symbol == 0 || target.st_shndx == SHN_UNDEF) {
        return {};
    }
    return check_pointer(reader, array, entry.r_offset, target.st_value + static_cast<std::uint64_t>(entry.r_addend));
}

Status visit_relative(const ElfReader &reader, std::uint64_t vaddr, FunctionArray &array) {
    const std::uint64_t into = vaddr - array.table.vaddr;
    if (into >= array.table.bytes) {
        return {};
    }
    if (into % 8 != 0) {
        return malformed(array.what, ": a relative relocation at byte ", into);
    }
    ++array.relocated;
    return check_pointer(reader, array, vaddr, reader.bytes.at<std::uint64_t>(array.table.offset + into));
}

using Arrays = FunctionArray[2];

Status visit_at(const ElfReader &reader, std::uint64_t vaddr, Arrays &arrays) {
    const ImageSegment *segment = reader.find_segment(vaddr, 8);
    if (segment == nullptr || (!segment->is_writable && !reader.facts.has_text_relocations)) {
        return malformed("relative relocations: target ", hex(vaddr), " is not inside a writable segment");
    }
    const Table &dynamic = reader.dynamic_section;
    if (vaddr < dynamic.vaddr + dynamic.bytes && dynamic.vaddr < vaddr + 8) {
        return malformed("relative relocations: target ", hex(vaddr), " lies in the dynamic section");
    }
    for (FunctionArray &array : arrays) {
        if (Status status = visit_relative(reader, vaddr, array); !status.is_ok()) {
            return status;
        }
    }
    return {};
}

// DT_RELR: an even word is an address, an odd one a bitmap of the 63 words after it. gABI, "Relative Relocation Table".
Status visit_relr(const ElfReader &reader, Arrays &arrays) {
    std::uint64_t where = 0;
    for (std::uint64_t at = 0; at < reader.relative_relocations.bytes; at += 8) {
        const auto word = reader.bytes.at<std::uint64_t>(reader.relative_relocations.offset + at);
        if ((word & 1) == 0) {
            if (Status status = visit_at(reader, word, arrays); !status.is_ok()) {
                return status;
            }
            where = word + 8;
            continue;
        }
        for (unsigned bit = 0; bit < 63; ++bit) {
            if ((word >> (bit + 1) & 1) != 0) {
                if (Status status = visit_at(reader, where + bit * std::uint64_t{8}, arrays); !status.is_ok()) {
                    return status;
                }
            }
        }
        where += std::uint64_t{63} * 8;
    }
    return {};
}

Status visit_rela(const ElfReader &reader, Arrays &arrays) {
    const std::uint64_t count = reader.relocations.bytes / sizeof(Elf64_Rela);
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto entry = reader.bytes.at<Elf64_Rela>(reader.relocations.offset + i * sizeof(Elf64_Rela));
        for (FunctionArray &array : arrays) {
            if (Status status = visit_relocation(reader, entry, array); !status.is_ok()) {
                return status;
            }
        }
    }
    return {};
}

Status find_array(const ElfReader &reader, std::int64_t tag, std::int64_t bytes_tag, FunctionArray *out) {
    const std::uint64_t size = reader.dynamic.value(bytes_tag);
    if (size % 8 != 0) {
        return malformed(out->what, ": ", size, " bytes are not a whole number of pointers");
    }
    return size == 0 ? Status() : reader.find_table(out->what, reader.dynamic.value(tag), size, &out->table);
}

Status check_function(const ElfReader &reader, std::string_view what, std::int64_t tag) {
    if (reader.dynamic.has(tag) && !reader.is_code(reader.dynamic.value(tag))) {
        return malformed(what, ": at address ", hex(reader.dynamic.value(tag)), ", where no code is");
    }
    return {};
}

} // namespace

Status check_functions(ElfReader &reader) {
    if (Status status = check_function(reader, "DT_INIT", DT_INIT); !status.is_ok()) {
        return status;
    }
    if (Status status = check_function(reader, "DT_FINI", DT_FINI); !status.is_ok()) {
        return status;
    }
    Arrays arrays = {{"DT_INIT_ARRAY", {}, 0}, {"DT_FINI_ARRAY", {}, 0}};
    if (Status status = find_array(reader, DT_INIT_ARRAY, DT_INIT_ARRAYSZ, &arrays[0]); !status.is_ok()) {
        return status;
    }
    if (Status status = find_array(reader, DT_FINI_ARRAY, DT_FINI_ARRAYSZ, &arrays[1]); !status.is_ok()) {
        return status;
    }
    if (Status status = visit_rela(reader, arrays); !status.is_ok()) {
        return status;
    }
    if (Status status = visit_relr(reader, arrays); !status.is_ok()) {
        return status;
    }
    for (const FunctionArray &array : arrays) {
        if (array.relocated != array.table.bytes / 8) {
            return malformed(array.what, ": ", array.relocated, " of ", array.table.bytes / 8,
                             " entries are filled by a relocation");
        }
    }
    return {};
}

} // namespace hotgraft::elf
