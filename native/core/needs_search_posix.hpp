// Where the loader looks for a needed file: the pieces of its search path, as text. ld.so(8).
#ifndef HOTGRAFT_CORE_NEEDS_SEARCH_POSIX_HPP
#define HOTGRAFT_CORE_NEEDS_SEARCH_POSIX_HPP

#include <string>
#include <string_view>
#include <vector>

namespace hotgraft {

// LD_LIBRARY_PATH as the process started with it; empty for a set-user-ID program.
[[nodiscard]] std::string read_library_path();

// The folders of /etc/ld.so.conf with its includes, then the built-in ones.
[[nodiscard]] std::vector<std::string> read_default_folders();

// Split at ':' (and ';', which the loader allows in LD_LIBRARY_PATH), with $ORIGIN and $LIB filled in, onto `folders`.
void append_folders(std::string_view path, const std::string &origin, std::vector<std::string> *folders);

[[nodiscard]] std::string expand_tokens(std::string_view text, const std::string &origin);

[[nodiscard]] std::string folder_of(std::string_view path);

} // namespace hotgraft

#endif // HOTGRAFT_CORE_NEEDS_SEARCH_POSIX_HPP
