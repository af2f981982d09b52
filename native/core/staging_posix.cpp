// Staging on POSIX. The source is opened without waiting (a FIFO would block for its writer), read once into memory,
// hashed and inspected there, and written from there: what was checked is what is written.
#include "staging_posix.hpp"

#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <system_error>
#include <utility>

#include "control.hpp"
#include "staging_fd_posix.hpp"
#include "trust_posix.hpp"

namespace hotgraft {

namespace {

constexpr std::size_t kChunkBytes = std::size_t{256} << 10; // stays in the second-level cache between read and hash
constexpr std::size_t kMapFromBytes = std::size_t{1} << 20;
constexpr int kNameAttempts = 100;
constexpr int kReadAttempts = 8;
constexpr mode_t kFolderMode = 0700;
constexpr mode_t kFileMode = 0500;

const char *const kGiveFolder =
    "\nto do: give the host a folder of its own for staged copies: of mode 0700, and not mounted noexec";
const char *const kGiveLibrary = "\nto do: give the path of a plugin's shared library";

using Bytes = std::shared_ptr<std::uint8_t>;

// Large ones straight from the system, so that they do not stay in the heap.
Bytes make_bytes(std::size_t size) {
    if (size < kMapFromBytes) {
        return {static_cast<std::uint8_t *>(std::malloc(size + 1)), [](std::uint8_t *p) { std::free(p); }};
    }
    void *const memory = ::mmap(nullptr, size + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return nullptr;
    }
    return {static_cast<std::uint8_t *>(memory), [size](std::uint8_t *p) { ::munmap(p, size + 1); }};
}

const char *kind_of(mode_t mode) noexcept {
    return S_ISFIFO(mode)                   ? "a FIFO"
           : S_ISDIR(mode)                  ? "a directory"
           : S_ISSOCK(mode)                 ? "a socket"
           : S_ISCHR(mode) || S_ISBLK(mode) ? "a device"
                                            : "no regular file";
}

Status changed(const std::string &path) {
    return {Code::kRefused, path + ": it changed while it was read\nto do: try again when its writer has finished"};
}

// One pass: what is read is hashed while it is in the cache. One byte more than there should be is asked for, so that a
// file that grew is noticed.
Status read_and_hash(int fd, const std::string &path, std::uint8_t *memory, std::size_t size, Sha256Digest *sha256) {
    Sha256 hash;
    std::size_t done = 0;
    while (done <= size) {
        const ssize_t count =
            ::pread(fd, memory + done, std::min(kChunkBytes, size + 1 - done), static_cast<off_t>(done));
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return system_error("read", path, errno);
        }
        if (count == 0) {
            break;
        }
        hash.update(memory + done, static_cast<std::size_t>(count));
        done += static_cast<std::size_t>(count);
        if (done == size && static_cast<std::size_t>(count) < kChunkBytes) {
            break; // a short read: the end was met
        }
    }
    if (done != size) {
        return changed(path);
    }
    *sha256 = hash.finish();
    return {};
}

// A name that the file gets or loses changes its ctime (unlink(2)) as a write does. The image before is a second name
// of a staged copy whose first one goes when its library leaves memory, which may be now: then it is read once more.
bool has_other_names(const struct stat &before, const struct stat &after) noexcept {
    struct stat renamed = before;
    renamed.st_ctim = after.st_ctim;
    return before.st_nlink != after.st_nlink && is_same(renamed, after);
}

struct Source {
    Bytes bytes;
    std::size_t size = 0;
    Sha256Digest sha256{};
};

Status read_source(const std::string &path, Source *out) {
    if (path.find('\0') != std::string::npos) {
        return {Code::kRefused, "cannot stage: the path holds a NUL byte"};
    }
    const OwnedFd fd(open_to_read(path.c_str()));
    if (!fd.is_open()) {
        return open_error(path, errno);
    }
    struct stat before {};
    if (::fstat(fd.get(), &before) != 0) {
        return system_error("stat", path, errno);
    }
    if (Status status = check_source(path, before); !status.is_ok()) {
        return status;
    }
    if (Status status = check_trust(path, before); !status.is_ok()) {
        return status;
    }
    Source source;
    source.size = static_cast<std::size_t>(before.st_size);
    source.bytes = make_bytes(source.size);
    if (source.bytes == nullptr) {
        return {Code::kNoMemory, "cannot stage " + path + ": no memory for " + std::to_string(source.size) + " bytes"};
    }
    for (int attempt = 0; attempt < kReadAttempts; ++attempt) {
        if (Status status = read_and_hash(fd.get(), path, source.bytes.get(), source.size, &source.sha256);
            !status.is_ok()) {
            return status;
        }
        struct stat after {};
        if (::fstat(fd.get(), &after) != 0) {
            return system_error("stat", path, errno);
        }
        if (is_same(before, after)) {
            *out = std::move(source);
            return {};
        }
        if (!has_other_names(before, after)) {
            break;
        }
        before = after;
    }
    return changed(path);
}

// Ours, a directory, closed to others, and on a file system that may be executed from (FAULTS F10 to F12).
Status check_folder(int fd, const std::string &path) {
    struct stat facts {};
    struct statvfs system {};
    if (::fstat(fd, &facts) != 0 || ::fstatvfs(fd, &system) != 0) {
        return system_error("stat", path, errno);
    }
    if (facts.st_uid != ::geteuid()) {
        return {Code::kRefused, "cannot stage in " + path + ": it belongs to user " + std::to_string(facts.st_uid) +
                                    ", this process runs as " + std::to_string(::geteuid()) + kGiveFolder};
    }
    if ((facts.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return {Code::kRefused, "cannot stage in " + path + ": others can write to it" + kGiveFolder};
    }
    if ((system.f_flag & ST_NOEXEC) != 0) {
        return {Code::kRefused, "cannot stage in " + path + ": its file system is mounted noexec" + kGiveFolder};
    }
    return {};
}

int open_folder(const std::string &path) noexcept {
    const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    const int fd = ::open(path.c_str(), flags);
    if (fd >= 0 || errno != ENOENT || ::mkdir(path.c_str(), kFolderMode) != 0) {
        return fd;
    }
    return ::open(path.c_str(), flags);
}

Status write_all(int fd, const std::string &path, const std::uint8_t *memory, std::size_t size) {
    for (std::size_t done = 0; done < size;) {
        const ssize_t count = ::write(fd, memory + done, size - done);
        if (count < 0 && errno != EINTR) {
            return system_error("write", path, errno);
        }
        done += count > 0 ? static_cast<std::size_t>(count) : 0;
    }
    return {};
}

// Deletes a copy that is not finished when the way ends, whichever way that is.
class Unfinished {
public:
    Unfinished(int folder, const std::string &name) noexcept : folder_(folder), name_(name) {}
    ~Unfinished() {
        if (!is_finished_) {
            ::unlinkat(folder_, name_.c_str(), 0);
        }
    }
    Unfinished(const Unfinished &) = delete;
    Unfinished &operator=(const Unfinished &) = delete;
    void finish() noexcept { is_finished_ = true; }

private:
    int folder_;
    const std::string &name_;
    bool is_finished_ = false;
};

Status write_copy(int folder, const std::string &name, const Source &source, Staged *staged, bool *is_taken) {
    OwnedFd file(::openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, kFileMode));
    *is_taken = !file.is_open() && errno == EEXIST;
    if (!file.is_open()) {
        return system_error("create", staged->path, errno);
    }
    Unfinished unfinished(folder, name);
    Status status = write_all(file.get(), staged->path, source.bytes.get(), source.size);
    struct stat facts {};
    if (status.is_ok() && ::fstat(file.get(), &facts) != 0) {
        status = system_error("stat", staged->path, errno);
    }
    if (!file.close() && status.is_ok()) {
        status = system_error("close", staged->path, errno);
    }
    if (!status.is_ok()) {
        return status;
    }
    unfinished.finish();
    staged->dev = facts.st_dev;
    staged->ino = facts.st_ino;
    return {};
}

// A name that is taken is left alone: another host, or a library that could not leave, may still use that file.
Status write_source(const StagingWish &wish, const Source &source, Staged *out) {
    const OwnedFd folder(open_folder(wish.folder));
    if (!folder.is_open()) {
        return system_error("open folder", wish.folder, errno);
    }
    if (Status status = check_folder(folder.get(), wish.folder); !status.is_ok()) {
        return status;
    }
    Staged staged;
    staged.sha256 = source.sha256;
    staged.bytes = source.size;
    for (int attempt = 0; attempt < kNameAttempts; ++attempt) {
        const std::string name = staged_name(wish, source.sha256, attempt);
        staged.path = wish.folder + "/" + name;
        bool is_taken = false;
        Status status = write_copy(folder.get(), name, source, &staged, &is_taken);
        if (status.is_ok()) {
            *out = std::move(staged);
            return status;
        }
        if (!is_taken) {
            return status;
        }
    }
    return {Code::kIo, "cannot stage " + wish.source + ": " + std::to_string(kNameAttempts) + " copies like " +
                           staged.path + " lie there; delete those of hosts that have ended"};
}

} // namespace

