// Reclaim: taking replaced generations out of memory once nobody can be inside them.
//
// A generation leaves *held* by exactly one of two compare-and-swaps: recall (rollback) or retire (commit). What was
// retired belongs to the reaper alone. It looks at pins and leases, issues the barrier, looks at the records, and looks
// at pins again: without the second look a pin taken in between is missed (tests/model, reclaim).
//
// The reaper's thread starts with the first retire and ends when nothing is waiting: a standing thread would make
// CPython ≥ 3.12 warn at every fork. Plugin code never runs on it, but on a control thread with a deadline.
#ifndef HOTGRAFT_CORE_RECLAIM_HPP
#define HOTGRAFT_CORE_RECLAIM_HPP

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "generation.hpp"
#include "library.hpp"
#include "status.hpp"

namespace hotgraft {

// A generation that is held, and by what.
struct Waiting {
    std::string path;     // of its staged copy: no other generation of the process has it
    std::string sentence; // "gain: generation 3: pinned: session 7 for 2.1 s"
};

// What became of one retired generation.
struct Reclaimed {
    std::string path; // as above
    std::string plugin;
    std::uint64_t generation = 0;
    Proof proof; // not proven: stuck, with the reason
};

// Thread safety
//   Any thread. The listener is called on the reaper's thread, with no lock held.
//
// Invariants
//   (1) A generation is handed to Unload only when no pin, lease or record holds it, seen in the order above.
//   (2) A generation is in exactly one of the waiting list, the reaper's hands, and stuck_.
//   (3) retire() needs no memory, and where the reaper finds none it looks again later: nothing is forgotten.
class Reaper {
public:
    static Reaper &instance() noexcept;
    Reaper(const Reaper &) = delete;
    Reaper &operator=(const Reaper &) = delete;

    // Commit: held (or failed, after its code ran) → retired, and on its way out; an abandoned one is reported as
    // stuck. kWrongStage: somebody recalled it first. kForked in a forked child: what the parent reclaims is not the
    // child's.
    Status retire(std::shared_ptr<Generation> generation);

    // Wait until nothing is waiting any more. kTimedOut names each generation that is and what holds it.
    Status wait_idle(std::int64_t deadline_ns);

    // Generations still on their way out, each with what holds it.
    [[nodiscard]] std::vector<Waiting> waiting() const;
    [[nodiscard]] std::vector<Reclaimed> stuck() const;
    // Of one plugin: how many generations left memory for certain.
    [[nodiscard]] std::uint64_t proven_count(const std::string &plugin) const;

    // Called after each end; nullptr: nobody. Returns only when no call of the listener of before is under way.
    void set_listener(void (*listener)(const Reclaimed &reclaimed, void *ctx), void *ctx);

    // A seam for the control "reclaim without the second look at pins": called between the look at records and the
    // second look.
    void set_second_look_seam(void (*between)(void *ctx), void *ctx, bool skips_second_look) noexcept;

private:
    Reaper() = default;
    void serve() noexcept;
    bool is_free(Generation &generation, std::string *held_by);
    // False: it has to be tried again, *held_by says why.
    bool reclaim(const std::shared_ptr<Generation> &generation, std::string *held_by);
    void start_thread() noexcept;
    void sweep(std::unique_lock<std::mutex> &lock, bool *progress) noexcept;
    [[nodiscard]] std::vector<Waiting> list_waiting() const; // under mutex_

    mutable std::mutex mutex_; // everything below
    std::condition_variable changed_;
    std::shared_ptr<Generation> first_waiting_; // a list through Generation::next_waiting_
    std::vector<Reclaimed> stuck_;
    std::vector<std::shared_ptr<Generation>> kept_; // stuck ones stay whole
    std::map<std::string, std::uint64_t> proven_;   // by plugin
    bool is_running_ = false;
    bool is_calling_ = false;
    void (*listener_)(const Reclaimed &, void *) = nullptr;
    void *listener_ctx_ = nullptr;
    void (*between_)(void *) = nullptr;
    void *between_ctx_ = nullptr;
    bool skips_second_look_ = false;
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_RECLAIM_HPP
