// hotgraft-probe: loads a candidate in a process of its own, so that what crashes, exits or hangs does it here.
//
// The host spawns it with a request on fd 3 and reads the report from fd 4. It maps the very staged copy that the host
// is going to map, brings it up as a host does, with a copy of the live state, and takes it down again.
//
// What it does not do: decide. It tells what happened; the host judges. And it is no sandbox: it can do what the host
// can.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <typeinfo>

#include <cxxabi.h>
#include <fcntl.h>
#include <unistd.h>

#include "crash.hpp"
#include "file_posix.hpp"
#include "limits_posix.hpp"
#include "probe.hpp"

namespace {

constexpr int kRequestFd = 3;
constexpr int kReportFd = 4;

// An exception got out of a constructor or through a function that may not throw: say which before the process aborts.
[[noreturn]] void on_terminate() noexcept {
    const hotgraft::ProbeReport report(kReportFd);
    const std::type_info *const type = abi::__cxa_current_exception_type();
    if (type != nullptr) {
        int failure = 0;
        char *const name = abi::__cxa_demangle(type->name(), nullptr, nullptr, &failure);
        const char *what = "";
        try {
            throw;
        } catch (const std::exception &error) {
            what = error.what();
        } catch (...) { // NOLINT(bugprone-empty-catch): of another type, which has no words of its own
        }
        report.say({"thrown", failure == 0 ? name : type->name(), what});
    }
    std::abort();
}

int list_stages() {
    for (const char *const stage : hotgraft::kProbeStages) {
        (void)std::puts(stage);
    }
    return 0;
}

} // namespace

int main(int argc, char **argv) {
    if (argc == 2 && std::strcmp(argv[1], "--stages") == 0) {
        return list_stages();
    }
    const hotgraft::ProbeReport report(kReportFd);
    hotgraft::close_fds_above(kReportFd);
    hotgraft::ProbeRequest request;
    hotgraft::Status status = hotgraft::read_request(hotgraft::read_whole(kRequestFd), &request);
    (void)::close(kRequestFd);
    (void)::fcntl(kReportFd, F_SETFD, FD_CLOEXEC);
    if (status.is_ok()) {
        status = hotgraft::CrashHandlers::install();
    }
    if (!status.is_ok()) {
        report.say({"unable", status.message()});
        return 2;
    }
    hotgraft::CrashHandlers::report_to(kReportFd);
    std::set_terminate(&on_terminate);
    hotgraft::Probe *const probe = new hotgraft::Probe(request, report); // the candidate's threads may outlive it
    probe->run();
    ::_exit(0); // what is still mapped keeps its destructors to itself
}
