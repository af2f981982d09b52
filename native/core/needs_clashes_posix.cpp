#include "needs_clashes_posix.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "library_live.hpp"
#include "needs_search_posix.hpp"
#include "trust_posix.hpp"

namespace hotgraft {
namespace {

bool has_same_bytes(const std::string &a, const std::string &b) {
    std::ifstream left(a, std::ios::binary);
    std::ifstream right(b, std::ios::binary);
    using Bytes = std::istreambuf_iterator<char>;
    return left && right && std::equal(Bytes(left), Bytes(), Bytes(right), Bytes());
}

std::vector<std::string> own_folders(const ImageFacts &facts, const std::string &origin) {
    std::vector<std::string> folders;
    append_folders(facts.runpath.empty() ? facts.rpath : facts.runpath, origin, &folders);
    return folders;
}

} // namespace

std::vector<TakenName> find_unique_here(const ImageFacts &facts) {
    std::vector<TakenName> taken;
    for (const ImageSymbol &symbol : facts.exported) {
        std::string path = symbol.is_unique ? LiveLibraries::instance().find_unique(symbol.name) : std::string();
        if (!path.empty()) {
            taken.push_back({std::string(symbol.name), std::move(path)});
        }
    }
    return taken;
}

std::vector<SearchedPlace> find_open_folders(const ImageFacts &facts, const std::string &origin) {
    std::vector<SearchedPlace> open;
    const std::string_view path = facts.runpath.empty() ? facts.rpath : facts.runpath;
    for (std::string_view rest = path; !path.empty();) {
        const std::size_t end = std::min(rest.find_first_of(":;"), rest.size());
        const std::string_view folder = rest.substr(0, end);
        std::string why = distrust_of_search_folder(expand_tokens(folder, origin));
        if (!why.empty()) {
            open.push_back({"\"" + std::string(folder) + "\"", std::move(why)});
        }
        if (end == rest.size()) {
            break;
        }
        rest.remove_prefix(end + 1);
    }
    return open;
}

std::string find_other_helper(const ImageFacts &facts, const std::string &origin, const std::string &name,
                              const std::string &loaded) {
    struct stat there {};
    for (const std::string &folder : own_folders(facts, origin)) {
        std::string path = folder;
        path.append("/").append(name);
        struct stat found {};
        if (::stat(path.c_str(), &found) != 0 || !S_ISREG(found.st_mode)) {
            continue;
        }
        const bool is_same =
            ::stat(loaded.c_str(), &there) == 0 && there.st_dev == found.st_dev && there.st_ino == found.st_ino;
        return is_same || has_same_bytes(path, loaded) ? std::string() : path;
    }
    return {};
}

} // namespace hotgraft
