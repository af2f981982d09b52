#include "generation_unload.hpp"

#include <utility>

#include "generation_instance.hpp"
#include "guard.hpp"
#include "record.hpp"
#include "residue.hpp"

namespace hotgraft {

namespace {

// How long a thread that never rests is looked at before it counts as inside.
constexpr std::int64_t kRestNs = 50'000'000;

} // namespace

// What the teardown on the control thread found; shared with it, should it be abandoned.
struct Unload::Progress {
    Status destroyed;
    Proof proof;
};

Proof Unload::run(ControlThread &control, std::int64_t deadline_ns) {
    const std::shared_ptr<Generation> generation = generation_;
    if (generation->is_abandoned()) {
        return settle({false, std::string("abandoned in ") + generation->abandoned_in_.load(), ""});
    }
    const std::int64_t began_ns = monotonic_ns();
    const auto tear_down = [generation, deadline_ns]() -> Status {
        for (std::size_t i = 0; i < generation->instance_count(); ++i) {
            for (bool is_again = true; is_again && monotonic_ns() < deadline_ns;) {
                if (Status status = generation->quiesce(i, deadline_ns, &is_again); !status.is_ok()) {
                    return status;
                }
            }
            if (Status status = generation->destroy(i); !status.is_ok()) {
                return status;
            }
        }
        return {};
    };
    if (generation->instance_count() != 0) {
        const Status status = control.run("destroy", tear_down, deadline_ns);
        if (status.code() == Code::kAbandoned) {
            generation->mark_abandoned("destroy");
        }
        if (!status.is_ok()) {
            return settle({false, status.message(), ""});
        }
    }
    times_.destroy_ns = monotonic_ns() - began_ns;
    return settle(close(control, deadline_ns));
}

// Facts, then dlclose and the proof. dlclose runs destructors: on the control thread.
Proof Unload::close(ControlThread &control, std::int64_t deadline_ns) {
    const std::shared_ptr<Generation> generation = generation_;
    const std::int64_t began_ns = monotonic_ns();
    std::vector<int> known = ControlThread::thread_ids();
    for (const ThreadRecord *record = Guards::instance().records().first(); record != nullptr;
         record = record->next_listed) {
        known.push_back(record->tid.load(std::memory_order_relaxed));
    }
    Residue residue;
    const Status looked =
        find_residue(*generation->library(), *generation->baseline(), known, began_ns + kRestNs, &residue);
    times_.facts_ns = monotonic_ns() - began_ns;
    if (!looked.is_ok()) {
        return {false, looked.message(), ""};
    }
    if (!residue.is_empty()) {
        return {false, residue.reason(), residue.symbol()};
    }
    const std::shared_ptr<Progress> progress = std::make_shared<Progress>();
    const std::int64_t closing_ns = monotonic_ns();
    const Status closed = control.run(
        "dlclose",
        [generation, progress]() -> Status {
            progress->proof = generation->library()->close();
            return {};
        },
        deadline_ns);
    times_.close_ns = monotonic_ns() - closing_ns;
    if (closed.code() == Code::kAbandoned) {
        generation->mark_abandoned("dlclose");
    }
    return closed.is_ok() ? progress->proof : Proof{false, closed.message(), ""};
}

Proof Unload::look_again() {
    Proof proof = generation_->library()->prove();
    return proof.proven ? settle(proof) : proof;
}

Proof Unload::settle(const Proof &proof) {
    (void)generation_->advance(proof.proven ? Event::kUnload : Event::kStick);
    return proof;
}

} // namespace hotgraft
