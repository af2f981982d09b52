// The rules about names that meet others in the process, and about the places that needed files come from.
#include <algorithm>
#include <string_view>

#include "needs_rules.hpp"

namespace hotgraft {
namespace {

constexpr std::size_t kTakenNamedMax = 3;

// The loader unifies them over all libraries, RTLD_LOCAL or not (glibc, elf/dl-lookup.c, do_lookup_unique()).
void check_unique(Check &check) {
    const std::vector<TakenName> &taken = check.environment.unique_here;
    for (std::size_t i = 0; i < std::min(taken.size(), kTakenNamedMax); ++i) {
        const std::size_t more = taken.size() - kTakenNamedMax;
        const std::string rest =
            i + 1 == kTakenNamedMax && taken.size() > i + 1 ? " (and " + std::to_string(more) + " more)" : "";
        check.refuse("gnu-unique", "GNU_UNIQUE symbol " + taken[i].name + rest,
                     "is also in " + taken[i].path + ", which is loaded",
                     "the new code would use the old one's variable, whatever its type has become",
                     "compile both with -fno-gnu-unique or hidden visibility");
    }
}

void check_soname(Check &check) {
    for (const TakenName &taken : check.environment.soname_here) {
        check.refuse("soname", "SONAME " + taken.name, "is that of " + taken.path + ", which is loaded",
                     "a library that needs this name could be given the plugin instead",
                     "link the plugin with a -Wl,-soname of its own, or with none");
    }
}

void check_own_names(Check &check) {
    std::string names;
    for (const ImageSymbol &symbol : check.facts.exported) {
        const bool is_ours = symbol.name.substr(0, kOwnPrefix.size()) == kOwnPrefix;
        const bool is_entry = symbol.name.substr(0, kEntryPrefix.size()) == kEntryPrefix;
        if (is_ours && !is_entry) {
            names += (names.empty() ? "" : ", ") + std::string(symbol.name);
        }
    }
    if (!names.empty()) {
        check.refuse("reserved-name", names, "is exported", "names that begin with hotgraft_ are the host's",
                     "rename it or give it hidden visibility; never link the core into a plugin");
    }
}

// The scope of the process comes first for a library that is opened with RTLD_LOCAL (dlopen(3)), so these are called by
// nobody but, where linked with -Bsymbolic, the plugin: memory then crosses between two allocators.
void warn_of_interposing(Check &check) {
    constexpr std::string_view kNames[] = {"malloc", "calloc", "realloc", "free", "dlopen", "dlsym", "dlclose"};
    std::string names;
    for (const ImageSymbol &symbol : check.facts.exported) {
        if (std::find(std::begin(kNames), std::end(kNames), symbol.name) != std::end(kNames)) {
            names += (names.empty() ? "" : ", ") + std::string(symbol.name);
        }
    }
    if (!names.empty()) {
        check.warn("interposes", names, "is exported", "the process's own is found first and goes on being used",
                   "give it another name or hidden visibility");
    }
    if (check.facts.is_interposer) {
        check.warn("interposes", "DF_1_INTERPOSE", "is set", "it has no effect on a library that is opened at run time",
                   "link without -z interpose");
    }
}

} // namespace

void check_names(Check &check) {
    check_unique(check);
    check_soname(check);
    check_own_names(check);
    if (check.facts.forbids_open) {
        check.refuse("no-open", "DF_1_NOOPEN", "is set", "the loader opens no such library at run time",
                     "link without -z nodlopen");
    }
    warn_of_interposing(check);
}

void check_places(Check &check) {
    for (const SearchedPlace &folder : check.environment.open_folders) {
        check.refuse("runpath", "RUNPATH folder " + folder.place, folder.reason,
                     "needed files must not come from where others can put them",
                     "use $ORIGIN, or the full path of a folder that only its owner can write to");
    }
    for (const OtherHelper &helper : check.environment.other_helpers) {
        check.refuse("helper", helper.name, "is loaded from " + helper.loaded,
                     "the RUNPATH leads to another one, " + helper.found + ", and the loader would not load it",
                     "give each version of it a SONAME of its own, or link it into the plugin");
    }
}

} // namespace hotgraft
