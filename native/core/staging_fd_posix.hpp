// Owns an fd. Closing tells nobody whether it worked: who needs to know closes by hand with close().
#ifndef HOTGRAFT_CORE_STAGING_FD_POSIX_HPP
#define HOTGRAFT_CORE_STAGING_FD_POSIX_HPP

#include <unistd.h>

namespace hotgraft {

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
