// What bounds a probe's process, set before anything of the candidate is mapped.
#ifndef HOTGRAFT_PROBE_LIMITS_POSIX_HPP
#define HOTGRAFT_PROBE_LIMITS_POSIX_HPP

#include "request.hpp"
#include "status.hpp"

namespace hotgraft {

// Close every fd above `last`; whatever the host's process had open by accident is none of the candidate's business.
void close_fds_above(int last) noexcept;

// End with the thread of the host that waits, leave no core file, and take no more memory, fds and time than asked for.
//
// Memory is bounded by RLIMIT_DATA, which counts what can be written and not what is only reserved (since Linux 4.7):
// by RLIMIT_AS the arenas of a few threads would be taken for gigabytes.
[[nodiscard]] Status set_limits(const ProbeRequest &request);

} // namespace hotgraft

#endif // HOTGRAFT_PROBE_LIMITS_POSIX_HPP
