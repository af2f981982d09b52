#include "library_maps_posix.hpp"

#include <fcntl.h>
#include <linux/ioctl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <vector>

#include "staging_fd_posix.hpp"
#include "staging_posix.hpp"

namespace hotgraft {

namespace {

constexpr const char *kMaps = "/proc/self/maps";

// linux/fs.h of Linux 6.11; older headers do not have it.
struct MapsQuery {
    std::uint64_t size = sizeof(MapsQuery);
    std::uint64_t query_flags = 0;
    std::uint64_t query_addr = 0;
    std::uint64_t vma_start = 0;
    std::uint64_t vma_end = 0;
    std::uint64_t vma_flags = 0;
    std::uint64_t vma_page_size = 0;
    std::uint64_t vma_offset = 0;
    std::uint64_t inode = 0;
    std::uint32_t dev_major = 0;
    std::uint32_t dev_minor = 0;
    std::uint32_t vma_name_size = 0;
    std::uint32_t build_id_size = 0;
    std::uint64_t vma_name_addr = 0;
    std::uint64_t build_id_addr = 0;
};
static_assert(sizeof(MapsQuery) == 104, "the ioctl's number holds the size");

constexpr unsigned long kMapsQuery = _IOWR('f', 17, MapsQuery);
constexpr std::uint64_t kCoveringOrNext = 0x10;
constexpr std::uint64_t kFileBacked = 0x20;

// From statfs(2): file systems on which a mapping keeps the very inode open that a path leads to.
constexpr long kTmpfs = 0x01021994;
constexpr long kExt4 = 0xEF53;
constexpr long kXfs = 0x58465342;

struct Line {
    AddressRange range;
    FileIdentity file;
};

// 1: found, 0: no such line, -1: errno.
int query(int fd, std::uintptr_t address, std::uint64_t flags, Line *out) noexcept {
    MapsQuery query;
    query.query_flags = flags;
    query.query_addr = address;
    if (::ioctl(fd, kMapsQuery, &query) != 0) {
        return errno == ENOENT ? 0 : -1;
    }
    out->range = {query.vma_start, query.vma_end};
    out->file = {query.dev_major, query.dev_minor, query.inode};
    return 1;
}

// Call visit(line) for each line with a file until it answers true.
template <typename Visit> Status visit_by_query(int fd, std::uintptr_t from, const Visit &visit) {
    Line line;
    std::uintptr_t address = from;
    for (;;) {
        const int found = query(fd, address, kCoveringOrNext | kFileBacked, &line);
        if (found < 0) {
            return system_error("query", kMaps, errno);
        }
        if (found == 0 || visit(line)) {
            return {};
        }
        address = line.range.end;
    }
}

Status read_text(int fd, std::vector<char> *out) {
    std::vector<char> text(std::size_t{64} << 10);
    std::size_t used = 0;
    for (;;) {
        const ssize_t count = ::read(fd, text.data() + used, text.size() - used - 1);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return system_error("read", kMaps, errno);
        }
        if (count == 0) {
            text[used] = '\0';
            *out = std::move(text);
            return {};
        }
        used += static_cast<std::size_t>(count);
        if (text.size() - used < 8192) {
            text.resize(text.size() * 2);
        }
    }
}

// "begin-end rights offset major:minor inode path" (proc_pid_maps(5)), all numbers but the last in base 16.
bool read_line(const char *at, Line *out) {
    char *end = nullptr;
    out->range.begin = std::strtoull(at, &end, 16);
    if (*end != '-') {
        return false;
    }
    out->range.end = std::strtoull(end + 1, &end, 16);
    const char *const offset = *end == ' ' ? std::strchr(end + 1, ' ') : nullptr; // behind the rights
    if (offset == nullptr) {
        return false;
    }
    (void)std::strtoull(offset, &end, 16);
    out->file.dev_major = static_cast<std::uint32_t>(std::strtoul(end, &end, 16));
    if (*end != ':') {
        return false;
    }
    out->file.dev_minor = static_cast<std::uint32_t>(std::strtoul(end + 1, &end, 16));
    out->file.ino = std::strtoull(end, &end, 10);
    return true;
}

template <typename Visit> Status visit_by_text(int fd, const Visit &visit) {
    std::vector<char> text;
    if (Status status = read_text(fd, &text); !status.is_ok()) {
        return status;
    }
    for (const char *at = text.data(); *at != '\0';) {
        Line line;
        if (read_line(at, &line) && visit(line)) {
            return {};
        }
        const char *const end = std::strchr(at, '\n');
        if (end == nullptr) {
            break;
        }
        at = end + 1;
    }
    return {};
}

// The maps file that stays open while libraries are mapped (MapsUse). `turn` is only ever tried for: a forked child may
// find it taken by a thread it does not have, and then opens a file of its own.
struct KeptMaps {
    std::atomic<std::size_t> users{0};
    std::mutex turn;
    int fd = -1;
    struct stat facts {};
    pid_t pid = 0;
};

KeptMaps &kept_maps() noexcept {
    alignas(KeptMaps) static unsigned char storage[sizeof(KeptMaps)];
    static KeptMaps *const kept = new (storage) KeptMaps(); // never destroyed: libraries outlive the end of main
    return *kept;
}

// A program may close fds that are not its own and open others under their numbers, and a fork hands down its parent's
// maps. Only called in turn.
bool is_still_ours(const KeptMaps &kept) noexcept {
    struct stat now {};
    return kept.fd >= 0 && kept.pid == ::getpid() && ::fstat(kept.fd, &now) == 0 && now.st_dev == kept.facts.st_dev &&
           now.st_ino == kept.facts.st_ino;
}

template <typename Visit> bool visit_kept(std::uintptr_t from, const Visit &visit) {
    KeptMaps &kept = kept_maps();
    const std::unique_lock<std::mutex> turn(kept.turn, std::try_to_lock);
    return turn.owns_lock() && is_still_ours(kept) && visit_by_query(kept.fd, from, visit).is_ok();
}

void keep(OwnedFd *fd) noexcept {
    KeptMaps &kept = kept_maps();
    const std::unique_lock<std::mutex> turn(kept.turn, std::try_to_lock);
    if (turn.owns_lock() && kept.users.load(std::memory_order_relaxed) != 0 && !is_still_ours(kept) &&
        ::fstat(fd->get(), &kept.facts) == 0) {
        kept.pid = ::getpid();
        kept.fd = fd->release();
    }
}

template <typename Visit> Status visit_lines(std::uintptr_t from, MapsWay way, const Visit &visit) {
    if (way != MapsWay::kText && visit_kept(from, visit)) {
        return {};
    }
    OwnedFd fd(::open(kMaps, O_RDONLY | O_CLOEXEC));
    if (!fd.is_open()) {
        return system_error("open", kMaps, errno);
    }
    if (way != MapsWay::kText) {
        Status status = visit_by_query(fd.get(), from, visit);
        if (status.is_ok()) {
            keep(&fd);
        }
        if (status.is_ok() || way == MapsWay::kQuery) {
            return status;
        }
    }
    return visit_by_text(fd.get(), visit);
}

} // namespace

