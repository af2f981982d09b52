#include "swap.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <new>
#include <optional>
#include <tuple>
#include <utility>

#include "callbacks.hpp"
#include "control.hpp"
#include "fallback.hpp"
#include "gate.hpp"
#include "notify.hpp"
#include "swap_pins.hpp"
#include "swap_slots.hpp"
#include "window.hpp"

namespace hotgraft {

namespace {

bool runs_plugin_code(StepKind kind) {
    return kind != StepKind::kWaitForPins && kind != StepKind::kMovePins && kind != StepKind::kLeavePins &&
           kind != StepKind::kCloseGates && kind != StepKind::kDrain && kind != StepKind::kConvert &&
           kind != StepKind::kRunConverters && kind != StepKind::kPublish && kind != StepKind::kReopenGates;
}

// Undo that is done to the candidate; the rest is done to what served before.
bool acts_on_next(StepKind kind) {
    return kind == StepKind::kStop || kind == StepKind::kLetGo || kind == StepKind::kDropConverted;
}

bool is_before(const WindowStep &a, const WindowStep &b) {
    return std::tie(a.kind, a.member, a.instance) < std::tie(b.kind, b.member, b.instance);
}

bool is_same(const WindowStep &a, const WindowStep &b) {
    return a.kind == b.kind && a.member == b.member && a.instance == b.instance;
}

// One attempt, from its first step to its end.
class Swap {
public:
    // All the memory that going back takes is asked for here: there may be none left when it is needed.
    Swap(const SwapRequest &request, SwapCallbacks &callbacks)
        : steps_(plan_window(request)), window_(std::make_shared<Window>(request, 2 * steps_.size() + 1)),
          request_(window_->request()), callbacks_(callbacks),
          gates_(slots_of(request, callbacks), old_tables_of(request)) {
        prepare_undo();
    }

    [[nodiscard]] std::int64_t deadline_ns() const noexcept { return deadline_ns_; }

    SwapRecord carry_out() noexcept {
        Status failure = recall();
        if (failure.is_ok()) {
            failure = or_no_memory([this] { return wake_control_thread(); });
        }
        for (std::size_t next = 0; next < steps_.size() && failure.is_ok();) {
            failure = or_no_memory([&] {
                return runs_plugin_code(steps_[next].kind) ? run_plugin_steps(&next) : run_core_step(steps_[next++]);
            });
        }
        if (!failure.is_ok()) {
            undo();
            hold_again();
        }
        record_.is_published = failure.is_ok();
        record_.failure = std::move(failure);
        record_.steps = window_->take_records();
        record_.gates_closed_ns = gates_.closed_ns();
        record_.gates_open_ns = gates_.opened_ns();
        return std::move(record_);
    }

private:
    // One undo that runs plugin code, ready to be asked for.
    struct Undo {
        WindowStep step;
        std::shared_ptr<Job> job;
        std::function<Status()> work;
    };

    void prepare_undo() {
        for (const WindowStep &step : steps_) {
            const std::optional<StepKind> back = undo_of(step.kind);
            if (back && *back != StepKind::kReopenGates) {
                const std::vector<WindowStep> steps{{*back, step.member, step.instance}};
                const std::shared_ptr<Job> job = std::make_shared<Job>();
                undo_.push_back({steps.front(), job, work_of(job, steps)});
            }
        }
        // To be found again: there may be one for every session.
        std::sort(undo_.begin(), undo_.end(), [](const Undo &a, const Undo &b) { return is_before(a.step, b.step); });
        record_.after_undo.reserve(undo_.size());
        if (!undo_.empty() && refusing_table() == nullptr) {
            throw std::bad_alloc(); // as all of this
        }
    }

    Generation &generation_of(const WindowStep &step) const {
        const SwapMember &member = request_.members[step.member];
        const bool is_next = step.kind == StepKind::kTake || step.kind == StepKind::kAttach ||
                             step.kind == StepKind::kRestore || step.kind == StepKind::kStart ||
                             acts_on_next(step.kind);
        return is_next ? *member.next : *member.old_generation;
    }

    // Before anything else: what is retired at the same moment belongs to the reaper, and one of the two wins (9).
    Status recall() noexcept {
        for (const SwapMember &member : request_.members) {
            Status status = or_no_memory([&] { return member.is_recalled ? member.next->recall() : Status(); });
            if (!status.is_ok()) {
                return status;
            }
            recalled_ += 1;
        }
        return {};
    }

    void hold_again() noexcept {
        for (std::size_t m = 0; m < recalled_; ++m) {
            if (request_.members[m].is_recalled) {
                request_.members[m].next->mark_held();
            }
        }
    }

    // A new thread takes some 40 us to come up: before the gates close, so that no caller waits for it.
    Status wake_control_thread() {
        return control_.run(
            "the swap's thread", [] { return Status(); }, request_.deadline_ns + kReturnNs);
    }

