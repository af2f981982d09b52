// Waiting until a file is finished: complete, and unchanged for a while. By looking again and again: the caller was
// told by a watcher that something happened, and a watcher cannot say that nothing more will.
#include "staging.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "control.hpp"
#include "staging_fd_posix.hpp"
#include "staging_posix.hpp"

namespace hotgraft {

namespace {

// What must hold still for a while.
struct Look {
    bool is_there = false;
    struct stat facts {};
    Status completeness;
};

Status look_at(const std::string &path, Look *out) {
    const OwnedFd fd(open_to_read(path.c_str()));
    if (!fd.is_open()) {
        if (errno == ENOENT) { // between the two halves of a rename, or not written yet
            out->is_there = false;
            return {};
        }
        return open_error(path, errno);
    }
    if (::fstat(fd.get(), &out->facts) != 0) {
        return system_error("stat", path, errno);
    }
    if (Status status = check_source(path, out->facts); !status.is_ok()) {
        return status;
    }
    std::uint8_t head[64];
    const ssize_t count = ::pread(fd.get(), head, sizeof head, 0);
    if (count < 0) {
        return system_error("read", path, errno);
    }
    out->is_there = true;
    out->completeness =
        check_complete(head, static_cast<std::size_t>(count), static_cast<std::uint64_t>(out->facts.st_size));
    if (!may_become_image(head, static_cast<std::size_t>(count))) { // a text, an archive: no wait makes it one
        return {Code::kMalformed, path + ": " + out->completeness.message()};
    }
    return {};
}

// Older than `still_ns` by the wall clock: nothing to wait for. A clock that was set meanwhile can make this wrong;
// then staging still sees what changes while it reads.
bool is_old(const struct stat &facts, std::int64_t still_ns) noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    const std::int64_t newest = std::max(ns_of(facts.st_mtim), ns_of(facts.st_ctim));
    return ns_of(now) - newest > still_ns;
}

const char *const kTryAgain = "\nto do: try again when its writer has finished, or build it again if the writer died";

Status timed_out(const std::string &path, const Look &look) {
    const std::string what = path + ": not finished by the deadline: ";
    if (!look.is_there) {
        return {Code::kTimedOut,
                path + ": it is not there\nto do: give the path of a plugin's shared library, or build it first"};
    }
    if (!look.completeness.is_ok()) {
        return {Code::kTimedOut, what + look.completeness.message() + kTryAgain};
    }
    return {Code::kTimedOut, what + "its size, time or inode kept changing" + kTryAgain};
}

} // namespace

Status settle(const std::string &path, std::int64_t deadline_ns, std::int64_t still_ns) {
    const timespec pause{0, static_cast<long>(std::clamp<std::int64_t>(still_ns / 10, 100'000, 10'000'000))};
    Look last;
    std::int64_t since_ns = 0;
    for (;;) {
        Look look;
        if (Status status = look_at(path, &look); !status.is_ok()) {
            return status;
        }
        const std::int64_t now_ns = monotonic_ns();
        const bool is_good = look.is_there && look.completeness.is_ok();
        if (!last.is_there || !look.is_there || !is_same(last.facts, look.facts)) {
            since_ns = now_ns;
        }
        if (is_good && (is_old(look.facts, still_ns) || now_ns - since_ns >= still_ns)) {
            return {};
        }
        last = look;
        if (now_ns >= deadline_ns) {
            return timed_out(path, look);
        }
        ::nanosleep(&pause, nullptr);
    }
}

} // namespace hotgraft
