// What staging.cpp and staging_posix.cpp share.
#ifndef HOTGRAFT_CORE_STAGING_POSIX_HPP
#define HOTGRAFT_CORE_STAGING_POSIX_HPP

#include <sys/stat.h>

#include <cstdint>
#include <string>

#include "staging.hpp"

namespace hotgraft {

[[nodiscard]] Status check_plugin_name(const std::string &name);

// "gain.g3.1a2b3c4d.so"; from the second attempt on "gain.g3.1a2b3c4d.1.so".
[[nodiscard]] std::string staged_name(const StagingWish &wish, const Sha256Digest &sha256, int attempt);

// "cannot open /x: No space left on device", with the code that fits the errno.
[[nodiscard]] Status system_error(const char *verb, const std::string &what, int error);

// The same for a source that cannot be opened: a socket, or a device without a driver, is kRefused as no regular file.
[[nodiscard]] Status open_error(const std::string &path, int error);

[[nodiscard]] std::int64_t ns_of(const timespec &time) noexcept;

// The same inode with the same size and times.
[[nodiscard]] bool is_same(const struct stat &a, const struct stat &b) noexcept;

// A regular file under the size cap, or kRefused.
[[nodiscard]] Status check_source(const std::string &path, const struct stat &facts);

} // namespace hotgraft

#endif // HOTGRAFT_CORE_STAGING_POSIX_HPP
