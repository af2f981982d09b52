#include "generation_unload.hpp"

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include "generation_instance.hpp"
#include "guard.hpp"
#include "own_threads.hpp"
#include "record.hpp"
#include "residue.hpp"
#include "residue_posix.hpp"

namespace hotgraft {

namespace {

// How long a thread that does not rest is looked at: the first time, and when it is asked for again.
constexpr std::int64_t kRestNs = 50'000'000;
constexpr std::int64_t kRestAgainNs = 2'000'000;
// A plugin that answers "not yet" is asked again after this long.
constexpr long kQuiesceAgainUs = 50;

// Threads that run plugin code on the host's behalf: what calls of the past left on their stacks is no sign of being
// inside now, and if they were inside, a guard or the control thread's caller would say so.
std::vector<int> host_threads() {
    std::vector<int> known = ControlThread::thread_ids();
    for (const ThreadRecord *record = Guards::instance().records().first(); record != nullptr;
         record = record->next_listed) {
        known.push_back(record->tid.load(std::memory_order_relaxed));
    }
    return known;
}

} // namespace

// What the teardown is doing and what it found; shared with the control thread, should it be abandoned.
struct Unload::Progress {
    std::atomic<const char *> doing{"quiesce"};
    UnloadTimes times;
    Proof proof;
    bool is_undecided = false; // a thread could not be looked at
};

// [control, quiesced or never started] is what destroy asks for: an instance that does not hold still is left alone.
Status Unload::stop(Generation &generation, std::int64_t deadline_ns) {
    for (std::size_t i = 0; i < generation.instance_count(); ++i) {
        if (generation.instances_[i]->plugin == nullptr) {
            continue; // destroyed by an earlier attempt
        }
        bool is_again = true;
        for (;;) {
            if (Status status = generation.quiesce(i, deadline_ns, &is_again); !status.is_ok()) {
                return status;
            }
            if (!is_again) {
                break;
            }
            if (monotonic_ns() >= deadline_ns) {
                return {Code::kTimedOut, generation.label() + ": quiesce still answered \"again\" at the deadline"};
            }
            pause_us(kQuiesceAgainUs);
        }
    }
    // Not at rest whatever quiesce said, and its code is needed: it may run on while nothing of it is on a stack's top.
    const std::string left = describe_own_threads_of(generation.thread_generation());
    if (!left.empty()) {
        return {Code::kRefused,
                left + " was registered by it, and neither ended nor unregistered by the end of quiesce"};
    }
    return {};
}

// Runs on the control thread.
Status Unload::tear_down(Generation &generation, Progress &progress, std::int64_t deadline_ns) {
    const std::int64_t began_ns = monotonic_ns();
    if (Status status = stop(generation, deadline_ns); !status.is_ok()) {
        return status;
    }
    progress.doing = "destroy";
    bool is_first_look = false;
    generation.destroy_sessions();
    for (std::size_t i = 0; i < generation.instance_count(); ++i) {
        if (generation.instances_[i]->plugin != nullptr) {
            is_first_look = true;
            if (Status status = generation.destroy(i); !status.is_ok()) {
                return status;
            }
        }
    }
    const std::int64_t destroyed_ns = monotonic_ns();
    progress.times.destroy_ns = destroyed_ns - began_ns;
    progress.doing = "the look at what it left behind";
    Residue residue;
    const std::int64_t until_ns = destroyed_ns + (is_first_look ? kRestNs : kRestAgainNs);
    if (Status status = find_residue(*generation.library(), *generation.baseline(), host_threads(),
                                     std::min(until_ns, deadline_ns), &residue);
        !status.is_ok()) {
        return status;
    }
    const std::int64_t looked_ns = monotonic_ns();
    progress.times.facts_ns = looked_ns - destroyed_ns;
    if (!residue.is_empty()) {
        progress.proof = {false, residue.reason(), residue.symbol()};
        progress.is_undecided = residue.is_undecided();
        return {};
    }
    progress.doing = "dlclose";
    progress.proof = generation.library()->close();
    progress.times.close_ns = monotonic_ns() - looked_ns;
    return {};
}

Proof Unload::run(ControlThread &control, std::int64_t deadline_ns) {
    const std::shared_ptr<Generation> generation = generation_;
    if (generation->is_abandoned()) {
        return settle({false, std::string("abandoned in ") + generation->abandoned_in_.load(), ""});
    }
    if (generation->library() == nullptr) {
        (void)remove_staged(generation->staged());
        return settle({true, "", ""}); // the loader refused it: there is nothing to close
    }
    const std::shared_ptr<Progress> progress = std::make_shared<Progress>();
    const Status status = control.run(
        "unload", [generation, progress, deadline_ns] { return tear_down(*generation, *progress, deadline_ns); },
        deadline_ns);
    if (status.code() == Code::kAbandoned) {
        const char *const what = progress->doing.load();
        generation->mark_abandoned(what);
        return settle({false, std::string("abandoned in ") + what + ": " + status.message(), ""});
    }
    times_ = progress->times;
    is_unsettled_ = status.code() == Code::kNoMemory || progress->is_undecided;
    if (is_unsettled_) { // every step of the teardown may be asked for again, and does what it had not done yet
        return status.is_ok() ? progress->proof : Proof{false, status.message(), ""};
    }
    return settle(status.is_ok() ? progress->proof : Proof{false, status.message(), ""});
}

Proof Unload::look_again() {
    if (generation_->is_abandoned() || generation_->library() == nullptr) {
        return {false, generation_->is_abandoned() ? "abandoned" : "never mapped", ""};
    }
    Proof proof = generation_->library()->prove();
    return proof.proven ? settle(proof) : proof;
}

Proof Unload::settle(const Proof &proof) {
    if (proof.proven) {
        generation_->unlist_for_crashes();
        generation_->close_meters();
        generation_->drop_shared_blocks();
    }
    (void)generation_->try_advance(proof.proven ? Event::kUnload : Event::kStick);
    return proof;
}

} // namespace hotgraft
