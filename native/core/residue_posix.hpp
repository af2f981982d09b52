// What residue.cpp asks of POSIX: handlers, keys, threads and their stacks.
#ifndef HOTGRAFT_CORE_RESIDUE_POSIX_HPP
#define HOTGRAFT_CORE_RESIDUE_POSIX_HPP

#include <array>
#include <csignal>
#include <cstdint>
#include <string>
#include <vector>

#include "library.hpp"
#include "residue.hpp"
#include "status.hpp"

namespace hotgraft {

inline constexpr int kSignalMax = 64;

struct Handlers {
    std::array<struct sigaction, kSignalMax + 1> actions; // by signal; [0] unused
};

[[nodiscard]] std::string signal_name(int signal); // "SIGUSR1"

void take_handlers(Handlers *out) noexcept;

// Handlers that lie in `library`: put back to `before` and reported.
[[nodiscard]] std::vector<LeftHandler> put_back_handlers(const Library &library, const Handlers &before);

// Keys whose destructor lies in `library`; empty where the C library does not let anybody know.
[[nodiscard]] std::vector<LeftKey> find_keys(const Library &library);

// Ids of all threads of this process, in no order.
[[nodiscard]] Status list_threads(std::vector<int> *out);

enum class Whereabouts : std::uint8_t { kGone, kOutside, kInside, kRunning };

// Where thread `tid` is now: kInside if its program counter or a return address of its live stack (from the stack
// pointer up, at most 64 KiB) lies in the library's code. *address is the one found. kRunning: cannot be told now.
[[nodiscard]] Whereabouts find_thread(const Library &library, int tid, std::uintptr_t *address);

void pause_us(long microseconds) noexcept;

} // namespace hotgraft

#endif // HOTGRAFT_CORE_RESIDUE_POSIX_HPP