    // The run of plugin steps that starts at *next: one change of threads for all of them.
    Status run_plugin_steps(std::size_t *next) {
        const auto begin = steps_.begin() + static_cast<std::ptrdiff_t>(*next);
        auto end = begin;
        while (end != steps_.end() && runs_plugin_code(end->kind)) {
            ++end;
        }
        *next = static_cast<std::size_t>(end - steps_.begin());
        const std::vector<WindowStep> steps(begin, end);
        const std::shared_ptr<Job> job = std::make_shared<Job>();
        return run_job(job, work_of(job, steps), deadline_ns_);
    }

    std::function<Status()> work_of(const std::shared_ptr<Job> &job, const std::vector<WindowStep> &steps) const {
        return [window = window_, job, steps, swap = gates_.swap()] {
            const CarriesOut mark(swap); // at these gates it gets an answer instead of waiting for itself
            return window->run(*job, steps);
        };
    }

    // Which of a job's steps it was is noted with the step.
    Status run_job(const std::shared_ptr<Job> &job, std::function<Status()> work, std::int64_t deadline_ns) {
        job->deadline_ns = deadline_ns;
        job->turn = window_->next_turn();
        Status status = control_.run("the plugin's function", std::move(work), deadline_ns + kReturnNs);
        if (status.code() == Code::kAbandoned) {
            const std::optional<WindowStep> inside = window_->give_up(*job, status);
            if (inside) {
                generation_of(*inside).mark_abandoned(step_name(inside->kind));
                hung_ = inside;
            }
        }
        return status;
    }

    Status run_core_step(const WindowStep &step) {
        const std::int64_t begin_ns = monotonic_ns();
        const StepSeam seam = ask_step_hook(step.kind);
        if (seam == StepSeam::kFail) {
            return window_->record(step, begin_ns, {Code::kRefused, "made to fail by a test"});
        }
        return window_->record(step, begin_ns, seam == StepSeam::kSkip ? Status() : perform(step));
    }

    Status perform(const WindowStep &step) {
        switch (step.kind) {
        case StepKind::kWaitForPins:
            return wait_for_pins(request_);
        case StepKind::kMovePins:
            return move_pins(request_);
        case StepKind::kLeavePins:
            return leave_pins();
        case StepKind::kCloseGates:
            return close_gates();
        case StepKind::kDrain:
            return drain();
        case StepKind::kConvert:
            return window_->convert(step, deadline_ns_);
        case StepKind::kRunConverters:
            return window_->run_converters(step, deadline_ns_, gates_.swap());
        case StepKind::kPublish:
            return publish();
        default:
            return {Code::kInvalid, "not a step of the core"};
        }
    }

    Status close_gates() {
        gates_.set_members(gate_members_of(request_, *window_), candidates_of(request_));
        Status status = gates_.close();
        if (status.is_ok()) {
            window_->set_threads(gates_.threads());
        }
        return status;
    }

    // Where pins stay there is no waiting for their calls: the drain is of what the slots hold, call-backs' too.
    Status leave_pins() {
        LeftPins left = hotgraft::leave_pins(request_);
        for (const std::size_t member : left.members) {
            window_->leave_running(member);
            callbacks_.append_held(request_.members[member], &left.old_tables);
        }
        gates_.replace_old_tables(std::move(left.old_tables));
        return {};
    }

    Status drain() {
        Status status =
            all_say(request_, &SwapMember::leaves_undrained) ? gates_.skip_drain() : gates_.drain(request_.deadline_ns);
        if (status.code() == Code::kTimedOut && all_say(request_, &SwapMember::leaves_at_deadline)) {
            record_.left_inside = describe(Guards::instance().holders(old_tables_of(request_)));
            deadline_ns_ = monotonic_ns() + span_ns_;
            status = gates_.skip_drain();
        }
        if (status.code() == Code::kTimedOut) {
            find_inside();
        }
        if (status.is_ok()) {
            gates_.begin_transfer(); // a forked child finds state wholly on one side: fork waits from here to the end
        }
        return status;
    }

    // While the gates are closed: only who does not leave is there.
    void find_inside() {
        for (std::size_t m = 0; m < request_.members.size(); ++m) {
            if (!Guards::instance().holders(request_.members[m].old_generation->tables()).empty()) {
                record_.inside.push_back(m);
            }
        }
    }

    Status publish() {
        if (monotonic_ns() >= deadline_ns_) { // whoever waited for the last step may have been kept from seeing it
            return {Code::kTimedOut, "the deadline passed before it"};
        }
        const std::vector<const hotgraft_table *> next = next_tables_of(request_, callbacks_);
        if (Status status = bind_late_imports(request_); !status.is_ok()) {
            return status;
        }
        window_->settle_blocks();
        Status status =
            needs_gate(request_)
                ? gates_.publish(next)
                : Guards::instance().publish_open(*request_.members.front().slots.front().slot, next.front());
        if (!status.is_ok()) {
            return status;
        }
        callbacks_.note_published();
        for (const SwapMember &member : request_.members) {
            member.next->mark_active();
            member.next->allow_pins(); // a recalled one turned them away when it was replaced
            member.old_generation->mark_held();
            member.next->bill_shared_blocks();
            member.next->drop_kept_blocks(); // a recalled one that took a block back needs no other
        }
        window_->keep_converted();
        return {};
    }

