#include "file_posix.hpp"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "staging_fd_posix.hpp"

namespace hotgraft {

std::string read_whole(int fd) {
    std::string text;
    char chunk[65'536];
    for (;;) {
        const ssize_t count = ::read(fd, chunk, sizeof chunk);
        if (count > 0) {
            text.append(chunk, static_cast<std::size_t>(count));
        } else if (count == 0 || errno != EINTR) {
            return text;
        }
    }
}

std::string read_whole(const char *path) {
    const OwnedFd fd(::open(path, O_RDONLY | O_CLOEXEC));
    return fd.is_open() ? read_whole(fd.get()) : std::string();
}

void write_whole(int fd, std::string_view text) noexcept {
    while (!text.empty()) {
        const ssize_t count = ::write(fd, text.data(), text.size());
        if (count > 0) {
            text.remove_prefix(static_cast<std::size_t>(count));
        } else if (errno != EINTR) {
            return;
        }
    }
}

} // namespace hotgraft
