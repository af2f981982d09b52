#include "stack_wipe.hpp"

#include <pthread.h>

#include <alloca.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace hotgraft {

namespace {

constexpr std::size_t kWipeBytes = std::size_t{64} << 10; // as much as residue_threads_posix.cpp reads
constexpr std::size_t kRoomBytes = std::size_t{4} << 10;  // left alone above the guard page: a signal may come

// Bytes between here and the end of the stack; 0: unknown. pthread_getattr_np(3).
std::size_t room_below(std::uintptr_t here) noexcept {
    pthread_attr_t attributes;
    if (::pthread_getattr_np(::pthread_self(), &attributes) != 0) {
        return 0;
    }
    void *low = nullptr;
    std::size_t bytes = 0;
    const bool is_known = ::pthread_attr_getstack(&attributes, &low, &bytes) == 0;
    ::pthread_attr_destroy(&attributes);
    const std::uintptr_t end = reinterpret_cast<std::uintptr_t>(low);
    return is_known && here > end && here - end <= bytes ? here - end : 0;
}

__attribute__((noinline)) void overwrite(std::size_t bytes) noexcept {
    void *const dead = alloca(bytes);
    std::memset(dead, 0, bytes);
    __asm__ volatile("" : : "r"(dead) : "memory"); // nobody reads it: the compiler must not find out
}

} // namespace

__attribute__((noinline)) void wipe_dead_stack() noexcept {
    const std::size_t room = room_below(reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)));
    if (room > 2 * kRoomBytes) {
        overwrite(std::min(room - kRoomBytes, kWipeBytes));
    }
}

} // namespace hotgraft
