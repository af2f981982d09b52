// Reads PT_DYNAMIC: where every other table is. glibc walks it up to DT_NULL, asserts on what it does not expect
// (elf/get-dynamic-info.h; a failed assert ends the process) and follows one tag of a pair without looking for the
// other, so pairs must be complete here.
#include "image_elf.hpp"

#include <algorithm>

namespace hotgraft::elf {
namespace {

struct Pair {
    std::int64_t table;
    std::int64_t size;
};

constexpr Pair kPairs[] = {
    {DT_STRTAB, DT_STRSZ},
    {DT_RELA, DT_RELASZ},
    {DT_RELA, DT_RELAENT},
    {DT_JMPREL, DT_PLTRELSZ},
    {DT_JMPREL, DT_PLTREL},
    {DT_RELR, DT_RELRSZ},
    {DT_RELR, DT_RELRENT},
    {DT_VERNEED, DT_VERNEEDNUM},
    {DT_VERDEF, DT_VERDEFNUM},
    {DT_INIT_ARRAY, DT_INIT_ARRAYSZ},
    {DT_FINI_ARRAY, DT_FINI_ARRAYSZ},
};

struct Fixed {
    std::int64_t tag;
    std::uint64_t value;
};

// Sizes of entries that the loader asserts or assumes.
constexpr Fixed kFixed[] = {
    {DT_SYMENT, sizeof(Elf64_Sym)},
    {DT_RELAENT, sizeof(Elf64_Rela)},
    {DT_RELRENT, sizeof(Elf64_Relr)},
    {DT_PLTREL, DT_RELA},
};

std::string name_of(std::int64_t tag) {
    return "dynamic section: tag " + hex(static_cast<std::uint64_t>(tag));
}

Status read_entries(ElfReader &reader) {
    const std::uint64_t count = reader.dynamic_section.bytes / sizeof(Elf64_Dyn);
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto entry = reader.bytes.at<Elf64_Dyn>(reader.dynamic_section.offset + i * sizeof(Elf64_Dyn));
        if (entry.d_tag == DT_NULL) {
            return {};
        }
        if (entry.d_tag == DT_NEEDED) {
            reader.needed_offsets.push_back(entry.d_un.d_val);
        } else if (DynamicTable::knows(entry.d_tag)) {
            if (reader.dynamic.has(entry.d_tag)) {
                return malformed(name_of(entry.d_tag), " stands twice, again as entry ", i);
            }
            reader.dynamic.put(entry.d_tag, entry.d_un.d_val);
        }
    }
    return malformed("dynamic section: none of its ", count, " entries ends it");
}

Status check_entries(const ElfReader &reader) {
    const DynamicTable &dynamic = reader.dynamic;
    for (const std::int64_t tag : {std::int64_t{DT_STRTAB}, std::int64_t{DT_SYMTAB}}) {
        if (!dynamic.has(tag)) {
            return malformed(name_of(tag), " is missing; the loader cannot do without");
        }
    }
    for (const Pair &pair : kPairs) {
        if (dynamic.has(pair.table) != dynamic.has(pair.size)) {
            const bool has_table = dynamic.has(pair.table);
            return malformed(name_of(has_table ? pair.table : pair.size), " is there without tag ",
                             hex(static_cast<std::uint64_t>(has_table ? pair.size : pair.table)));
        }
    }
    for (const Fixed &fixed : kFixed) {
        if (dynamic.has(fixed.tag) && dynamic.value(fixed.tag) != fixed.value) {
            return malformed(name_of(fixed.tag), " is ", dynamic.value(fixed.tag), ", must be ", fixed.value);
        }
    }
    if (dynamic.has(DT_REL)) {
        return malformed(name_of(DT_REL), ": x86-64 knows no relocations without addend");
    }
    return {};
}

struct Wanted {
    std::string_view what;
    std::int64_t address_tag;
    std::int64_t bytes_tag;
    std::uint64_t entry_bytes;
    Table ElfReader::*table;
};

constexpr Wanted kTables[] = {
    {"string table", DT_STRTAB, DT_STRSZ, 1, &ElfReader::strings},
    {"relocations", DT_RELA, DT_RELASZ, sizeof(Elf64_Rela), &ElfReader::relocations},
    {"PLT relocations", DT_JMPREL, DT_PLTRELSZ, sizeof(Elf64_Rela), &ElfReader::plt_relocations},
    {"relative relocations", DT_RELR, DT_RELRSZ, sizeof(Elf64_Relr), &ElfReader::relative_relocations},
};

Status find_tables(ElfReader &reader) {
    for (const Wanted &wanted : kTables) {
        const std::uint64_t size = reader.dynamic.value(wanted.bytes_tag);
        if (size == 0) {
            continue;
        }
        if (size % wanted.entry_bytes != 0) {
            return malformed(wanted.what, ": ", size, " bytes are not a whole number of entries of ",
                             wanted.entry_bytes, " bytes");
        }
        const std::uint64_t address = reader.dynamic.value(wanted.address_tag);
        if (Status status = reader.find_table(wanted.what, address, size, &(reader.*wanted.table)); !status.is_ok()) {
            return status;
        }
    }
    const Table &strings = reader.strings;
    if (!strings.is_present() || reader.bytes.at<char>(strings.offset + strings.bytes - 1) != '\0') {
        return malformed("string table: ", strings.bytes, " bytes at address ", hex(strings.vaddr),
                         " do not end with a NUL");
    }
    return {};
}

// The name that `tag` gives the place of.
Status find_name(ElfReader &reader, std::int64_t tag, std::uint64_t offset, std::string_view *out) {
    const Status status = reader.find_string("", offset, out);
    return status.is_ok() ? Status() : malformed(name_of(tag), status.message());
}

Status read_names(ElfReader &reader) {
    struct Name {
        std::int64_t tag;
        std::string_view ImageFacts::*fact;
    };
    constexpr Name kNames[] = {
        {DT_SONAME, &ImageFacts::soname}, {DT_RPATH, &ImageFacts::rpath}, {DT_RUNPATH, &ImageFacts::runpath}};
    for (const Name &name : kNames) {
        if (reader.dynamic.has(name.tag)) {
            const std::uint64_t offset = reader.dynamic.value(name.tag);
            if (Status status = find_name(reader, name.tag, offset, &(reader.facts.*name.fact)); !status.is_ok()) {
                return status;
            }
        }
    }
    reader.facts.needed.reserve(reader.needed_offsets.size());
    for (const std::uint64_t offset : reader.needed_offsets) {
        std::string_view needed;
        if (Status status = find_name(reader, DT_NEEDED, offset, &needed); !status.is_ok()) {
            return status;
        }
        if (needed.empty()) {
            return malformed(name_of(DT_NEEDED), ": the name of a needed file is empty");
        }
        reader.facts.needed.push_back(needed);
    }
    return {};
}

// DT_AUXILIARY and DT_FILTER name files too; the loader opens them.
Status check_filters(ElfReader &reader) {
    for (const std::int64_t tag : {std::int64_t{DT_AUXILIARY}, std::int64_t{DT_FILTER}}) {
        std::string_view name;
        if (reader.dynamic.has(tag)) {
            if (Status status = find_name(reader, tag, reader.dynamic.value(tag), &name); !status.is_ok()) {
                return status;
            }
        }
    }
    return {};
}

void read_flags(ElfReader &reader) {
    const DynamicTable &dynamic = reader.dynamic;
    const std::uint64_t flags = dynamic.value(DT_FLAGS);
    const std::uint64_t flags_1 = dynamic.value(DT_FLAGS_1);
    ImageFacts &facts = reader.facts;
    facts.uses_static_tls = (flags & DF_STATIC_TLS) != 0;
    facts.has_text_relocations = dynamic.has(DT_TEXTREL) || (flags & DF_TEXTREL) != 0;
    facts.is_nodelete = (flags_1 & DF_1_NODELETE) != 0;
    facts.forbids_open = (flags_1 & DF_1_NOOPEN) != 0;
    facts.is_interposer = (flags_1 & DF_1_INTERPOSE) != 0;
    // Linkers before 2017 did not set the flag; only an executable has both an interpreter and DT_DEBUG.
    facts.is_pie = (flags_1 & DF_1_PIE) != 0 || (facts.has_interpreter && dynamic.has(DT_DEBUG));
}

} // namespace

Status read_dynamic(ElfReader &reader) {
    using DynamicStep = Status (*)(ElfReader &);
    constexpr DynamicStep kDynamicSteps[] = {read_entries, [](ElfReader &r) { return check_entries(r); }, find_tables};
    for (const DynamicStep step : kDynamicSteps) {
        if (Status status = step(reader); !status.is_ok()) {
            return status;
        }
    }
    read_flags(reader);
    if (Status status = read_names(reader); !status.is_ok()) {
        return status;
    }
    return check_filters(reader);
}

} // namespace hotgraft::elf
