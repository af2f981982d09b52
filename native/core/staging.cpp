// What of staging needs no operating system: names, and what an image says about where it wants to lie.
#include "staging.hpp"

#include "staging_posix.hpp"

namespace hotgraft {

namespace {

constexpr std::size_t kPluginNameMax = 64;

bool is_name_character(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
}

bool names_origin(std::string_view path) noexcept {
    return path.find("$ORIGIN") != std::string_view::npos || path.find("${ORIGIN}") != std::string_view::npos;
}

} // namespace

Status check_plugin_name(const std::string &name) {
    bool is_good = !name.empty() && name.size() <= kPluginNameMax && name.front() != '.';
    for (const char c : name) {
        is_good = is_good && is_name_character(c);
    }
    if (is_good) {
        return {};
    }
    return {Code::kRefused, "cannot stage: a plugin's name has 1 to " + std::to_string(kPluginNameMax) +
                                " letters, digits, '_', '-', '.' and does not start with '.'"};
}

std::string staged_name(const StagingWish &wish, const Sha256Digest &sha256, int attempt) {
    std::string name = wish.plugin + ".g" + std::to_string(wish.generation) + "." + hex_of(sha256).substr(0, 8);
    return name + (attempt == 0 ? ".so" : "." + std::to_string(attempt) + ".so");
}

bool needs_source_folder(const ImageFacts &facts) noexcept {
    bool needs = names_origin(facts.rpath) || names_origin(facts.runpath);
    for (const std::string_view needed : facts.needed) {
        needs = needs || names_origin(needed);
    }
    return needs;
}

Status stage(const std::string &source, const std::string &folder, const std::string &plugin, std::uint64_t generation,
             Staged *out) {
    return stage({source, folder, plugin, generation}, out, nullptr);
}

} // namespace hotgraft
