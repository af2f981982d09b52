#include "limits_posix.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "file_posix.hpp"
#include "staging_posix.hpp"

namespace hotgraft {

namespace {

constexpr int kFdsSearched = 65'536;

// proc_pid_statm(5): the sixth number is data and stack, in pages.
std::uint64_t writable_bytes() {
    const std::string text = read_whole("/proc/self/statm");
    const char *at = text.c_str();
    std::uint64_t pages = 0;
    for (int i = 0; i < 6; ++i) {
        char *end = nullptr;
        pages = std::strtoull(at, &end, 10);
        at = end;
    }
    return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

// Never above what the host's own limit allows.
Status limit(const char *name, __rlimit_resource resource, rlim_t value) {
    rlimit now{};
    if (::getrlimit(resource, &now) == 0) {
        now.rlim_cur = now.rlim_max == RLIM_INFINITY || value < now.rlim_max ? value : now.rlim_max;
        now.rlim_max = now.rlim_cur;
        if (::setrlimit(resource, &now) == 0) {
            return {};
        }
    }
    return system_error("limit", name, errno);
}

} // namespace

void close_fds_above(int last) noexcept {
#ifdef SYS_close_range
    if (::syscall(SYS_close_range, static_cast<unsigned>(last) + 1, ~0U, 0U) == 0) {
        return;
    }
#endif
    const long most = ::sysconf(_SC_OPEN_MAX); // kernels before 5.9
    for (int fd = last + 1; fd < (most < 0 || most > kFdsSearched ? kFdsSearched : most); ++fd) {
        (void)::close(fd);
    }
}

Status set_limits(const ProbeRequest &request) {
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != request.parent) {
        return {Code::kIo, "the host that asked for it is gone"};
    }
    // 1, not 0: a core that goes to a program knows no limit but this one (core(5)).
    const Status statuses[] = {
        limit("core files", RLIMIT_CORE, 1), limit("memory", RLIMIT_DATA, writable_bytes() + request.memory_bytes),
        limit("fds", RLIMIT_NOFILE, request.fds), limit("processor time", RLIMIT_CPU, request.cpu_s)};
    for (const Status &status : statuses) {
        if (!status.is_ok()) {
            return status;
        }
    }
    return {};
}

} // namespace hotgraft
