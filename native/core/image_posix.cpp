// Reads an image from a file. The bytes are copied with pread(2) and never mapped: a mapped file that somebody
// truncates ends the process with SIGBUS at the next touch.
#include "image.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <system_error>

namespace hotgraft {
namespace {

class Fd {
public:
    explicit Fd(int fd) noexcept : fd_(fd) {}
    Fd(const Fd &) = delete;
    Fd &operator=(const Fd &) = delete;
    ~Fd() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    [[nodiscard]] int get() const noexcept { return fd_; }

private:
    int fd_;
};

Status io_error(const char *verb, const char *path, int error) {
    return {Code::kIo, std::string("cannot ") + verb + " " + path + ": " + std::generic_category().message(error)};
}

Status check_file(const char *path, const struct stat &facts, std::uint64_t bytes_max) {
    if (!S_ISREG(facts.st_mode)) {
        return {Code::kRefused, std::string(path) + ": not a regular file"};
    }
    if (static_cast<std::uint64_t>(facts.st_size) > bytes_max) {
        return {Code::kRefused, std::string(path) + ": has " + std::to_string(facts.st_size) + " bytes, the cap is " +
                                    std::to_string(bytes_max)};
    }
    return {};
}

// Anonymous memory straight from the system, so that a large image does not stay in the heap.
std::shared_ptr<std::uint8_t> allocate(std::size_t size) {
    void *memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return nullptr;
    }
    return {static_cast<std::uint8_t *>(memory), [size](std::uint8_t *p) { ::munmap(p, size); }};
}

Status read_all(int fd, const char *path, std::uint8_t *memory, std::size_t size) {
    for (std::size_t done = 0; done < size;) {
        const ssize_t count = ::pread(fd, memory + done, size - done, static_cast<off_t>(done));
        if (count < 0 && errno != EINTR) {
            return io_error("read", path, errno);
        }
        if (count == 0) {
            return {Code::kIo, std::string(path) + ": had " + std::to_string(size) + " bytes and ended at byte " +
                                   std::to_string(done) + "; somebody is writing it"};
        }
        done += count > 0 ? static_cast<std::size_t>(count) : 0;
    }
    return {};
}

} // namespace

Status inspect_image_file(const char *path, ImageFacts *out, std::uint64_t bytes_max) {
    // O_NONBLOCK: opening a FIFO must not wait for a writer.
    const Fd fd(::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (fd.get() < 0) {
        return io_error("open", path, errno);
    }
    struct stat facts {};
    if (::fstat(fd.get(), &facts) != 0) {
        return io_error("stat", path, errno);
    }
    if (Status status = check_file(path, facts, bytes_max); !status.is_ok()) {
        return status;
    }
    const auto size = static_cast<std::size_t>(facts.st_size);
    const std::shared_ptr<std::uint8_t> memory = allocate(size == 0 ? 1 : size);
    if (memory == nullptr) {
        return {Code::kNoMemory, std::string(path) + ": no memory for " + std::to_string(size) + " bytes"};
    }
    if (Status status = read_all(fd.get(), path, memory.get(), size); !status.is_ok()) {
        return status;
    }
    ImageFacts found;
    if (Status status = inspect_image(memory.get(), size, &found); !status.is_ok()) {
        return {status.code(), std::string(path) + ": " + status.message()};
    }
    found.bytes_owner = memory;
    *out = std::move(found);
    return {};
}

} // namespace hotgraft
