// The C API of the crash report.
#include <hotgraft_core.h>

#include "capi_boundary.hpp"
#include "crash.hpp"

hotgraft_core_code hotgraft_core_report_crashes(int32_t fd, hotgraft_error *error) {
    return hotgraft::guarded(
        error, [] { return hotgraft::Status(); },
        [fd] {
            hotgraft::Status status = hotgraft::CrashHandlers::install();
            if (status.is_ok()) {
                hotgraft::CrashHandlers::report_to(fd);
            }
            return status;
        });
}
