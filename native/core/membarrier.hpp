// The expensive half of the guards' ordering: a full barrier on every thread of the process, paid by whoever closes a
// gate.
//
// Source: membarrier(2), PRIVATE_EXPEDITED, Linux ≥ 4.14. After the call returns, every other thread has executed a
// full barrier at some point between the call's start and its end: its earlier stores are visible, its later loads are
// fresh.
#ifndef HOTGRAFT_CORE_MEMBARRIER_HPP
#define HOTGRAFT_CORE_MEMBARRIER_HPP

namespace hotgraft {

// Announce the intent to the kernel. False: this kernel, or a sandbox around us, does not offer it. A forked child
// inherits the registration.
[[nodiscard]] bool membarrier_register() noexcept;
// The barrier. False: not registered.
[[nodiscard]] bool membarrier_all() noexcept;

} // namespace hotgraft

#endif // HOTGRAFT_CORE_MEMBARRIER_HPP