std::int64_t ns_of(const timespec &time) noexcept {
    return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

bool is_same(const struct stat &a, const struct stat &b) noexcept {
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
           ns_of(a.st_mtim) == ns_of(b.st_mtim) && ns_of(a.st_ctim) == ns_of(b.st_ctim);
}

Status check_source(const std::string &path, const struct stat &facts) {
    if (!S_ISREG(facts.st_mode)) {
        return {Code::kRefused, path + ": it is " + kind_of(facts.st_mode) + ", not a regular file" + kGiveLibrary};
    }
    if (static_cast<std::uint64_t>(facts.st_size) > kImageBytesMax) {
        return {Code::kRefused, path + ": it has " + std::to_string(facts.st_size) + " bytes; an image has at most " +
                                    std::to_string(kImageBytesMax)};
    }
    return {};
}

Status open_error(const std::string &path, int error) {
    const bool is_no_file = error == ENXIO || error == ENODEV;
    return is_no_file ? Status(Code::kRefused, path + ": it is a socket or a device, not a regular file" + kGiveLibrary)
                      : system_error("open", path, error);
}

Status system_error(const char *verb, const std::string &what, int error) {
    const bool is_short = error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOSPC || error == EDQUOT;
    std::string text = std::string("cannot ") + verb + " " + what + ": " + std::generic_category().message(error);
    if (error == EMFILE) {
        text += " (this process has no fds left; raise its limit with ulimit -n)";
    }
    return {is_short ? Code::kNoMemory : Code::kIo, std::move(text)};
}

Status find_source_folder(const std::string &source, std::string *out) {
    const std::size_t slash = source.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : source.substr(0, slash + 1);
    char real[PATH_MAX];
    if (::realpath(folder.c_str(), real) == nullptr) {
        return system_error("find folder", folder, errno);
    }
    *out = real;
    return {};
}

Status stage(const StagingWish &wish, Staged *out, ImageFacts *facts) {
    if (Status status = check_plugin_name(wish.plugin); !status.is_ok()) {
        return status;
    }
    Source source;
    if (Status status = read_source(wish.source, &source); !status.is_ok()) {
        return status;
    }
    ImageFacts found;
    if (facts != nullptr) {
        if (Status status = inspect_image(source.bytes.get(), source.size, &found); !status.is_ok()) {
            return {status.code(), wish.source + ": " + status.message()};
        }
        found.bytes_owner = source.bytes;
    }
    StagingWish placed = wish;
    if (facts != nullptr && needs_source_folder(found)) {
        if (Status status = find_source_folder(wish.source, &placed.folder); !status.is_ok()) {
            return status;
        }
    }
    Staged staged;
    if (Status status = write_source(placed, source, &staged); !status.is_ok()) {
        return status;
    }
    if (facts != nullptr) {
        *facts = std::move(found);
    }
    *out = std::move(staged);
    return {};
}

Status identify_staged(Staged *staged) {
    struct stat facts {};
    if (::stat(staged->path.c_str(), &facts) != 0) {
        return system_error("stat", staged->path, errno);
    }
    staged->bytes = static_cast<std::uint64_t>(facts.st_size);
    staged->dev = facts.st_dev;
    staged->ino = facts.st_ino;
    return {};
}

Status remove_staged(const Staged &staged) {
    if (staged.is_borrowed) {
        return {};
    }
    if (::unlink(staged.path.c_str()) != 0 && errno != ENOENT) {
        return system_error("delete", staged.path, errno);
    }
    return {};
}

} // namespace hotgraft
