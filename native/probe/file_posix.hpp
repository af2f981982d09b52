// Reading and writing whole texts by fd.
#ifndef HOTGRAFT_PROBE_FILE_POSIX_HPP
#define HOTGRAFT_PROBE_FILE_POSIX_HPP

#include <string>
#include <string_view>

namespace hotgraft {

// What there is until the end; what could not be read is missing.
[[nodiscard]] std::string read_whole(int fd);
[[nodiscard]] std::string read_whole(const char *path);
void write_whole(int fd, std::string_view text) noexcept;

} // namespace hotgraft

#endif // HOTGRAFT_PROBE_FILE_POSIX_HPP
