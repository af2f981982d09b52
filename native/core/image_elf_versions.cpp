// Reads DT_VERDEF, DT_VERNEED and DT_VERSYM. glibc walks both lists by their "next" offsets alone and asserts that
// every file named in DT_VERNEED is loaded (elf/dl-version.c), so each must be in DT_NEEDED. LSB Core, "Symbol
// Versioning".
#include "image_elf.hpp"

#include <algorithm>

namespace hotgraft::elf {
namespace {

constexpr std::uint16_t kIndexMask = 0x7fff;

std::uint32_t sysv_hash_of(std::string_view name) noexcept {
    std::uint32_t hash = 0;
    for (const char c : name) {
        hash = (hash << 4) + static_cast<unsigned char>(c);
        const std::uint32_t top = hash & 0xf0000000;
        hash = (hash ^ top >> 24) & ~top;
    }
    return hash;
}

// A list of records, each saying how far on the next one is. Ends the walk at the end of the table at the latest.
class Walk {
public:
    Walk(std::string_view what, const Table &table, std::uint64_t at) : what_(what), table_(table), at_(at) {}

    [[nodiscard]] std::uint64_t at() const noexcept { return at_; } // file offset of this record
    [[nodiscard]] Status check(std::uint64_t record_bytes) const {
        if (at_ < table_.offset || at_ - table_.offset > table_.bytes ||
            record_bytes > table_.bytes - (at_ - table_.offset)) {
            return malformed(what_, ": a record at byte ", at_, " of the file is outside its segment");
        }
        return {};
    }
    // Only forwards, so that no list is a circle. False at the end of the list.
    [[nodiscard]] bool advance(std::uint32_t next) noexcept {
        at_ += next;
        return next != 0;
    }

private:
    std::string_view what_;
    Table table_;
    std::uint64_t at_;
};

Status put_version(ElfReader &reader, std::string_view what, std::uint16_t index, const VersionName &version) {
    if (index == 0 || index > kIndexMask) {
        return malformed(what, ": version index ", index, " of \"", version.name, "\"");
    }
    if (index >= reader.versions.size()) {
        reader.versions.resize(index + std::size_t{1});
    }
    if (reader.versions[index].is_known) {
        return malformed(what, ": index ", index, " stands for \"", reader.versions[index].name, "\" and for \"",
                         version.name, "\"");
    }
    reader.versions[index] = version;
    return {};
}

// The list may go on to the end of its segment: nothing but its own offsets says how long it is.
Status find_list(const ElfReader &reader, std::string_view what, std::int64_t tag, Table *out) {
    const std::uint64_t address = reader.dynamic.value(tag);
    const ImageSegment *segment = reader.find_segment(address, 1);
    if (segment == nullptr || address - segment->vaddr >= segment->file_bytes) {
        return malformed(what, ": address ", hex(address), " is not inside a segment of the file");
    }
    return reader.find_table(what, address, segment->file_bytes - (address - segment->vaddr), out);
}

Status check_hash(std::string_view what, std::string_view name, std::uint32_t hash) {
    if (hash != sysv_hash_of(name)) {
        return malformed(what, ": \"", name, "\" is filed under hash ", hex(hash), ", it is ", hex(sysv_hash_of(name)));
    }
    return {};
}

Status read_definitions(ElfReader &reader) {
    constexpr std::string_view kWhat = "version definitions";
    Table table;
    if (Status status = find_list(reader, kWhat, DT_VERDEF, &table); !status.is_ok()) {
        return status;
    }
    reader.facts.has_version_definitions = true;
    std::uint64_t count = 0;
    Walk walk(kWhat, table, table.offset);
    for (bool more = true; more;) {
        if (Status status = walk.check(sizeof(Elf64_Verdef)); !status.is_ok()) {
            return status;
        }
        const auto record = reader.bytes.at<Elf64_Verdef>(walk.at());
        const Walk name_walk(kWhat, table, walk.at() + record.vd_aux);
        if (Status status = name_walk.check(sizeof(Elf64_Verdaux)); !status.is_ok()) {
            return status;
        }
        if (record.vd_version != VER_DEF_CURRENT || record.vd_cnt == 0) {
            return malformed(kWhat, ": record ", count, " has format ", record.vd_version, " and ", record.vd_cnt,
                             " names");
        }
        std::string_view name;
        const auto first = reader.bytes.at<Elf64_Verdaux>(name_walk.at());
        if (Status status = reader.find_string(kWhat, first.vda_name, &name); !status.is_ok()) {
            return status;
        }
        if (Status status = check_hash(kWhat, name, record.vd_hash); !status.is_ok()) {
            return status;
        }
        const bool is_base = (record.vd_flags & VER_FLG_BASE) != 0;
        if (!is_base) {
            reader.facts.version_definitions.push_back(name);
        }
        if (Status status = put_version(reader, kWhat, record.vd_ndx, {is_base ? "" : name, {}, true});
            !status.is_ok()) {
            return status;
        }
        ++count;
        more = walk.advance(record.vd_next);
    }
    if (count != reader.dynamic.value(DT_VERDEFNUM)) {
        return malformed(kWhat, ": ", count, " records, the dynamic section says ", reader.dynamic.value(DT_VERDEFNUM));
    }
    return {};
}

// The versions needed of one file.
Status read_needs_of(ElfReader &reader, const Table &table, std::uint64_t at, std::string_view file,
                     std::uint16_t names) {
    constexpr std::string_view kWhat = "version needs";
    std::uint64_t count = 0;
    Walk walk(kWhat, table, at);
    for (bool more = true; more; ++count) {
        if (Status status = walk.check(sizeof(Elf64_Vernaux)); !status.is_ok()) {
            return status;
        }
        const auto record = reader.bytes.at<Elf64_Vernaux>(walk.at());
        std::string_view name;
        if (Status status = reader.find_string(kWhat, record.vna_name, &name); !status.is_ok()) {
            return status;
        }
        if (Status status = check_hash(kWhat, name, record.vna_hash); !status.is_ok()) {
            return status;
        }
        reader.facts.version_needs.push_back({file, name, (record.vna_flags & VER_FLG_WEAK) != 0});
        if (Status status = put_version(reader, kWhat, record.vna_other & kIndexMask, {name, file, true});
            !status.is_ok()) {
            return status;
        }
        more = walk.advance(record.vna_next);
    }
    if (count != names) {
        return malformed(kWhat, ": ", count, " versions of ", file, ", its record says ", names);
    }
    return {};
}

Status read_needs(ElfReader &reader) {
    constexpr std::string_view kWhat = "version needs";
    Table table;
    if (Status status = find_list(reader, kWhat, DT_VERNEED, &table); !status.is_ok()) {
        return status;
    }
    std::uint64_t count = 0;
    Walk walk(kWhat, table, table.offset);
    for (bool more = true; more; ++count) {
        if (Status status = walk.check(sizeof(Elf64_Verneed)); !status.is_ok()) {
            return status;
        }
        const auto record = reader.bytes.at<Elf64_Verneed>(walk.at());
        if (record.vn_version != VER_NEED_CURRENT) {
            return malformed(kWhat, ": record ", count, " has format ", record.vn_version, ", not 1");
        }
        std::string_view file;
        if (Status status = reader.find_string(kWhat, record.vn_file, &file); !status.is_ok()) {
            return status;
        }
        const std::vector<std::string_view> &needed = reader.facts.needed;
        if (std::find(needed.begin(), needed.end(), file) == needed.end()) {
            return malformed(kWhat, ": versions of \"", file, "\", which is not among the needed files");
        }
        if (Status status = read_needs_of(reader, table, walk.at() + record.vn_aux, file, record.vn_cnt);
            !status.is_ok()) {
            return status;
        }
        more = walk.advance(record.vn_next);
    }
    if (count != reader.dynamic.value(DT_VERNEEDNUM)) {
        return malformed(kWhat, ": ", count, " files, the dynamic section says ", reader.dynamic.value(DT_VERNEEDNUM));
    }
    return {};
}

} // namespace

Status read_versions(ElfReader &reader) {
    if (reader.dynamic.has(DT_VERDEF)) {
        if (Status status = read_definitions(reader); !status.is_ok()) {
            return status;
        }
    }
    if (reader.dynamic.has(DT_VERNEED)) {
        if (Status status = read_needs(reader); !status.is_ok()) {
            return status;
        }
    }
    reader.facts.has_symbol_versions = reader.dynamic.has(DT_VERSYM);
    if (!reader.facts.has_symbol_versions) {
        return {};
    }
    return reader.find_table("symbol versions", reader.dynamic.value(DT_VERSYM),
                             std::uint64_t{reader.symbol_count} * sizeof(Elf64_Half), &reader.symbol_versions);
}

} // namespace hotgraft::elf
