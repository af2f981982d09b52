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

// Whether the candidate takes another block than the one that was surrendered.
bool makes_block(const InstanceMove &move) {
    return move.way == StateWay::kConvert || (move.way == StateWay::kConverters && move.converters->to_block);
}

// Whether what was surrendered stays behind: the candidate gets something that was made of it.
bool leaves_block(const InstanceMove &move) {
    return move.way == StateWay::kConvert || (move.way == StateWay::kConverters && move.converters->from_block);
}

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

} // namespace

namespace {

// The same for a copy of a block that is handed over.
Block room_for_copy(const InstanceMove &move, const Generation &old_generation) noexcept {
    const std::uint64_t bytes = move.keeps_copy ? old_generation.likely_block_bytes(move.old_index) : 0;
    Block room = bytes == 0 ? Block() : old_generation.make_block(bytes, kRoomAlign);
    if (room.data != nullptr) {
        std::memset(room.data, 0, room.bytes);
    }
    return room;
}

} // namespace

Window::Window(SwapRequest request, std::size_t steps_max) : request_(std::move(request)) {
    records_.reserve(steps_max);
    const std::int64_t began_ns = monotonic_ns();
    for (const SwapMember &member : request_.members) {
        std::vector<Carried> &carried = carried_.emplace_back(member.instances.size());
        for (std::size_t i = 0; i < carried.size(); ++i) {
            carried[i].converted = room_for(member.instances[i], *member.next);
            carried[i].copy = room_for_copy(member.instances[i], *member.old_generation);
            carried[i].rooms.expect(member.instances[i].expected_pointed, member.next->ledger());
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
        Status status = or_no_memory([&] { return perform(step, job.deadline_ns); });
        const std::lock_guard<std::mutex> lock(job.mutex);
        if (job.is_given_up) {
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

void Window::keep_converted() noexcept {
    for (std::size_t m = 0; m < request_.members.size(); ++m) {
        const SwapMember &member = request_.members[m];
        for (std::size_t i = 0; i < member.instances.size(); ++i) {
            if (leaves_block(member.instances[i])) {
                member.old_generation->keep_block(member.instances[i].old_index, carried_[m][i].block,
                                                  std::move(carried_[m][i].pointed));
            }
        }
    }
}

Status Window::convert(const WindowStep &step, std::int64_t deadline_ns) {
    const SwapMember &member = request_.members[step.member];
    const InstanceMove &move = member.instances[step.instance];
    Carried &state = carried_[step.member][step.instance];
    if (move.way == StateWay::kConvertShared) { // nobody surrenders it: it stays the old instance's as well
        if (state.shared == nullptr) {
            return {Code::kInvalid, member.old_generation->label() + " has no shared block to convert"};
        }
        state.block = {state.shared->data(), state.shared->bytes(), member.old_generation->layout_id()};
    }
    std::uint64_t bytes = 0;
    if (Status status = move.conversion->size(state.block.bytes, &bytes); !status.is_ok()) {
        return status;
    }
    // A plugin that asked for lines or pages of its own may rely on them in the next build too.
    const std::uint64_t align = std::max(Ledger::block_align(state.block.data), kRoomAlign);
    if (state.converted.bytes != bytes || // it grew since it was looked at, or nobody knew
        Ledger::block_align(state.converted.data) < align) {
        Ledger::free_block(state.converted.data);
        state.converted = member.next->make_block(bytes, align);
    }
    if (state.converted.data == nullptr) {
        return {Code::kNoMemory, "no memory for a state of " + std::to_string(bytes) + " bytes"};
    }
    Status status = move.conversion->pointed
                        ? convert_pointed(move, *member.next, state)
                        : move.conversion->convert(state.block.data, state.block.bytes, state.converted.data);
    if (status.is_ok() && monotonic_ns() >= deadline_ns) {
        return {Code::kTimedOut,
                "the deadline passed while " + std::to_string(state.block.bytes) + " bytes of state were converted"};
    }
    return status;
}

// All that the old block leads to is looked at first: what is read through it afterwards is there.
Status Window::convert_pointed(const InstanceMove &move, const Generation &next, Carried &state) {
    const BlockConversion::Pointed &by = *move.conversion->pointed;
    const Block &old = state.block;
    if (by.old_walk != nullptr) {
        if (Status status = find_pointed(*by.old_walk, old.data, old.bytes, &state.pointed); !status.is_ok()) {
            return status;
        }
    }
    const BlockMaker make = state.rooms.maker(next.ledger());
    return by.program->run(old.data, old.bytes, state.converted.data, state.converted.bytes,
                           old.bytes / by.program->old_bytes(), nullptr, &make);
}

// What the block leads to is billed with it. Found before it is taken: afterwards it is the plugin's.
Status Window::take_handed_over(const InstanceMove &move, Generation &next, Carried &state) {
    if (move.walk != nullptr) {
        state.lent = pointed_blocks(*move.walk, state.block.data, state.block.bytes);
        Ledger::lend(state.lent);
    }
    Status status = next.take(move.next_index, state.block);
    if (status.is_ok()) {
        next.bill(state.lent);
    }
    return status;
}

// What it was given to work on may lead to other blocks by now.
Status Window::let_go(const InstanceMove &move, Generation &next, Carried &state) {
    if (!makes_block(move)) {
        return next.surrender(move.next_index, &state.block);
    }
    Status status = next.surrender(move.next_index, &state.converted);
    const CopyProgram *const walk = next_walk_of(move);
    if (status.is_ok() && walk != nullptr) {
        std::vector<void *> blocks = pointed_blocks(*walk, state.converted.data, state.converted.bytes);
        blocks.insert(blocks.end(), state.lent.begin(), state.lent.end()); // those that it leads to no more as well
        std::sort(blocks.begin(), blocks.end());
        blocks.erase(std::unique(blocks.begin(), blocks.end()), blocks.end());
        state.rooms.hold(std::move(blocks));
    }
    return status;
}

// On loan from here on, so that no plugin's code frees or moves it before the swap has come to its end.
Status Window::surrender(const WindowStep &step, Carried &state) {
    Generation &generation = *request_.members[step.member].old_generation;
    const std::size_t index = request_.members[step.member].instances[step.instance].old_index;
    Block block;
    if (Status status = generation.surrender(index, &block); !status.is_ok()) {
        return status;
    }
    if (Ledger::lend(block.data)) {
        state.block = block;
        return {};
    }
    const Status back = generation.give_back(index, block);
    return {Code::kPlugin, generation.label() + ": surrender gave a block that was given away before" +
                               (back.is_ok() ? "" : "; and " + back.message())};
}

Status Window::give_back(const InstanceMove &move, Generation &generation, const Carried &state) {
    Status status = generation.give_back(move.old_index, state.block);
    if (status.is_ok()) {
        Ledger::settle(state.block.data);
        if (move.way == StateWay::kHandOver) {
            Ledger::settle(state.lent);
            generation.bill(state.lent);
        }
    }
    return status;
}

void Window::settle_blocks() noexcept {
    for (const std::vector<Carried> &member : carried_) {
        for (const Carried &state : member) {
            Ledger::settle(state.block.data);
            Ledger::settle(state.taken);
            Ledger::settle(state.lent);
        }
    }
}

// Until take says that it has it, the block is the window's.
Status Window::take_converted(const InstanceMove &move, Generation &next, Carried &state) {
    const Block block = std::exchange(state.converted, {});
    (void)Ledger::lend(block.data);
    state.taken = block.data;
    state.lent = state.rooms.made();
    Ledger::lend(state.lent);
    Status status = next.take(move.next_index, block);
    if (status.is_ok()) {
        state.rooms.let_go();
    } else {
        state.converted = block;
    }
    return status;
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

Status Window::perform(const WindowStep &step, std::int64_t deadline_ns) {
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
        return left_running_[step.member] ? Status() : quiesce(old_generation, move.old_index, deadline_ns);
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
        return move.way == StateWay::kConvert ? take_converted(move, next, state) : take_handed_over(move, next, state);
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
        return next.surrender(move.next_index, move.way == StateWay::kConvert ? &state.converted : &state.block);
    case StepKind::kDropConverted:
        state.rooms.drop();
        Ledger::free_block(std::exchange(state.converted, {}).data);
        return {};
    case StepKind::kGiveBack:
        use_copy(next, state);
        return give_back(move, old_generation, state);
    case StepKind::kResume:
        return old_generation.resume(move.old_index);
    default:
        return {Code::kInvalid, "not a step that runs plugin code"};
    }
}

} // namespace hotgraft
