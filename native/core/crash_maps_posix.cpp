#include "crash_maps_posix.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

namespace hotgraft {

namespace {

// One line of /proc/self/maps (proc(5)): "begin-end perms offset dev inode   path".
struct MappedLine {
    AddressRange range;
    bool is_executable = false;
    std::uint64_t offset = 0;
    const char *path = ""; // terminated
};

std::uint64_t take_hex(const char **text) noexcept {
    std::uint64_t value = 0;
    for (;; ++*text) {
        const char digit = **text;
        if (digit >= '0' && digit <= '9') {
            value = value * 16 + static_cast<std::uint64_t>(digit - '0');
        } else if (digit >= 'a' && digit <= 'f') {
            value = value * 16 + static_cast<std::uint64_t>(digit - 'a' + 10);
        } else {
            return value;
        }
    }
}

MappedLine read_line(const char *text) noexcept {
    MappedLine line;
    line.range.begin = take_hex(&text);
    line.range.end = take_hex(&++text);
    line.is_executable = std::strlen(text) > 4 && text[3] == 'x'; // " r-xp "
    const char *const offset = std::strchr(text + 1, ' ');
    if (offset != nullptr) {
        text = offset + 1;
        line.offset = take_hex(&text);
    }
    const char *const path = std::strchr(text, '/');
    line.path = path != nullptr ? path : "";
    return line;
}

// Lines one by one, in a buffer that is no thread's stack: paths are long.
class Maps {
public:
    Maps() noexcept : fd_(::open("/proc/self/maps", O_RDONLY | O_CLOEXEC)) {}
    ~Maps() {
        if (fd_ >= 0) {
            (void)::close(fd_);
        }
    }
    Maps(const Maps &) = delete;
    Maps &operator=(const Maps &) = delete;

    // False: there is no further one. Its path is good until the next call.
    bool next(MappedLine *line) noexcept {
        static char text[4608];
        std::size_t bytes = 0;
        for (;;) {
            if (at_ == filled_ && !fill()) {
                return false;
            }
            const char one = buffer_[at_++];
            if (one == '\n') {
                text[bytes] = '\0';
                *line = read_line(text);
                return true;
            }
            if (bytes + 1 < sizeof text) {
                text[bytes++] = one;
            }
        }
    }

private:
    bool fill() noexcept {
        ssize_t got = -1;
        do {
            got = fd_ < 0 ? 0 : ::read(fd_, buffer_, sizeof buffer_);
        } while (got < 0 && errno == EINTR);
        at_ = 0;
        filled_ = got > 0 ? static_cast<std::size_t>(got) : 0;
        return filled_ > 0;
    }

    int fd_;
    char buffer_[1024];
    std::size_t at_ = 0;
    std::size_t filled_ = 0;
};

} // namespace

bool find_mapped_file(const char *path, std::uintptr_t *begin, AddressRange *code) noexcept {
    bool is_found = false;
    Maps maps;
    for (MappedLine line; maps.next(&line);) {
        if (std::strcmp(line.path, path) != 0) {
            continue;
        }
        if (line.offset == 0 && !is_found) {
            *begin = line.range.begin;
            is_found = true;
        }
        if (line.is_executable) {
            *code = line.range;
        }
    }
    return is_found && code->end != 0;
}

const char *find_file_at(std::uintptr_t address, std::uint64_t *offset) noexcept {
    Maps maps;
    for (MappedLine line; maps.next(&line);) {
        if (line.range.contains(address)) {
            *offset = address - line.range.begin + line.offset;
            return *line.path != '\0' ? line.path : nullptr;
        }
    }
    return nullptr;
}

} // namespace hotgraft