    // Go back over what was done, newest first. A step that cannot be undone is written down and does not stop the
    // rest: one that hangs takes what is left of the budget, and each after it has its share all the same.
    void undo() noexcept {
        const std::int64_t deadline_ns = monotonic_ns() + request_.undo_budget_ns;
        const std::int64_t share_ns = request_.undo_budget_ns / static_cast<std::int64_t>(undo_.size() + 1);
        control_.goes_back();
        gates_.turn_candidates_away(); // a thread of theirs that waits here would hold up the stop that joins it
        for (std::size_t index = window_->record_count(); index-- > 0;) {
            const std::optional<WindowStep> back = window_->undo_at(index);
            const auto ready =
                !back ? undo_.end()
                      : std::lower_bound(undo_.begin(), undo_.end(), *back,
                                         [](const Undo &a, const WindowStep &b) { return is_before(a.step, b); });
            if (ready != undo_.end() && is_same(ready->step, *back)) {
                undo_step(*ready, std::max(deadline_ns, monotonic_ns() + share_ns));
            }
        }
        for (std::size_t m = 0; m < request_.members.size(); ++m) {
            const SwapMember &member = request_.members[m];
            if (is_lost(m)) {
                refuse_slots_of(member, callbacks_, gates_);
            } else {
                member.old_generation->allow_pins();
            }
        }
        callbacks_.hold_offered();
        if (gates_.closed_ns() != 0) {
            const std::int64_t begin_ns = monotonic_ns();
            gates_.reopen();
            (void)window_->record({StepKind::kReopenGates, 0, 0}, begin_ns, {});
        }
    }

    [[nodiscard]] bool is_lost(std::size_t m) const noexcept {
        const SwapMember &member = request_.members[m];
        bool is_any = false;
        for (std::size_t i = 0; i < member.instances.size() && gates_.closed_ns() != 0; ++i) { // each is to be told
            const InstanceMove &move = member.instances[i];
            const bool holds_still = is_hung({StepKind::kResume, m, i}) && parts_with_state(hung_->kind);
            is_any = member.old_generation->lose_if_away(move.old_index, holds_still && !move.is_session) || is_any;
        }
        return is_any;
    }

    void undo_step(Undo &ready, std::int64_t deadline_ns) noexcept {
        const WindowStep step = ready.step;
        Generation &generation = generation_of(step);
        if (generation.is_abandoned() && (acts_on_next(step.kind) || is_hung(step))) {
            note_not_undone(step, "not asked for: its thread has not come back");
            return;
        }
        if (step.kind == StepKind::kResume && generation.is_away(old_index_of(step))) {
            note_not_undone(step, "not asked for: it has no state");
            return;
        }
        const Status status = or_no_memory([&] { return run_job(ready.job, std::move(ready.work), deadline_ns); });
        if (status.is_ok()) {
            return;
        }
        note_not_undone(step, status.message());
        if (acts_on_next(step.kind)) {
            generation.mark_abandoned(step_name(step.kind)); // it may still own the block: never destroy it
        }
    }

    [[nodiscard]] std::size_t old_index_of(const WindowStep &step) const noexcept {
        return request_.members[step.member].instances[step.instance].old_index;
    }

    // Where one instance of what serves has not come back, the others serve on, and need what they gave away.
    [[nodiscard]] bool is_hung(const WindowStep &step) const noexcept {
        return hung_ && hung_->member == step.member && hung_->instance == step.instance;
    }

    void note_not_undone(const WindowStep &step, const std::string &why) noexcept {
        (void)or_no_memory([&]() -> Status {
            record_.after_undo.push_back(std::string(step_name(step.kind)) + " of " + generation_of(step).label() +
                                         ": " + why);
            return {};
        });
    }

    std::vector<WindowStep> steps_;
    std::shared_ptr<Window> window_;
    const SwapRequest &request_; // window_'s
    SwapCallbacks &callbacks_;
    const std::int64_t span_ns_ = std::max(request_.deadline_ns - monotonic_ns(), request_.undo_budget_ns);
    std::int64_t deadline_ns_ = request_.deadline_ns;
    GateSet gates_;
    std::vector<Undo> undo_;
    std::optional<WindowStep> hung_; // that its control thread was left in
    ControlThread control_;
    SwapRecord record_;
    std::size_t recalled_ = 0; // members, from the first on, that are recalled or need not be
};

} // namespace

SwapRecord run_swap(const SwapRequest &request) noexcept {
    SwapRecord record;
    const std::int64_t told_ns = tell_prepare(request);
    record.failure = or_no_memory([&]() -> Status { // throws before its first step or not at all
        SwapCallbacks callbacks(request);
        SwapRequest own; // where it is not as it was asked for
        if (told_ns != 0 || callbacks.count() != 0) {
            own = request;
            own.deadline_ns += told_ns;
            callbacks.add_to(&own);
        }
        Swap swap(own.members.empty() ? request : own, callbacks);
        const ChecksHeldOff checks(old_generations_of(request), swap.deadline_ns());
        if (!checks.status().is_ok()) {
            return checks.status();
        }
        record = swap.carry_out();
        return std::move(record.failure);
    });
    tell_outcome(request);
    return record;
}

} // namespace hotgraft
