// The search path of the loader, read from where the loader reads it.
#include "needs_search_posix.hpp"

#include <glob.h>
#include <sys/auxv.h>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace hotgraft {
namespace {

constexpr int kIncludeDepthMax = 8;

#if defined(__x86_64__)
constexpr std::string_view kLib = "lib/x86_64-linux-gnu"; // what Debian's loader puts for $LIB
#else
#error "hotgraft runs on x86-64 only; a build for another machine needs its folders here"
#endif

void read_conf(const std::string &path, int depth, std::vector<std::string> *folders);

void read_included(const std::string &pattern, int depth, std::vector<std::string> *folders) {
    glob_t found{};
    // NOLINTNEXTLINE(concurrency-mt-unsafe): glob(3) is unsafe only for "~" and a changing environment
    if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) {
        for (std::size_t i = 0; i < found.gl_pathc; ++i) {
            read_conf(found.gl_pathv[i], depth + 1, folders);
        }
    }
    ::globfree(&found);
}

void read_conf(const std::string &path, int depth, std::vector<std::string> *folders) {
    if (depth > kIncludeDepthMax) {
        return;
    }
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        line.erase(std::min(line.find('#'), line.size()));
        const std::size_t begin = line.find_first_not_of(" \t");
        if (begin == std::string::npos) {
            continue;
        }
        line = line.substr(begin, line.find_last_not_of(" \t") + 1 - begin);
        if (line.compare(0, 8, "include ") == 0) {
            std::string pattern = line.substr(line.find_first_not_of(" \t", 8));
            if (pattern.front() != '/') {
                pattern.insert(0, folder_of(path) + "/");
            }
            read_included(pattern, depth, folders);
        } else if (line.front() == '/') {
            folders->push_back(line);
        }
    }
}

void replace_all(std::string *text, std::string_view token, std::string_view value) {
    for (std::size_t at = text->find(token); at != std::string::npos; at = text->find(token, at + value.size())) {
        text->replace(at, token.size(), value);
    }
}

} // namespace

std::string read_library_path() {
    if (::getauxval(AT_SECURE) != 0) {
        return {};
    }
    // Not getenv(): the loader looked once, when the process started.
    std::ifstream file("/proc/self/environ", std::ios::binary);
    constexpr std::string_view kName = "LD_LIBRARY_PATH=";
    for (std::string entry; std::getline(file, entry, '\0');) {
        if (entry.compare(0, kName.size(), kName) == 0) {
            return entry.substr(kName.size());
        }
    }
    return {};
}

std::vector<std::string> read_default_folders() {
    std::vector<std::string> folders;
    read_conf("/etc/ld.so.conf", 0, &folders);
    for (const char *folder :
         {"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"}) {
        folders.emplace_back(folder);
    }
    std::vector<std::string> once; // a refusal lists every place that was looked in
    for (std::string &folder : folders) {
        if (std::find(once.begin(), once.end(), folder) == once.end()) {
            once.push_back(std::move(folder));
        }
    }
    return once;
}

void append_folders(std::string_view path, const std::string &origin, std::vector<std::string> *folders) {
    while (!path.empty()) {
        const std::size_t end = std::min(path.find_first_of(":;"), path.size());
        if (end != 0) {
            folders->push_back(expand_tokens(path.substr(0, end), origin));
        }
        path.remove_prefix(std::min(end + 1, path.size()));
    }
}

std::string expand_tokens(std::string_view text, const std::string &origin) {
    std::string expanded(text);
    if (expanded.find('$') != std::string::npos) {
        replace_all(&expanded, "${ORIGIN}", origin);
        replace_all(&expanded, "$ORIGIN", origin);
        replace_all(&expanded, "${LIB}", kLib);
        replace_all(&expanded, "$LIB", kLib);
    }
    return expanded;
}

std::string folder_of(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string_view::npos) {
        return ".";
    }
    return std::string(path.substr(0, slash == 0 ? 1 : slash));
}

} // namespace hotgraft
