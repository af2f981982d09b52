// The stack that a thread's crash is reported on: an overflow of its own leaves no room for a handler.
#ifndef HOTGRAFT_CORE_CRASH_STACK_POSIX_HPP
#define HOTGRAFT_CORE_CRASH_STACK_POSIX_HPP

#include <cstddef>
#include <cstdint>

namespace hotgraft {

// Give the calling thread an alternate signal stack (sigaltstack(2)) unless it has one, until it ends. Without memory
// it has none, and only the report of an overflow is lost. Costs nothing once it has been asked for on a thread.
void give_crash_stack() noexcept;

// Copy memory that may not be there; returns how many bytes were. Async-signal-safe. 0 where the kernel forbids
// process_vm_readv(2).
[[nodiscard]] std::size_t read_own_memory(std::uintptr_t address, void *to, std::size_t bytes) noexcept;

} // namespace hotgraft

#endif // HOTGRAFT_CORE_CRASH_STACK_POSIX_HPP
