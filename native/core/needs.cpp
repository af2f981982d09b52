// The rules of check_needs(), one function each. The order of the rules is the order of the report.
#include "needs.hpp"

#include "needs_rules.hpp"

#include <elf.h>

#include <algorithm>
#include <cstddef>

namespace hotgraft {
namespace {

constexpr std::size_t kSymbolsNamedMax = 20;
constexpr std::size_t kUniqueNamedMax = 3;

std::string name_of_machine(std::uint16_t machine) {
    switch (machine) {
    case EM_X86_64:
        return "x86-64";
    case EM_386:
        return "i386";
    case EM_AARCH64:
        return "AArch64";
    case EM_ARM:
        return "ARM";
    case EM_RISCV:
        return "RISC-V";
    case EM_PPC64:
        return "PowerPC 64";
    case EM_S390:
        return "S/390";
    default:
        return "number " + std::to_string(machine);
    }
}

std::string name_of_type(ImageType type) {
    switch (type) {
    case ImageType::kObject:
        return "a relocatable object (.o)";
    case ImageType::kExecutable:
        return "an executable";
    case ImageType::kSharedLibrary:
        return "a shared library";
    case ImageType::kCore:
        return "a core dump";
    case ImageType::kOther:
        break;
    }
    return "of an unknown ELF type";
}

void check_machine(Check &check) {
    const ImageFacts &facts = check.facts;
    const std::string ours = name_of_machine(check.environment.machine);
    if (facts.machine != check.environment.machine) {
        check.refuse("machine", "machine", "is " + name_of_machine(facts.machine), "this process is " + ours,
                     "build it for " + ours);
    }
    if (facts.class_bits != 64) {
        check.refuse("class", "class", "is " + std::to_string(facts.class_bits) + "-bit", "this process is 64-bit",
                     "build it without -m32 or -mx32");
    }
    if (!facts.is_little_endian) {
        check.refuse("byte-order", "byte order", "is big-endian", "this process is little-endian");
    }
    if (facts.type != ImageType::kSharedLibrary || facts.is_pie) {
        check.refuse("type", "image",
                     "is " + (facts.is_pie ? "a position-independent executable" : name_of_type(facts.type)),
                     "a plugin is a shared library", "link it with -shared");
    }
}

void check_isa_level(Check &check) {
    if (check.facts.isa_level_needed > check.environment.isa_level) {
        check.refuse("isa-level", "code", "needs x86-64-v" + std::to_string(check.facts.isa_level_needed),
                     "this processor is x86-64-v" + std::to_string(check.environment.isa_level),
                     "build it with a lower -march");
    }
}

// Most places hold nothing of that name: their folders are listed, and the files that were there with what is wrong.
std::string list_places(const std::vector<SearchedPlace> &places) {
    std::string nothing;
    std::string text;
    for (const SearchedPlace &place : places) {
        if (place.reason == kNoSuchFile) {
            nothing += (nothing.empty() ? "" : ", ") + place.place.substr(0, place.place.rfind('/'));
        } else {
            text += "; " + place.place + " " + place.reason;
        }
    }
    return (nothing.empty() ? "" : "it is not in " + nothing) +
           (nothing.empty() && !text.empty() ? text.substr(2) : text);
}

void check_needed_files(Check &check) {
    for (const Dependency &dependency : check.environment.closure) {
        if (dependency.provider == nullptr) {
            const std::string by = dependency.needed_by.empty() ? "" : " by " + dependency.needed_by;
            check.refuse("needed-file", dependency.name, "is needed" + by + " and was not found",
                         list_places(dependency.searched),
                         "install " + dependency.name + ", or give the plugin a RUNPATH to its folder");
        }
    }
}

const Provider *find_direct(const Environment &environment, std::string_view file) {
    for (const Dependency &dependency : environment.closure) {
        if (dependency.name == file) {
            return dependency.provider.get();
        }
    }
    return nullptr;
}

// The highest of the provider's versions that share a prefix up to the first '_' with the one that is needed.
// Numbers are compared as numbers: 2.9 is lower than 2.36.
bool is_lower(std::string_view a, std::string_view b) {
    std::size_t i = 0;
    std::size_t j = 0;
    while (i < a.size() && j < b.size()) {
        const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
        if (is_digit(a[i]) && is_digit(b[j])) {
            unsigned long left = 0;
            unsigned long right = 0;
            for (; i < a.size() && is_digit(a[i]); ++i) {
                left = left * 10 + static_cast<unsigned long>(a[i] - '0');
            }
            for (; j < b.size() && is_digit(b[j]); ++j) {
                right = right * 10 + static_cast<unsigned long>(b[j] - '0');
            }
            if (left != right) {
                return left < right;
            }
        } else if (a[i] != b[j]) {
            return a[i] < b[j];
        } else {
            ++i;
            ++j;
        }
    }
    return a.size() - i < b.size() - j;
}

std::string highest_like(const Provider &provider, std::string_view needed) {
    const std::string_view family = needed.substr(0, needed.find('_') + 1);
    std::string_view highest;
    for (const std::string &version : provider.versions()) {
        const std::string_view rest = std::string_view(version).substr(std::min(family.size(), version.size()));
        const bool is_number = !rest.empty() && rest[0] >= '0' && rest[0] <= '9';
        if (version.compare(0, family.size(), family) == 0 && is_number &&
            (highest.empty() || is_lower(highest, version))) {
            highest = version;
        }
    }
    return highest.empty() ? "does not define it" : "defines up to " + std::string(highest);
}

void check_versions(Check &check) {
    for (const VersionNeed &need : check.facts.version_needs) {
        const std::string file(need.file);
        const std::string version(need.version);
        const Provider *provider = find_direct(check.environment, need.file);
        if (provider == nullptr || need.is_weak) {
            continue;
        }
        if (provider->versions().empty()) {
            // Without DT_VERSYM an assert of the loader's ends the process (elf/dl-lookup.c, check_match()).
            const bool is_fatal = !provider->has_symbol_versions();
            Finding finding{is_fatal ? Severity::kRefusal : Severity::kWarning,
                            "unversioned-provider",
                            version,
                            "is needed from " + file,
                            "the one here, " + provider->path() + ", defines no versions",
                            "build against the " + file + " that is installed here"};
            check.found.push_back(std::move(finding));
        } else if (!provider->defines_version(need.version)) {
            check.refuse("version", version, "is needed from " + file,
                         "the one here, " + provider->path() + ", " + highest_like(*provider, need.version),
                         "build on a system as old as the oldest one the plugin must run on");
        }
    }
}

void check_symbols(Check &check) {
    std::vector<std::string> missing;
    const std::vector<std::string> &global = check.environment.global_symbols;
    for (const ImageSymbol *symbol : find_unresolved(check.facts, check.environment.closure)) {
        const std::string name(symbol->name);
        if (std::find(global.begin(), global.end(), name) == global.end()) {
            missing.push_back(symbol->version.empty() ? name : name + "@" + std::string(symbol->version));
        }
    }
    if (missing.empty()) {
        return;
    }
    std::string names;
    for (std::size_t i = 0; i < std::min(missing.size(), kSymbolsNamedMax); ++i) {
        names += (i == 0 ? "" : ", ") + missing[i];
    }
    if (missing.size() > kSymbolsNamedMax) {
        names += " and " + std::to_string(missing.size() - kSymbolsNamedMax) + " more";
    }
    const bool is_one = missing.size() == 1;
    check.refuse("symbol", is_one ? "undefined symbol" : std::to_string(missing.size()) + " undefined symbols", names,
                 std::string("nothing in the process or among the needed files defines ") + (is_one ? "it" : "them"),
                 "link the library that defines what is missing, or define it; -Wl,-z,defs finds this when linking");
}

void check_segments(Check &check) {
    if (check.facts.has_executable_stack) {
        check.refuse("execstack", "PT_GNU_STACK", "asks for an executable stack",
                     "loading it would make every stack of the process executable",
                     "link with -z noexecstack; assembly files need a .note.GNU-stack section");
    }
    if (check.facts.has_text_relocations && !check.policy.allows_text_relocations) {
        check.refuse("textrel", "code", "has text relocations", "code must not be written to while loading",
                     "compile every part with -fPIC");
    }
    if (check.facts.has_writable_code) {
        check.refuse("writable-code", "a segment", "is writable and executable", "memory must be one or the other",
                     "do not link with -N or a linker script that merges them");
    }
}

bool is_resident(const Environment &environment, std::string_view soname) {
    return std::find(environment.resident.begin(), environment.resident.end(), soname) != environment.resident.end();
}

void check_runtimes(Check &check) {
    struct Runtime {
        std::string_view prefix;
        std::string_view name;
    };
    constexpr Runtime kRuntimes[] = {
        {"libasan.so", "AddressSanitizer"},           {"libtsan.so", "ThreadSanitizer"},
        {"libhwasan.so", "HWAddressSanitizer"},       {"liblsan.so", "LeakSanitizer"},
        {"libclang_rt.asan", "AddressSanitizer"},     {"libclang_rt.tsan", "ThreadSanitizer"},
        {"libclang_rt.hwasan", "HWAddressSanitizer"}, {"libjemalloc.so", "jemalloc"}};
    for (const Dependency &dependency : check.environment.closure) {
        for (const Runtime &runtime : kRuntimes) {
            if (dependency.name.compare(0, runtime.prefix.size(), runtime.prefix) == 0 &&
                !is_resident(check.environment, dependency.name)) {
                check.refuse("runtime", dependency.name, "is needed: " + std::string(runtime.name),
                             "it only works when the process starts with it",
                             "start the host with it preloaded, or build the plugin without");
            }
        }
    }
    if (check.facts.has_go_runtime) {
        check.refuse("go", "image", "holds a Go runtime", "it starts threads that never end, and cannot be unloaded",
                     "run it in a process of its own");
    }
}

void check_contract(Check &check) {
    if (check.policy.is_adopted) {
        return;
    }
    const auto &exported = check.facts.exported;
    const auto entry =
        std::find_if(exported.begin(), exported.end(), [](const ImageSymbol &s) { return s.name == kEntrySymbol; });
    const std::string name(kEntrySymbol);
    if (entry == exported.end()) {
        const auto other = std::find_if(exported.begin(), exported.end(), [](const ImageSymbol &s) {
            return s.name.substr(0, kEntryPrefix.size()) == kEntryPrefix;
        });
        if (other != exported.end()) {
            check.refuse("abi", std::string(other->name),
                         "is exported: it was built for plugin ABI " +
                             std::string(other->name.substr(kEntryPrefix.size())),
                         "this host offers plugin ABI 1", "build it with the headers that came with this hotgraft");
        } else {
            check.refuse("entry", name, "is not exported", "it is the one function that every plugin offers",
                         "define it with HOTGRAFT_EXPORT");
        }
    } else if (entry->kind != SymbolKind::kFunction && entry->kind != SymbolKind::kIfunc) {
        check.refuse("entry", name, "is exported, and is not a function", "it is what a host calls first",
                     "define it as a function with HOTGRAFT_EXPORT");
    }
    if (!check.facts.descriptor) {
        check.refuse("descriptor", "the hotgraft note", "is missing",
                     "it describes the plugin, in section .note.hotgraft",
                     "compile and link the source that `hotgraft bind` writes");
    }
}

void warn_of_residue(Check &check) {
    const ImageFacts &facts = check.facts;
    if (facts.is_nodelete) {
        check.warn("nodelete", "DF_1_NODELETE", "is set", "the library will stay in memory after it is replaced",
                   "link without -z nodelete");
    }
    if (facts.gnu_unique != 0) {
        std::string names;
        std::size_t named = 0;
        for (const ImageSymbol &symbol : facts.exported) {
            if (symbol.is_unique && named++ < kUniqueNamedMax) {
                names += (names.empty() ? "" : ", ") + std::string(symbol.name);
            }
        }
        check.warn("gnu-unique", std::to_string(facts.gnu_unique) + " GNU_UNIQUE symbols", names,
                   "the library will stay in memory, and versions share these variables",
                   "compile with -fno-gnu-unique or hidden visibility");
    }
    if (facts.imports_tls_destructor) {
        check.warn("tls-destructor", "__cxa_thread_atexit", "is imported",
                   "the library stays in memory while a thread that used its thread_local lives",
                   "use no thread_local with a destructor");
    }
    if (facts.uses_static_tls && facts.tls.bytes != 0) {
        check.warn("static-tls", std::to_string(facts.tls.bytes) + " bytes of TLS", "use the initial-exec model",
                   "the space for them is small and every generation takes some", "compile without -ftls-model");
    }
}

} // namespace

std::string describe(const Finding &finding) {
    return finding.subject + " " + finding.found + "; " + finding.needed;
}

std::string describe_refusals(const std::vector<Finding> &found) {
    std::string reasons;
    std::vector<std::string> advice;
    for (const Finding &finding : found) {
        if (finding.severity != Severity::kRefusal) {
            continue;
        }
        reasons += (reasons.empty() ? "" : "\n") + describe(finding);
        if (!finding.advice.empty() && std::find(advice.begin(), advice.end(), finding.advice) == advice.end()) {
            advice.push_back(finding.advice);
        }
    }
    for (const std::string &one : advice) {
        reasons += "\n" + std::string(kToDo) + one;
    }
    return reasons;
}

std::vector<Finding> check_kind(const ImageFacts &facts, const Environment &environment) {
    const NeedsPolicy policy;
    Check check{facts, environment, policy, {}};
    check_machine(check);
    return std::move(check.found);
}

std::vector<Finding> check_needs(const ImageFacts &facts, const Environment &environment, const NeedsPolicy &policy) {
    Check check{facts, environment, policy, {}};
    check_machine(check);
    if (!facts.is_fully_read) {
        return std::move(check.found); // nothing more is known of it
    }
    using Rule = void (*)(Check &);
    constexpr Rule kRules[] = {check_isa_level, check_needed_files, check_versions, check_symbols,  check_segments,
                               check_runtimes,  check_names,        check_places,   check_contract, warn_of_residue};
    for (const Rule rule : kRules) {
        rule(check);
    }
    std::stable_sort(check.found.begin(), check.found.end(),
                     [](const Finding &a, const Finding &b) { return a.severity < b.severity; });
    return std::move(check.found);
}

std::vector<const ImageSymbol *> find_unresolved(const ImageFacts &facts, const std::vector<Dependency> &closure) {
    std::vector<const ImageSymbol *> unresolved;
    for (const ImageSymbol &symbol : facts.imported) {
        const bool is_offered = std::any_of(closure.begin(), closure.end(), [&](const Dependency &dependency) {
            return dependency.provider != nullptr && dependency.provider->offers(symbol.name, symbol.version);
        });
        if (!is_offered && !symbol.is_weak) {
            unresolved.push_back(&symbol);
        }
    }
    return unresolved;
}

bool has_refusal(const std::vector<Finding> &found) noexcept {
    return std::any_of(found.begin(), found.end(), [](const Finding &r) { return r.severity == Severity::kRefusal; });
}

} // namespace hotgraft
