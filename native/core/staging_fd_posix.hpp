// Owns an fd. Closing tells nobody whether it worked: who needs to know closes by hand with close().
#ifndef HOTGRAFT_CORE_STAGING_FD_POSIX_HPP
#define HOTGRAFT_CORE_STAGING_FD_POSIX_HPP

#include <cerrno>
#include <ctime>

#include <fcntl.h>
#include <unistd.h>

namespace hotgraft {

// Open a file to read, whatever lies at the path, without waiting for it; -1 and errno. Who holds a lease on a file
// (fcntl(2), F_SETLEASE) gives it up when somebody else opens that; until then the answer is EAGAIN.
inline int open_to_read(const char *path) noexcept {
    constexpr timespec kAgain{0, 1'000'000};
    constexpr int kTries = 100;
    for (int tried = 1;; ++tried) {
        const int fd = ::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR) || tried == kTries) {
            return fd;
        }
        nanosleep(&kAgain, nullptr);
    }
}

class OwnedFd {
public:
    explicit OwnedFd(int fd) noexcept : fd_(fd) {}
    OwnedFd(const OwnedFd &) = delete;
    OwnedFd &operator=(const OwnedFd &) = delete;
    ~OwnedFd() { close(); }

    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }
    // Somebody else closes it.
    [[nodiscard]] int release() noexcept {
        const int fd = fd_;
        fd_ = -1;
        return fd;
    }
    // False and errno where the system had something to say, as NFS does about a write that failed late.
    bool close() noexcept {
        const int fd = fd_;
        fd_ = -1;
        return fd < 0 || ::close(fd) == 0;
    }

private:
    int fd_;
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_STAGING_FD_POSIX_HPP
