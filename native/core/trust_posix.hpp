// Who else could put other bytes where an image, or what it needs, is taken from. The rule of sshd and sudo: a file of
// this user or of root, which nobody else may write, in folders where nobody else may replace it. Group rights count
// for trusted, because a group of one is the default on most systems.
#ifndef HOTGRAFT_CORE_TRUST_POSIX_HPP
#define HOTGRAFT_CORE_TRUST_POSIX_HPP

#include <sys/stat.h>
#include <sys/types.h>

#include <string>

#include "status.hpp"

namespace hotgraft {

// Why a file of these facts is not trusted by a process of user `self`; empty: it is. "everybody can write to it (mode
// 0666)", "it belongs to user 1001, this process runs as 0".
[[nodiscard]] std::string distrust_of_file(const struct stat &facts, uid_t self);
// Why entries of a folder of these facts can be replaced by others; empty: they cannot.
[[nodiscard]] std::string distrust_of_parent(const struct stat &facts);

struct Distrust {
    std::string culprit; // a path; empty: nothing is wrong
    std::string how;
    std::string advice;
};

// Of the file whose facts these are, and of every folder above it.
[[nodiscard]] Distrust find_distrust(const std::string &path, const struct stat &facts);
// The same for whatever is at `path` now.
[[nodiscard]] Distrust find_distrust(const std::string &path);
// kRefused names the culprit and what to do.
[[nodiscard]] Status check_trust(const std::string &path, const struct stat &facts);

// Why others can put files into `folder`, or make it where it is not there yet; empty: they cannot.
[[nodiscard]] std::string distrust_of_search_folder(const std::string &folder);

} // namespace hotgraft

#endif // HOTGRAFT_CORE_TRUST_POSIX_HPP
