// Reads the dynamic symbol table: what the image offers and what it needs, with versions. The loader adds st_value to
// the load address unseen and, for an IFUNC, calls what lies there while it relocates.
#include "image_elf.hpp"

namespace hotgraft::elf {
namespace {

SymbolKind kind_of(unsigned type) noexcept {
    switch (type) {
    case STT_NOTYPE:
        return SymbolKind::kNone;
    case STT_OBJECT:
        return SymbolKind::kObject;
    case STT_FUNC:
        return SymbolKind::kFunction;
    case STT_TLS:
        return SymbolKind::kTls;
    case STT_GNU_IFUNC:
        return SymbolKind::kIfunc;
    case STT_COMMON:
        return SymbolKind::kCommon;
    default:
        return SymbolKind::kOther;
    }
}

std::string name_of(std::uint32_t index, std::string_view name) {
    return "symbol " + std::to_string(index) + " \"" + std::string(name) + "\"";
}

Status read_version(const ElfReader &reader, std::uint32_t index, ImageSymbol *symbol) {
    if (!reader.symbol_versions.is_present()) {
        return {};
    }
    const auto entry =
        reader.bytes.at<Elf64_Half>(reader.symbol_versions.offset + std::uint64_t{index} * sizeof(Elf64_Half));
    const std::uint16_t version = entry & 0x7fff;
    symbol->is_default_version = (entry & 0x8000) == 0;
    if (version <= VER_NDX_GLOBAL) {
        return {};
    }
    if (version >= reader.versions.size() || !reader.versions[version].is_known) {
        return malformed(name_of(index, symbol->name), ": version index ", version, " is not defined");
    }
    symbol->version = reader.versions[version].name;
    symbol->file = reader.versions[version].file;
    return {};
}

Status check_defined(const ElfReader &reader, std::uint32_t index, const ImageSymbol &symbol, std::uint16_t section) {
    if (section == SHN_ABS) {
        return {};
    }
    if (section == SHN_COMMON) {
        return malformed(name_of(index, symbol.name), ": was never given a place");
    }
    if (section >= SHN_LORESERVE) {
        return malformed(name_of(index, symbol.name), ": is in reserved section ", hex(section));
    }
    if (symbol.value == 0 && symbol.kind == SymbolKind::kNone) { // it was an undefined one
        return malformed(name_of(index, symbol.name), ": defined at address 0, where the ELF header is");
    }
    if (symbol.kind == SymbolKind::kTls) {
        if (symbol.value > reader.facts.tls.bytes || reader.facts.tls.bytes == 0) {
            return malformed(name_of(index, symbol.name), ": at byte ", symbol.value, " of ", reader.facts.tls.bytes,
                             " bytes of TLS");
        }
        return {};
    }
    if (symbol.kind == SymbolKind::kFunction || symbol.kind == SymbolKind::kIfunc) {
        if (!reader.is_code(symbol.value)) {
            return malformed(name_of(index, symbol.name), ": a function at address ", hex(symbol.value),
                             ", where no code is");
        }
        return {};
    }
    return {};
}

// Bound to itself, an undefined symbol resolves to the load address: a call of it runs the ELF header.
Status check_undefined(std::uint32_t index, std::string_view name, unsigned binding, unsigned visibility) {
    if (name.empty()) {
        return malformed(name_of(index, name), ": needed, and has no name");
    }
    if (binding == STB_LOCAL || visibility == STV_HIDDEN || visibility == STV_INTERNAL) {
        return malformed(name_of(index, name), ": needed from elsewhere, and local");
    }
    return {};
}

Status read_symbol(ElfReader &reader, std::uint32_t index) {
    const Elf64_Sym entry = reader.symbol(index);
    ImageSymbol symbol;
    if (entry.st_name >= reader.strings.bytes) {
        return malformed("symbol ", index, ": name at byte ", entry.st_name, " of a string table of ",
                         reader.strings.bytes, " bytes");
    }
    if (Status status = reader.find_string("symbol table", entry.st_name, &symbol.name); !status.is_ok()) {
        return status;
    }
    const unsigned binding = ELF64_ST_BIND(entry.st_info);
    const unsigned visibility = ELF64_ST_VISIBILITY(entry.st_other);
    const bool is_defined = entry.st_shndx != SHN_UNDEF;
    symbol.value = entry.st_value;
    symbol.bytes = entry.st_size;
    symbol.kind = kind_of(ELF64_ST_TYPE(entry.st_info));
    symbol.is_weak = binding == STB_WEAK;
    symbol.is_unique = binding == STB_GNU_UNIQUE;
    if (binding > STB_WEAK && binding != STB_GNU_UNIQUE) {
        return malformed(name_of(index, symbol.name), ": binding ", binding, " is unknown");
    }
    if (Status status = read_version(reader, index, &symbol); !status.is_ok()) {
        return status;
    }
    if (Status status = is_defined ? check_defined(reader, index, symbol, entry.st_shndx)
                                   : check_undefined(index, symbol.name, binding, visibility);
        !status.is_ok()) {
        return status;
    }
    if (!is_defined) {
        reader.facts.imports_tls_destructor |= symbol.name.substr(0, 19) == "__cxa_thread_atexit";
        reader.facts.imported.push_back(symbol);
    } else if (binding != STB_LOCAL && (visibility == STV_DEFAULT || visibility == STV_PROTECTED)) {
        reader.facts.gnu_unique += symbol.is_unique ? 1 : 0;
        reader.facts.exported.push_back(symbol);
    }
    return {};
}

} // namespace

Status read_symbols(ElfReader &reader) {
    // Symbol 0 is the null symbol; the loader never looks at it.
    for (std::uint32_t i = 1; i < reader.symbol_count; ++i) {
        if (Status status = read_symbol(reader, i); !status.is_ok()) {
            return status;
        }
    }
    return {};
}

} // namespace hotgraft::elf
