#include "window.hpp"

#include <algorithm>
#include <cstring>
#include <ctime>
#include <string>
#include <utility>

#include "control.hpp"

namespace hotgraft {

namespace {

// A plugin that answers "not yet" is asked again after this long: short against a pause, long against a busy loop.
constexpr long kQuiesceAgainNs = 50'000;

StepHook step_hook = nullptr;
void *step_hook_ctx = nullptr;

} // namespace

void set_step_hook(StepHook hook, void *ctx) noexcept {
    step_hook_ctx = ctx;
    step_hook = hook;
}

StepSeam ask_step_hook(StepKind kind) {
    return step_hook == nullptr ? StepSeam::kRun : step_hook(kind, step_hook_ctx);
}

namespace {

std::uint32_t schema_of_saved(const InstanceMove &move, const Generation &old_generation) {
    return move.way == StateWay::kConverters ? move.converters->to_schema : old_generation.state_schema();
}

// A block to convert into, every page of it there: the first touch of a page costs more than its conversion. Without
// memory there is none, and the step itself says so.
Block room_for(const InstanceMove &move, const Generation &next) noexcept {
    std::uint64_t bytes = 0;
    if (!converts(move.way) || move.expected_bytes == 0 ||
        !move.conversion->size(move.expected_bytes, &bytes).is_ok()) {
        return {};
    }
    Block room = next.make_block(bytes, kRoomAlign);
    if (room.data != nullptr) {
        std::memset(room.data, 0, room.bytes);
    }
    return room;
}

// The same for a copy of a block that is handed over.
Block room_for_copy(const InstanceMove &move, const Generation &old_generation) noexcept {
    const std::uint64_t bytes = move.keeps_copy ? old_generation.likely_block_bytes(move.old_index) : 0;
    Block room = bytes == 0 ? Block() : old_generation.make_block(bytes, kRoomAlign);
    if (room.data != nullptr) {
        std::memset(room.data, 0, room.bytes);
    }
    return room;
}

// Where blocks lead to others, and nobody has looked how large those are: room for all that the old generation has,
// which its books say. One for all of its instances. nullptr: it is known, or there are none.
std::shared_ptr<BlockRoom> room_for_pointed(const SwapMember &member) {
    const Ledger *const ledger = member.old_generation->ledger();
    const auto it = std::find_if(member.instances.begin(), member.instances.end(), [](const InstanceMove &move) {
        return converts(move.way) && move.conversion->pointed && move.expected_pointed.empty();
    });
    if (it == member.instances.end() || ledger == nullptr) {
        return nullptr;
    }
    auto room = std::make_shared<BlockRoom>();
    room->make(
        PointedRooms::bytes_after(*it->conversion->pointed->program, ledger->live_blocks(), ledger->live_bytes()));
    return room;
}

} // namespace

Window::Window(SwapRequest request, std::size_t steps_max)
    : request_(std::move(request)), left_running_(request_.members.size(), false) {
    records_.reserve(steps_max);
    const std::int64_t began_ns = monotonic_ns();
    for (const SwapMember &member : request_.members) {
        std::vector<Carried> &carried = carried_.emplace_back(member.instances.size());
        const std::shared_ptr<BlockRoom> room = room_for_pointed(member);
        for (std::size_t i = 0; i < carried.size(); ++i) {
            carried[i].converted = room_for(member.instances[i], *member.next);
            carried[i].copy = room_for_copy(member.instances[i], *member.old_generation);
            carried[i].rooms.expect(member.instances[i].expected_pointed, member.next->ledger());
            carried[i].rooms.expect_in(room);
            // Here, because a thread that hangs in the candidate's code is not to have looked at what serves on.
            carried[i].shared = belongs_to_nobody(member.instances[i].way)
                                    ? member.old_generation->shared_block(member.instances[i].old_index)
                                    : nullptr;
        }
    }
    request_.deadline_ns += monotonic_ns() - began_ns;
}

Window::~Window() {
    for (const std::vector<Carried> &member : carried_) {
        for (const Carried &state : member) {
            Ledger::free_block(state.converted.data);
            Ledger::free_block(state.copy.data);
        }
    }
}

Status Window::run(Job &job, const std::vector<WindowStep> &steps) {
    for (const WindowStep &step : steps) {
        {
            const std::lock_guard<std::mutex> lock(job.mutex);
            if (job.is_given_up) {
                return {Code::kAbandoned, "given up"};
            }
            job.inside = step;
        }
        const std::int64_t begin_ns = monotonic_ns();
        Status status = or_no_memory([&] { return perform(step, job); });
        const std::lock_guard<std::mutex> lock(job.mutex);
        if (job.is_given_up) {
            if (step.kind == StepKind::kSurrender && status.is_ok()) {
                keep_late(step);
            }
            return {Code::kAbandoned, "given up"};
        }
        job.inside.reset();
        status = record(step, begin_ns, std::move(status));
        if (!status.is_ok()) {
            return status;
        }
    }
    return {};
}

namespace {

// The same answer once more; of its sentence what there is memory for.
Status copy_of(const Status &status) noexcept {
    Status copy = or_no_memory([&] { return status; });
    return copy.code() == status.code() ? copy : Status(status.code(), "no memory left");
}

} // namespace

std::optional<WindowStep> Window::give_up(Job &job, const Status &status) noexcept {
    const std::lock_guard<std::mutex> lock(job.mutex);
    job.is_given_up = true;
    (void)next_turn();
    if (job.inside) {
        (void)record(*job.inside, monotonic_ns(), copy_of(status));
    }
    return job.inside;
}

Status Window::record(const WindowStep &step, std::int64_t begin_ns, Status status) noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    records_.push_back({step.kind, step.member, step.instance, begin_ns, monotonic_ns(), copy_of(status)});
    return status;
}