MapsUse::MapsUse() noexcept {
    kept_maps().users.fetch_add(1, std::memory_order_relaxed);
}

MapsUse::~MapsUse() {
    KeptMaps &kept = kept_maps();
    if (kept.users.fetch_sub(1, std::memory_order_relaxed) != 1) {
        return;
    }
    const std::unique_lock<std::mutex> turn(kept.turn, std::try_to_lock);
    if (turn.owns_lock() && kept.users.load(std::memory_order_relaxed) == 0) {
        if (is_still_ours(kept)) {
            ::close(kept.fd);
        }
        kept.fd = -1;
    }
}

Status identity_at(std::uintptr_t address, FileIdentity *out, MapsWay way) {
    FileIdentity found;
    Status status = visit_lines(address, way, [&](const Line &line) {
        if (line.range.contains(address)) {
            found = line.file;
        }
        return line.range.end > address; // lines are in order
    });
    if (status.is_ok()) {
        *out = found;
    }
    return status;
}

Status find_line_of(const FileIdentity &file, AddressRange *out, MapsWay way) {
    AddressRange found;
    Status status = visit_lines(0, way, [&](const Line &line) {
        found = line.file == file ? line.range : AddressRange{};
        return line.file == file;
    });
    if (status.is_ok()) {
        *out = found;
    }
    return status;
}

void unmap_all_of(const FileIdentity &file) noexcept {
    (void)or_no_memory([&] {
        for (;;) {
            AddressRange line;
            Status status = find_line_of(file, &line);
            if (!status.is_ok() || line.begin == 0 ||
                ::munmap(reinterpret_cast<void *>(line.begin), line.end - line.begin) != 0) {
                return status;
            }
        }
    });
}

Status identity_of_file(const Staged &staged, FileIdentity *out) {
    const std::string &path = staged.path;
    const OwnedFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat facts {};
    if (!fd.is_open() || ::fstat(fd.get(), &facts) != 0) {
        return system_error("open", path, errno);
    }
    if (facts.st_dev != staged.dev || facts.st_ino != staged.ino) {
        return {Code::kRefused, path + ": is inode " + std::to_string(facts.st_ino) + " now, inode " +
                                    std::to_string(staged.ino) + " was checked: somebody replaced it"};
    }
    void *const page = ::mmap(nullptr, 1, PROT_READ, MAP_PRIVATE, fd.get(), 0);
    if (page == MAP_FAILED) {
        return system_error("map", path, errno);
    }
    Status status = identity_at(reinterpret_cast<std::uintptr_t>(page), out);
    ::munmap(page, 1);
    return status;
}

FileIdentity identity_from_stat(std::uint64_t dev, std::uint64_t ino) noexcept {
    return {major(dev), minor(dev), ino};
}

OpenState ask_open_state(const std::string &path) noexcept {
    const OwnedFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct statfs system {};
    if (!fd.is_open() || ::fstatfs(fd.get(), &system) != 0) {
        return OpenState::kUnknown;
    }
    const long type = static_cast<long>(system.f_type);
    if (type != kTmpfs && type != kExt4 && type != kXfs) {
        return OpenState::kUnknown;
    }
    // Somebody who opens the file while the lease is there makes the kernel signal us. SIGIO, the default, would end
    // the process; SIGURG is ignored unless somebody wants it.
    if (::fcntl(fd.get(), F_SETSIG, SIGURG) != 0) {
        return OpenState::kUnknown;
    }
    if (::fcntl(fd.get(), F_SETLEASE, F_WRLCK) != 0) {
        return errno == EAGAIN ? OpenState::kSomewhere : OpenState::kUnknown;
    }
    return OpenState::kNowhere; // closing gives the lease back
}

} // namespace hotgraft
