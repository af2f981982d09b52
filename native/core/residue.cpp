#include "residue.hpp"

#include <algorithm>
#include <utility>

#include "control.hpp"
#include "control_clock_posix.hpp"
#include "record.hpp"
#include "residue_posix.hpp"

namespace hotgraft {

namespace {

constexpr long kLookAgainUs = 200;

bool has(const std::vector<int> &sorted, int tid) {
    return std::binary_search(sorted.begin(), sorted.end(), tid);
}

// Threads whose stacks may tell something about the library.
Status suspects(const std::vector<int> &sorted_baseline, std::vector<int> known, std::vector<int> *out) {
    std::vector<int> tids;
    if (Status status = list_threads(&tids); !status.is_ok()) {
        return status;
    }
    known.push_back(own_thread_id());
    std::sort(known.begin(), known.end());
    for (const int tid : tids) {
        if (!has(sorted_baseline, tid) && !has(known, tid)) {
            out->push_back(tid);
        }
    }
    return {};
}

LeftThread report(const Library &library, int tid, std::uintptr_t address) {
    LeftThread thread;
    thread.tid = tid;
    thread.name = thread_name(tid);
    thread.is_running = address == 0;
    thread.symbol = address == 0 ? "" : library.name_of(address);
    return thread;
}

std::vector<LeftThread> find_threads(const Library &library, std::vector<int> waiting, std::int64_t deadline_ns) {
    std::vector<LeftThread> left;
    for (;;) {
        std::vector<int> running;
        for (const int tid : waiting) {
            std::uintptr_t address = 0;
            const Whereabouts where = find_thread(library, tid, &address);
            if (where == Whereabouts::kInside) {
                left.push_back(report(library, tid, address));
            } else if (where == Whereabouts::kRunning) {
                running.push_back(tid);
            }
        }
        waiting = std::move(running);
        if (waiting.empty() || monotonic_ns() >= deadline_ns) {
            break;
        }
        pause_us(kLookAgainUs);
    }
    for (const int tid : waiting) {
        left.push_back(report(library, tid, 0));
    }
    return left;
}

std::string describe(const LeftThread &thread) {
    const std::string who = "thread " + std::to_string(thread.tid) + " \"" + thread.name + "\" ";
    return thread.is_running
               ? who + "began after it was mapped and has not rested, so it cannot be told from one inside"
               : who + "is inside " + thread.symbol;
}

std::string describe(const LeftHandler &handler) {
    return "handler of " + handler.name + " was " + handler.symbol +
           (handler.is_put_back ? " (put back)" : " (and could not be put back)");
}

std::string describe(const LeftKey &key) {
    return "pthread key " + std::to_string(key.key) + " still has its destructor " + key.symbol +
           ": a thread that ends would call it (delete the key in destroy)";
}

} // namespace

struct ResidueBaseline::Facts {
    Handlers handlers;
    std::vector<int> threads; // sorted
};

ResidueBaseline::ResidueBaseline() : facts_(new Facts()) {}

ResidueBaseline::~ResidueBaseline() = default;

Status ResidueBaseline::take(std::unique_ptr<ResidueBaseline> *out) {
    std::unique_ptr<ResidueBaseline> baseline(new ResidueBaseline());
    take_handlers(&baseline->facts_->handlers);
    if (Status status = list_threads(&baseline->facts_->threads); !status.is_ok()) {
        return status;
    }
    std::sort(baseline->facts_->threads.begin(), baseline->facts_->threads.end());
    *out = std::move(baseline);
    return {};
}

bool Residue::is_undecided() const noexcept {
    return !is_empty() && handlers.empty() && keys.empty() &&
           std::all_of(threads.begin(), threads.end(), [](const LeftThread &thread) { return thread.is_running; });
}

std::string Residue::reason() const {
    std::string text;
    for (const LeftThread &thread : threads) {
        text += (text.empty() ? "" : "; ") + describe(thread);
    }
    for (const LeftHandler &handler : handlers) {
        text += (text.empty() ? "" : "; ") + describe(handler);
    }
    for (const LeftKey &key : keys) {
        text += (text.empty() ? "" : "; ") + describe(key);
    }
    return text;
}

std::string Residue::symbol() const {
    for (const LeftThread &thread : threads) {
        if (!thread.symbol.empty()) {
            return thread.symbol;
        }
    }
    if (!handlers.empty()) {
        return handlers.front().symbol;
    }
    return keys.empty() ? "" : keys.front().symbol;
}

Status find_residue(const Library &library, const ResidueBaseline &baseline, const std::vector<int> &known,
                    std::int64_t deadline_ns, Residue *out) {
    std::vector<int> waiting;
    if (Status status = suspects(baseline.facts().threads, known, &waiting); !status.is_ok()) {
        return status;
    }
    Residue residue;
    residue.threads = find_threads(library, std::move(waiting), deadline_ns);
    residue.handlers = put_back_handlers(library, baseline.facts().handlers);
    residue.keys = find_keys(library);
    *out = std::move(residue);
    return {};
}

} // namespace hotgraft
