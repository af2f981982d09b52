#include "trust_posix.hpp"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string_view>
#include <utility>

namespace hotgraft {

namespace {

std::string mode_of(const struct stat &facts) {
    char text[8];
    (void)std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(facts.st_mode & 07777));
    return text;
}

std::string parent_of(const std::string &path) {
    const std::size_t slash = path.rfind('/');
    return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

// Whether `path` is written as realpath(3) would write it, but for links: from the root, no part empty, "." or "..".
bool is_normal(const std::string &path) noexcept {
    const std::string_view text = path;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('/', begin + 1), text.size());
        const std::string_view part = text.substr(begin, end - begin); // "/usr"
        if (part.front() != '/' || part == "/" || part == "/." || part == "/..") {
            return false;
        }
        begin = end;
    }
    return !path.empty();
}

// The nearest folder that `path` names and whose entries others can replace, and how (empty: none), if neither they nor
// `path` itself are links: then the path is its own real path, and a look at each part answers both questions. False: a
// link, or a part is not there.
bool find_open_parent_without_links(const std::string &path, std::string *folder, std::string *how) {
    struct stat facts {};
    if (!is_normal(path) || ::lstat(path.c_str(), &facts) != 0 || S_ISLNK(facts.st_mode)) {
        return false;
    }
    std::string found;
    std::string found_how;
    for (std::string part = path; part != "/";) {
        part.resize(std::max<std::size_t>(part.rfind('/'), 1));
        if (::lstat(part.c_str(), &facts) != 0 || S_ISLNK(facts.st_mode)) {
            return false;
        }
        if (found.empty()) {
            found_how = distrust_of_parent(facts);
            found = found_how.empty() ? "" : part;
        }
    }
    *folder = std::move(found);
    *how = std::move(found_how);
    return true;
}

// What a link says, empty: it is none any more.
std::string target_of(const std::string &link) {
    char target[PATH_MAX];
    const ssize_t length = ::readlink(link.c_str(), target, sizeof target);
    return length <= 0 ? std::string() : std::string(target, static_cast<std::size_t>(length));
}

// The first folder in which a part of `path` is looked up and whose entries others can replace, links followed as
// path_resolution(7) says: who can replace a link decides what is read as well. Empty as well if it leads nowhere.
std::string find_open_parent_through_links(std::string rest, std::string *how) {
    constexpr int kLinksMax = 40; // as the kernel's
    std::string folder = "/";
    for (int links = 0; !rest.empty() && links <= kLinksMax;) {
        const std::size_t end = std::min(rest.find('/'), rest.size());
        const std::string part = rest.substr(0, end);
        rest.erase(0, end + 1);
        if (part.empty() || part == ".") {
            continue;
        }
        if (part == "..") {
            folder = parent_of(folder);
            continue;
        }
        struct stat facts {};
        *how = ::stat(folder.c_str(), &facts) == 0 ? distrust_of_parent(facts) : "";
        if (!how->empty()) {
            return folder;
        }
        std::string next = folder == "/" ? std::string() : folder;
        next.append("/").append(part);
        if (::lstat(next.c_str(), &facts) != 0) {
            return {};
        }
        if (S_ISLNK(facts.st_mode)) {
            std::string target = target_of(next);
            folder = target.compare(0, 1, "/") == 0 ? "/" : folder;
            rest = target.append("/").append(rest);
            ++links;
        } else {
            folder = std::move(next);
        }
    }
    return {};
}

// The same for the folders that `path` leads through.
std::string find_open_parent_of(const std::string &path, std::string *how) {
    std::string folder;
    if (find_open_parent_without_links(path, &folder, how)) {
        return folder;
    }
    char here[PATH_MAX];
    if (path.compare(0, 1, "/") == 0) {
        return find_open_parent_through_links(path, how);
    }
    return ::getcwd(here, sizeof here) == nullptr ? ""
                                                  : find_open_parent_through_links(std::string(here) + "/" + path, how);
}

} // namespace

std::string distrust_of_file(const struct stat &facts, uid_t self) {
    if (facts.st_uid != 0 && facts.st_uid != self) {
        return "it belongs to user " + std::to_string(facts.st_uid) + ", this process runs as " + std::to_string(self);
    }
    return (facts.st_mode & S_IWOTH) == 0 ? "" : "everybody can write to it (mode " + mode_of(facts) + ")";
}

// In a sticky folder only an entry's owner replaces it, and the file's owner is asked for by itself.
std::string distrust_of_parent(const struct stat &facts) {
    const bool is_open = (facts.st_mode & S_IWOTH) != 0 && (facts.st_mode & S_ISVTX) == 0;
    return is_open ? "everybody can replace files in it (mode " + mode_of(facts) + ")" : "";
}

Distrust find_distrust(const std::string &path, const struct stat &facts) {
    std::string why = distrust_of_file(facts, ::geteuid());
    if (!why.empty()) {
        const bool is_open = (facts.st_mode & S_IWOTH) != 0;
        return {path, std::move(why),
                is_open ? "chmod o-w " + path : "chown " + path + ", or run the host as its user"};
    }
    std::string how;
    // Nowhere, if it was moved away since it was opened: what is read is the file that was looked at.
    std::string folder = find_open_parent_of(path, &how);
    std::string advice = "chmod o-w " + folder;
    return folder.empty() ? Distrust() : Distrust{std::move(folder), std::move(how), std::move(advice)};
}

Distrust find_distrust(const std::string &path) {
    struct stat facts {};
    return ::stat(path.c_str(), &facts) == 0 ? find_distrust(path, facts) : Distrust();
}

Status check_trust(const std::string &path, const struct stat &facts) {
    const Distrust found = find_distrust(path, facts);
    if (found.culprit.empty()) {
        return {};
    }
    const std::string where = found.culprit == path ? "" : "its folder " + found.culprit + ": ";
    return {Code::kRefused, path + ": " + where + found.how + "\n" + std::string(kToDo) + found.advice};
}

std::string distrust_of_search_folder(const std::string &folder) {
    if (folder.empty() || folder.front() != '/') {
        return "is relative: it is looked for in whatever folder the process is in";
    }
    std::string there = folder;
    struct stat facts {};
    while (::stat(there.c_str(), &facts) != 0 && there != "/") {
        there = parent_of(there);
    }
    const std::string what = there == folder ? "" : "is not there, and in " + there + " ";
    if ((facts.st_mode & S_IWOTH) != 0) {
        return what + (what.empty() ? "is one " : "") + "where everybody can put files (mode " + mode_of(facts) + ")";
    }
    if (facts.st_uid != 0 && facts.st_uid != ::geteuid()) {
        return what + "belongs to user " + std::to_string(facts.st_uid) + ", this process runs as " +
               std::to_string(::geteuid());
    }
    std::string how;
    const std::string open = find_open_parent_of(there, &how);
    return open.empty() ? "" : "lies in " + open + ": " + how;
}

} // namespace hotgraft
