// What a library leaves behind, looked for before dlclose: signal handlers and destructors of pthread keys that point
// into it, threads that are still inside it. Each would crash the process, sometimes much later, so each keeps it.
//
// It asks for facts only. A conservative scan of writable memory for pointers into the range is not part of it.
#ifndef HOTGRAFT_CORE_RESIDUE_HPP
#define HOTGRAFT_CORE_RESIDUE_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "library.hpp"
#include "status.hpp"

namespace hotgraft {

struct LeftHandler {
    int signal = 0;
    std::string name;   // "SIGUSR1"
    std::string symbol; // where it points
    bool is_put_back = false;
};

struct LeftKey {
    unsigned key = 0;   // pthread_key_t
    std::string symbol; // its destructor
};

struct LeftThread {
    int tid = 0;
    std::string name;
    std::string symbol;      // a return address of its stack inside the library; empty if it was never seen to rest
    bool is_running = false; // still running at the deadline: its stack could not be read, so it counts as inside
};

struct Residue {
    std::vector<LeftHandler> handlers;
    std::vector<LeftKey> keys;
    std::vector<LeftThread> threads;

    [[nodiscard]] bool is_empty() const noexcept { return handlers.empty() && keys.empty() && threads.empty(); }
    // Nothing but threads that were never seen to rest: look again later, they may be the program's own at work.
    [[nodiscard]] bool is_undecided() const noexcept;
    // One sentence naming all of it, and the first symbol.
    [[nodiscard]] std::string reason() const;
    [[nodiscard]] std::string symbol() const;
};

// What there was before a library was mapped.
class ResidueBaseline {
public:
    [[nodiscard]] static Status take(std::unique_ptr<ResidueBaseline> *out);
    ~ResidueBaseline();
    ResidueBaseline(const ResidueBaseline &) = delete;
    ResidueBaseline &operator=(const ResidueBaseline &) = delete;

    struct Facts;
    [[nodiscard]] const Facts &facts() const noexcept { return *facts_; }

private:
    ResidueBaseline();
    std::unique_ptr<Facts> facts_;
};

// Look. Handlers that point into the library are put back to what `baseline` says and reported all the same: the signal
// may be under way on another thread.
// Threads looked at: those that are not in the baseline, not in `known` (threads with a guard record, control threads:
// what they left on their stacks is old) and not the caller. One that is running is looked at again until deadline_ns.
[[nodiscard]] Status find_residue(const Library &library, const ResidueBaseline &baseline,
                                  const std::vector<int> &known, std::int64_t deadline_ns, Residue *out);

} // namespace hotgraft

#endif // HOTGRAFT_CORE_RESIDUE_HPP
