// Reads DT_HASH and DT_GNU_HASH: they alone say how many symbols there are, and the loader walks them without a
// bound (elf/dl-lookup.c, do_lookup_x()). gABI, "Hash Table"; for the GNU table, binutils' elf_gnu_hash_process_symidx
// is the nearest thing to a specification.
#include "image_elf.hpp"

#include <algorithm>

namespace hotgraft::elf {
namespace {

struct GnuHash {
    std::uint32_t bucket_count = 0;
    std::uint32_t first_symbol = 0;
    std::uint32_t filter_words = 0;
    std::uint32_t filter_shift = 0;
    std::uint64_t filter = 0; // file offsets of the three arrays
    std::uint64_t buckets = 0;
    std::uint64_t chains = 0;
    std::uint32_t chain_count_max = 0; // words between `chains` and the end of the segment
};

std::uint32_t hash_of(std::string_view name) noexcept {
    std::uint32_t hash = 5381;
    for (const char c : name) {
        hash = hash * 33 + static_cast<unsigned char>(c);
    }
    return hash;
}

std::uint32_t bucket_at(const ElfReader &reader, const GnuHash &table, std::uint64_t index) {
    return reader.bytes.at<std::uint32_t>(table.buckets + index * 4);
}

std::uint32_t chain_at(const ElfReader &reader, const GnuHash &table, std::uint32_t symbol) {
    return reader.bytes.at<std::uint32_t>(table.chains + std::uint64_t{symbol - table.first_symbol} * 4);
}

Status find_gnu_hash(const ElfReader &reader, GnuHash *out) {
    constexpr std::string_view kWhat = "GNU hash table";
    const std::uint64_t address = reader.dynamic.value(DT_GNU_HASH);
    Table head;
    if (Status status = reader.find_table(kWhat, address, 16, &head); !status.is_ok()) {
        return status;
    }
    GnuHash table;
    table.bucket_count = reader.bytes.at<std::uint32_t>(head.offset);
    table.first_symbol = reader.bytes.at<std::uint32_t>(head.offset + 4);
    table.filter_words = reader.bytes.at<std::uint32_t>(head.offset + 8);
    table.filter_shift = reader.bytes.at<std::uint32_t>(head.offset + 12);
    if (table.filter_words == 0 || (table.filter_words & (table.filter_words - 1)) != 0) {
        return malformed(kWhat, ": ", table.filter_words, " filter words are not a power of two");
    }
    if (table.bucket_count == 0) {
        return malformed(kWhat, ": has no buckets");
    }
    if (table.filter_shift > 31 || table.first_symbol == 0) {
        return malformed(kWhat, ": shift ", table.filter_shift, ", first symbol ", table.first_symbol);
    }
    const std::uint64_t fixed_bytes =
        16 + std::uint64_t{table.filter_words} * 8 + std::uint64_t{table.bucket_count} * 4;
    Table fixed;
    if (Status status = reader.find_table(kWhat, address, fixed_bytes, &fixed); !status.is_ok()) {
        return status;
    }
    table.filter = head.offset + 16;
    table.buckets = table.filter + std::uint64_t{table.filter_words} * 8;
    table.chains = head.offset + fixed_bytes;
    const ImageSegment *segment = reader.find_segment(address, fixed_bytes);
    const std::uint64_t left = segment->offset + segment->file_bytes - table.chains;
    table.chain_count_max = static_cast<std::uint32_t>(std::min<std::uint64_t>(left / 4, UINT32_MAX));
    *out = table;
    return {};
}

// One past the last symbol that the table reaches; 0 when every bucket is empty.
Status count_gnu_hash(const ElfReader &reader, const GnuHash &table, std::uint32_t *out) {
    std::uint32_t last = 0;
    for (std::uint32_t i = 0; i < table.bucket_count; ++i) {
        const std::uint32_t first = bucket_at(reader, table, i);
        if (first != 0 && (first < table.first_symbol || first - table.first_symbol >= table.chain_count_max)) {
            return malformed("GNU hash table: bucket ", i, " begins at symbol ", first, ", outside the table");
        }
        last = std::max(last, first);
    }
    if (last == 0) {
        *out = 0;
        return {};
    }
    for (; last - table.first_symbol < table.chain_count_max; ++last) {
        if ((chain_at(reader, table, last) & 1) != 0) {
            *out = last + 1;
            return {};
        }
    }
    return malformed("GNU hash table: its last chain does not end inside the segment");
}

Status count_sysv_hash(const ElfReader &reader, std::uint32_t *out) {
    constexpr std::string_view kWhat = "hash table";
    const std::uint64_t address = reader.dynamic.value(DT_HASH);
    Table table;
    if (Status status = reader.find_table(kWhat, address, 8, &table); !status.is_ok()) {
        return status;
    }
    const auto bucket_count = reader.bytes.at<std::uint32_t>(table.offset);
    const auto chain_count = reader.bytes.at<std::uint32_t>(table.offset + 4);
    const std::uint64_t table_bytes = 8 + (std::uint64_t{bucket_count} + chain_count) * 4;
    if (Status status = reader.find_table(kWhat, address, table_bytes, &table); !status.is_ok()) {
        return status;
    }
    const std::uint64_t chains = table.offset + 8 + std::uint64_t{bucket_count} * 4;
    std::uint64_t steps = 0;
    for (std::uint64_t i = 0; i < bucket_count; ++i) {
        auto symbol = reader.bytes.at<std::uint32_t>(table.offset + 8 + i * 4);
        for (; symbol != STN_UNDEF; symbol = reader.bytes.at<std::uint32_t>(chains + std::uint64_t{symbol} * 4)) {
            if (symbol >= chain_count) {
                return malformed(kWhat, ": the chain of bucket ", i, " reaches symbol ", symbol, " of ", chain_count);
            }
            if (++steps > chain_count) { // each symbol stands in one chain, once
                return malformed(kWhat, ": the chain of bucket ", i, " never ends");
            }
        }
    }
    *out = chain_count;
    return {};
}

// A GNU table does not count symbols it does not hold. Then the sections or the relocations have to say.
std::uint32_t count_unhashed(const ElfReader &reader, std::uint32_t at_least) {
    for (const SectionClaim &section : reader.sections) {
        if (section.type == SHT_DYNSYM) {
            return static_cast<std::uint32_t>(std::min<std::uint64_t>(section.bytes / sizeof(Elf64_Sym), UINT32_MAX));
        }
    }
    for (const Table *table : {&reader.relocations, &reader.plt_relocations}) {
        for (std::uint64_t at = 0; at < table->bytes; at += sizeof(Elf64_Rela)) {
            const auto entry = reader.bytes.at<Elf64_Rela>(table->offset + at);
            const auto symbol = static_cast<std::uint32_t>(ELF64_R_SYM(entry.r_info));
            at_least = std::max(at_least, symbol < UINT32_MAX ? symbol + 1 : symbol);
        }
    }
    return at_least;
}

} // namespace

Status read_hash_tables(ElfReader &reader) {
    const bool has_sysv = reader.dynamic.has(DT_HASH);
    const bool has_gnu = reader.dynamic.has(DT_GNU_HASH);
    if (!has_sysv && !has_gnu) {
        return malformed("dynamic section: neither DT_HASH nor DT_GNU_HASH; no symbol can be looked up");
    }
    std::uint32_t sysv_count = 0;
    std::uint32_t gnu_count = 0;
    if (has_sysv) {
        if (Status status = count_sysv_hash(reader, &sysv_count); !status.is_ok()) {
            return status;
        }
    }
    if (has_gnu) {
        GnuHash table;
        if (Status status = find_gnu_hash(reader, &table); !status.is_ok()) {
            return status;
        }
        if (Status status = count_gnu_hash(reader, table, &gnu_count); !status.is_ok()) {
            return status;
        }
        if (gnu_count == 0 && !has_sysv) {
            gnu_count = count_unhashed(reader, table.first_symbol);
        }
    }
    if (has_sysv && gnu_count != 0 && gnu_count != sysv_count) {
        return malformed("hash tables: DT_HASH counts ", sysv_count, " symbols, DT_GNU_HASH ", gnu_count);
    }
    reader.symbol_count = has_sysv ? sysv_count : gnu_count;
    const std::uint64_t table_bytes = std::uint64_t{reader.symbol_count} * sizeof(Elf64_Sym);
    return reader.find_table("symbol table", reader.dynamic.value(DT_SYMTAB), table_bytes, &reader.symbols);
}

Status check_gnu_hash_names(ElfReader &reader) {
    if (!reader.dynamic.has(DT_GNU_HASH)) {
        return {};
    }
    GnuHash table;
    if (Status status = find_gnu_hash(reader, &table); !status.is_ok()) {
        return status;
    }
    std::uint32_t hashed_end = 0;
    if (Status status = count_gnu_hash(reader, table, &hashed_end); !status.is_ok()) {
        return status;
    }
    bool is_first_of_chain = true;
    std::uint32_t bucket = 0;
    for (std::uint32_t i = table.first_symbol; i < hashed_end; ++i) {
        // read_symbols() has already read and bounded this name.
        const char *name = reader.bytes.text(reader.strings.offset + reader.symbol(i).st_name, 1).data();
        const std::uint32_t hash = hash_of(name);
        const std::uint32_t chain = chain_at(reader, table, i);
        if ((chain | 1) != (hash | 1)) {
            return malformed("GNU hash table: symbol ", i, " is filed under ", hex(chain), ", its name \"",
                             std::string_view(name), "\" hashes to ", hex(hash));
        }
        if (is_first_of_chain) {
            bucket = hash % table.bucket_count; // NOLINT(clang-analyzer-core.DivideZero): find_gnu_hash() refused 0
        }
        const bool starts_bucket = bucket_at(reader, table, hash % table.bucket_count) == i;
        if (hash % table.bucket_count != bucket || starts_bucket != is_first_of_chain) {
            return malformed("GNU hash table: symbol ", i, " is in the chain of bucket ", bucket, ", not of ",
                             hash % table.bucket_count);
        }
        const auto word =
            reader.bytes.at<std::uint64_t>(table.filter + std::uint64_t{hash / 64 & (table.filter_words - 1)} * 8);
        if ((word >> (hash & 63) & word >> (hash >> table.filter_shift & 63) & 1) == 0) {
            return malformed("GNU hash table: its filter hides symbol ", i);
        }
        is_first_of_chain = (chain & 1) != 0;
    }
    return {};
}

} // namespace hotgraft::elf
