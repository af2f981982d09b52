// What one library offers, in a form that can be kept and searched.
#include "needs.hpp"

#include <algorithm>

namespace hotgraft {

Provider::Provider(std::string path, const ImageFacts &facts)
    : path_(std::move(path)), soname_(facts.soname), rpath_(facts.rpath), runpath_(facts.runpath),
      needed_(facts.needed.begin(), facts.needed.end()),
      versions_(facts.version_definitions.begin(), facts.version_definitions.end()),
      has_symbol_versions_(facts.has_symbol_versions), uses_static_tls_(facts.uses_static_tls),
      tls_bytes_(facts.tls.bytes) {
    std::size_t size = 0;
    for (const ImageSymbol &symbol : facts.exported) {
        size += symbol.name.size();
    }
    names_.reserve(size); // never grows again: the keys point into it
    symbols_.reserve(facts.exported.size());
    for (const ImageSymbol &symbol : facts.exported) {
        const std::size_t at = names_.size();
        names_.append(symbol.name);
        const auto version = std::find(versions_.begin(), versions_.end(), symbol.version);
        symbols_.emplace(std::string_view(names_).substr(at),
                         version == versions_.end() ? std::string_view() : std::string_view(*version));
    }
}

bool Provider::defines_version(std::string_view version) const noexcept {
    return std::find(versions_.begin(), versions_.end(), version) != versions_.end();
}

// elf/dl-lookup.c, check_match(): a symbol of the base version answers every version that is asked for.
bool Provider::offers(std::string_view name, std::string_view version) const noexcept {
    const auto [begin, end] = symbols_.equal_range(name);
    return std::any_of(begin, end, [&](const auto &symbol) {
        return version.empty() || symbol.second.empty() || symbol.second == version;
    });
}

} // namespace hotgraft
