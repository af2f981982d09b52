// Wiping what calls of the past left on a stack, before its thread ends.
//
// The C library gives a dead thread's stack to the next one as it is. Return addresses into a plugin that lie there
// then shine through holes in the new thread's frames, and the search for residue takes that thread for one inside the
// plugin: its library would stay for ever, for nothing.
#ifndef HOTGRAFT_CORE_STACK_WIPE_HPP
#define HOTGRAFT_CORE_STACK_WIPE_HPP

namespace hotgraft {

// Overwrite what lies below the calling thread's stack pointer, as far as the search looks. Not for signal handlers.
void wipe_dead_stack() noexcept;

} // namespace hotgraft

#endif // HOTGRAFT_CORE_STACK_WIPE_HPP
