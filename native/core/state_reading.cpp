#include "state_reading.hpp"

#include <ctime>
#include <utility>

#include "control.hpp"
#include "gate.hpp"

namespace hotgraft {

namespace {

constexpr timespec kQuiesceAgain{0, 50'000};

// What the control thread works on; it keeps it if it is abandoned.
struct Reading {
    std::shared_ptr<Generation> generation;
    std::vector<KeyedState> saved;
    std::size_t quiesced = 0; // instances whose quiesce was asked for: what has to be resumed
};

Status quiesce_one(Generation &generation, std::size_t index, std::int64_t deadline_ns) {
    for (;;) {
        bool is_again = false;
        Status status = generation.quiesce(index, deadline_ns, &is_again);
        if (!status.is_ok() || !is_again) {
            return status;
        }
        if (monotonic_ns() >= deadline_ns) {
            return {Code::kTimedOut, "quiesce still answered \"again\" at the deadline"};
        }
        nanosleep(&kQuiesceAgain, nullptr);
    }
}

Status quiesce_and_save(Reading &reading, std::int64_t deadline_ns) {
    Generation &generation = *reading.generation;
    for (std::size_t index = 0; index < generation.instance_count(); ++index) {
        ++reading.quiesced; // a quiesce that fails may have stopped half of it: resume follows all the same (plugin.h)
        if (Status status = quiesce_one(generation, index, deadline_ns); !status.is_ok()) {
            return status;
        }
    }
    for (std::size_t index = 0; index < generation.instance_count(); ++index) {
        if (Status status = generation.save(index, &reading.saved[index]); !status.is_ok()) {
            return status;
        }
    }
    return {};
}

// Save, then resume whatever came of it; the first failure is the answer.
Status perform(Reading &reading, std::int64_t deadline_ns) {
    Status status = quiesce_and_save(reading, deadline_ns);
    for (std::size_t index = reading.quiesced; index-- > 0;) {
        Status resumed = reading.generation->resume(index);
        if (status.is_ok()) {
            status = std::move(resumed);
        }
    }
    return status;
}

std::vector<Slot *> words_of(const std::vector<std::shared_ptr<Slot>> &slots) {
    std::vector<Slot *> words;
    words.reserve(slots.size());
    for (const std::shared_ptr<Slot> &slot : slots) {
        words.push_back(slot.get());
    }
    return words;
}

// The gates are closed and nobody is inside.
Status read_at_rest(const std::shared_ptr<Reading> &reading, std::uint64_t swap, std::int64_t deadline_ns) {
    ControlThread control;
    Status status = control.run(
        "save",
        [reading, swap, deadline_ns] {
            const CarriesOut mark(swap);
            return perform(*reading, deadline_ns);
        },
        deadline_ns + kReturnNs);
    if (status.code() == Code::kAbandoned) {
        reading->generation->mark_abandoned("save");
    }
    return status;
}

Status read_behind_gates(const std::shared_ptr<Reading> &reading, const std::vector<std::shared_ptr<Slot>> &slots,
                         std::int64_t deadline_ns) {
    GateSet gates(words_of(slots), reading->generation->tables());
    if (Status status = gates.close(); !status.is_ok()) {
        return status;
    }
    Status status = gates.drain(deadline_ns);
    if (status.is_ok()) {
        gates.begin_transfer(); // a forked child finds nothing half quiesced
        status = read_at_rest(reading, gates.swap(), deadline_ns);
    }
    gates.reopen();
    return status;
}

} // namespace

Status read_state(const std::shared_ptr<Generation> &generation, const std::vector<std::shared_ptr<Slot>> &slots,
                  std::int64_t deadline_ns, std::vector<KeyedState> *saved) {
    if (!generation->can_save()) {
        return {Code::kRefused, "it offers no save"};
    }
    generation->stop_pins();
    if (generation->pins() != 0) {
        Status status(Code::kBusy, "pinned: " + generation->pin_holders());
        generation->allow_pins();
        return status;
    }
    const auto reading = std::make_shared<Reading>();
    reading->generation = generation;
    for (std::size_t index = 0; index < generation->instance_count(); ++index) {
        reading->saved.emplace_back();
    }
    Status status = read_behind_gates(reading, slots, deadline_ns);
    generation->allow_pins();
    if (status.is_ok()) {
        *saved = std::move(reading->saved);
    }
    return status;
}

} // namespace hotgraft