std::size_t Window::record_count() const noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    return records_.size();
}

std::optional<WindowStep> Window::undo_at(std::size_t index) const noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    const StepRecord &step = records_[index];
    // A quiesce that failed may have stopped half of the plugin: resume follows it all the same (plugin.h).
    const bool counts = step.status.is_ok() || step.kind == StepKind::kQuiesce;
    const std::optional<StepKind> back = counts ? undo_of(step.kind) : std::nullopt;
    return back ? std::optional<WindowStep>({*back, step.member, step.instance}) : std::nullopt;
}

std::vector<StepRecord> Window::take_records() noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    return std::move(records_);
}

Status Window::quiesce(Generation &generation, std::size_t instance, std::int64_t deadline_ns) {
    for (;;) {
        bool is_again = false;
        Status status = generation.quiesce(instance, deadline_ns, &is_again);
        if (!status.is_ok() || !is_again) {
            return status;
        }
        if (monotonic_ns() >= deadline_ns) {
            return {Code::kTimedOut, "quiesce still answered \"again\" at the deadline"};
        }
        const timespec pause{0, kQuiesceAgainNs};
        nanosleep(&pause, nullptr);
    }
}

// A plugin's own threads may call other members until it is their turn to come to rest (model rules M11, M12).
Status Window::quiesce_old(const WindowStep &step, Job &job) {
    if (left_running_[step.member]) {
        return {};
    }
    Generation &generation = *request_.members[step.member].old_generation;
    const std::size_t instance = request_.members[step.member].instances[step.instance].old_index;
    if (threads_ == nullptr) {
        return quiesce(generation, instance, job.deadline_ns);
    }
    Status status = threads_->begin_quiesce(step.member, job.deadline_ns, job.turn);
    if (status.is_ok()) {
        status = quiesce(generation, instance, job.deadline_ns);
    }
    return status.is_ok()
               ? threads_->end_quiesce(step.member, generation.thread_owner(instance), job.deadline_ns, job.turn)
               : status;
}

Status Window::resume_old(const WindowStep &step, Job &job) {
    Generation &generation = *request_.members[step.member].old_generation;
    const std::size_t instance = request_.members[step.member].instances[step.instance].old_index;
    if (threads_ == nullptr) {
        return generation.resume(instance);
    }
    threads_->begin_resume(step.member, job.turn);
    Status status = generation.resume(instance);
    if (status.is_ok()) {
        threads_->end_resume(step.member, job.turn);
    }
    return status;
}

Status Window::perform(const WindowStep &step, Job &job) {
    const std::int64_t deadline_ns = job.deadline_ns;
    const StepSeam seam = ask_step_hook(step.kind);
    if (seam != StepSeam::kRun) {
        return seam == StepSeam::kSkip ? Status() : Status(Code::kPlugin, "made to fail by a test");
    }
    const SwapMember &member = request_.members[step.member];
    const InstanceMove &move = member.instances[step.instance];
    Generation &old_generation = *member.old_generation;
    Generation &next = *member.next;
    Carried &state = carried_[step.member][step.instance];
    switch (step.kind) {
    case StepKind::kQuiesce:
        return quiesce_old(step, job);
    case StepKind::kSurrender:
        return surrender(step, state);
    case StepKind::kSave:
        return old_generation.save(move.old_index, &state.saved);
    case StepKind::kTake:
        if (move.way == StateWay::kHandOver && move.keeps_copy) {
            if (Status status = copy_block(old_generation, state, deadline_ns); !status.is_ok()) {
                return status;
            }
        }
        return makes_block(move) ? take_converted(move, next, state) : take_handed_over(move, next, state);
    case StepKind::kAttach:
        return attach(move, next, state);
    case StepKind::kRestore:
        return next.restore(move.next_index, schema_of_saved(move, old_generation), state.saved);
    case StepKind::kStart:
        return move.is_rollback ? next.resume_recalled(move.next_index, move.way == StateWay::kNone)
                                : next.start(move.next_index);
    case StepKind::kStop:
        return quiesce(next, move.next_index, deadline_ns);
    case StepKind::kLetGo:
        if (belongs_to_nobody(move.way)) {
            return state.shared_before == nullptr ? Status() : next.attach(move.next_index, state.shared_before);
        }
        return let_go(move, next, state);
    case StepKind::kDropConverted:
        state.lent.clear();
        state.rooms.drop();
        state.taken = nullptr;
        Ledger::free_block(std::exchange(state.converted, {}).data);
        return {};
    case StepKind::kGiveBack:
        use_copy(next, state);
        return give_back(move, old_generation, state);
    case StepKind::kResume:
        return resume_old(step, job);
    default:
        return {Code::kInvalid, "not a step that runs plugin code"};
    }
}

} // namespace hotgraft
