#include "notify.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "control.hpp"
#include "generation.hpp"
#include "generation_instance.hpp"
#include "swap.hpp"

namespace hotgraft {

// --- what one instance knows ---

void Notices::know(const char *import, const Slot &slot) {
    const Slot::Served served = slot.served();
    const std::lock_guard<std::mutex> lock(mutex_);
    lines_.push_back({import, &slot, served.generation, served.version});
}

const Notices::Coming *Notices::find(const std::vector<Coming> &coming, const Line &line) noexcept {
    const auto found =
        std::find_if(coming.begin(), coming.end(), [&line](const Coming &one) { return one.slot == line.slot; });
    return found == coming.end() ? nullptr : &*found;
}

bool Notices::is_any_owed() const noexcept {
    return std::any_of(lines_.begin(), lines_.end(), [](const Line &line) { return line.is_owed; });
}

bool Notices::wants(const std::vector<Coming> &coming) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return !is_busy_ &&
           std::any_of(lines_.begin(), lines_.end(), [&](const Line &line) { return find(coming, line) != nullptr; });
}

bool Notices::owe(const std::vector<Coming> &coming) {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (Line &line : lines_) {
        const bool is_concerned = find(coming, line) != nullptr;
        line.is_owed =
            line.is_owed || (is_concerned && (line.is_prepared || line.slot->served().generation != line.generation));
    }
    return !is_busy_ && is_any_owed();
}

bool Notices::owe_missed() {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (Line &line : lines_) {
        line.is_owed = line.is_owed || line.slot->served().generation != line.generation;
    }
    return !is_busy_ && is_any_owed();
}

void Notices::defer(const std::vector<Coming> &coming) {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (Line &line : lines_) {
        line.is_owed = line.is_owed || (line.is_prepared && find(coming, line) != nullptr);
    }
}

void Notices::call(std::unique_lock<std::mutex> &lock, Function function, const hotgraft_change &change) {
    if (function != nullptr) {
        lock.unlock();
        function(instance_, &change);
        lock.lock();
    }
}

// Again and again: while it was inside, more may have come to be owed.
void Notices::tell_owed(std::unique_lock<std::mutex> &lock, const GoesOn &goes_on) {
    for (;;) {
        const auto owed = std::find_if(lines_.begin(), lines_.end(), [](const Line &line) { return line.is_owed; });
        if (owed == lines_.end() || !goes_on()) {
            return;
        }
        Line &line = *owed; // lines are all there before the instance is
        const Slot::Served now = line.slot->served();
        const bool has_changed = now.generation != line.generation;
        const bool was_prepared = std::exchange(line.is_prepared, false);
        line.is_owed = false;
        const hotgraft_change change{sizeof(hotgraft_change),
                                     now.generation != 0 && now.generation < line.generation ? HOTGRAFT_CHANGE_ROLLBACK
                                                                                             : 0,
                                     line.import,
                                     line.generation,
                                     now.generation,
                                     line.version,
                                     now.version};
        line.generation = now.generation;
        line.version = now.version;
        call(lock, has_changed ? functions_.changed : was_prepared ? functions_.called_off : nullptr, change);
    }
}

void Notices::prepare(const std::vector<Coming> &coming, const GoesOn &goes_on) {
    std::unique_lock<std::mutex> lock(mutex_);
    if (std::exchange(is_busy_, true)) {
        return; // (1)
    }
    tell_owed(lock, goes_on);
    for (Line &line : lines_) {
        const Coming *const next = find(coming, line);
        if (next == nullptr || line.is_owed) {
            continue; // owed: it is over already
        }
        if (!goes_on()) {
            break;
        }
        line.is_prepared = true;
        const hotgraft_change change{sizeof(hotgraft_change),
                                     next->is_rollback ? HOTGRAFT_CHANGE_ROLLBACK : 0,
                                     line.import,
                                     line.generation,
                                     next->generation,
                                     line.version,
                                     next->version};
        call(lock, functions_.prepare, change);
    }
    tell_owed(lock, goes_on);
    is_busy_ = false;
}

std::shared_ptr<Notices> Generation::make_notices() {
    if (!notify_.is_any() || entry_.import_count == 0) {
        return nullptr;
    }
    if (!is_listed_) {
        list_consumer(shared_from_this());
        is_listed_ = true;
    }
    std::shared_ptr<Notices> made = std::make_shared<Notices>(notify_, entry_.import_count);
    for (std::uint64_t i = 0; i < entry_.import_count; ++i) { // bound by now, each
        made->know(entry_.import(i).id, Slot::from_words(entry_.import(i).slot));
    }
    return made;
}

std::vector<InstanceNotices> Generation::notices() const {
    std::vector<InstanceNotices> all;
    const std::lock_guard<std::mutex> lock(instances_mutex_);
    for (std::size_t i = 0; i < instances_.size(); ++i) {
        if (instances_[i]->notices != nullptr) {
            all.push_back({i, instances_[i]->notices});
        }
    }
    return all;
}

// --- who is told ---

namespace {

using Coming = Notices::Coming;
using GenerationPtr = std::shared_ptr<Generation>;

// Generations that want to be told, of all hosts of the process: a slot is one host's.
//
// Thread safety: any thread. Never destroyed: a swap may be under way while the process ends.
class ConsumerList {
public:
    static ConsumerList &instance() {
        static ConsumerList *const list = new ConsumerList();
        return *list;
    }

    void add(const GenerationPtr &generation) {
        const std::lock_guard<std::mutex> lock(mutex_);
        listed_.erase(std::remove_if(listed_.begin(), listed_.end(), [](const auto &one) { return one.expired(); }),
                      listed_.end());
        listed_.push_back(generation);
        is_any_.store(true, std::memory_order_relaxed);
    }

    // False: nobody ever wanted to be told, and nothing needs to be asked for.
    [[nodiscard]] bool is_any() const noexcept { return is_any_.load(std::memory_order_relaxed); }

    [[nodiscard]] std::vector<GenerationPtr> list() const {
        std::vector<GenerationPtr> live;
        const std::lock_guard<std::mutex> lock(mutex_);
        for (const std::weak_ptr<Generation> &one : listed_) {
            if (GenerationPtr generation = one.lock()) {
                live.push_back(std::move(generation));
            }
        }
        return live;
    }

private:
    mutable std::mutex mutex_;
    std::vector<std::weak_ptr<Generation>> listed_;
    std::atomic<bool> is_any_{false};
};

std::vector<Coming> coming_of(const SwapRequest &request) {
    std::vector<Coming> coming;
    for (const SwapMember &member : request.members) {
        for (const SlotMove &move : member.slots) {
            coming.push_back({move.slot.get(), move.next->generation, move.next->version, member.is_recalled});
        }
        for (const std::shared_ptr<Slot> &slot : member.emptied) {
            coming.push_back({slot.get(), 0, 0, member.is_recalled});
        }
    }
    return coming;
}

bool is_member(const SwapRequest &request, const GenerationPtr &generation) {
    return std::any_of(request.members.begin(), request.members.end(), [&](const SwapMember &member) {
        return member.old_generation == generation || member.next == generation;
    });
}

// Run `work` on a thread of its own for one instance of what serves; who does not come back in time is left behind.
// False: it was not run.
bool ask(const GenerationPtr &generation, std::size_t index, const char *what, std::function<Status()> work) {
    HealthAnswer answer;
    const auto limit_ns = static_cast<std::int64_t>(HOTGRAFT_NOTIFY_NS);
    const Status status = ask_serving({generation, index, what, "a notice that has not come back"}, std::move(work),
                                      monotonic_ns() + limit_ns, &answer);
    if (status.is_ok() && answer.health == Health::kHung) {
        const std::string line = std::string("notify: ") + what + " has not returned within " +
                                 std::to_string(limit_ns / 1'000'000) +
                                 " ms; it is left behind, and told the rest when it does. The swap goes on";
        (void)LogRing::instance().write(
            {generation->plugin(), generation->instance_names().at(index), generation->number()}, HOTGRAFT_LOG_WARNING,
            line);
    }
    return status.is_ok() && answer.health != Health::kNotAsked;
}

// For who was late: not beside a swap of the instance that has begun since, and not to what was replaced.
Notices::GoesOn while_serving(const GenerationPtr &generation, std::size_t index) {
    return [generation, index] {
        return generation->health_checks().go_on(index,
                                                 monotonic_ns() + static_cast<std::int64_t>(HOTGRAFT_NOTIFY_NS)) &&
               generation->stage() == Stage::kActive;
    };
}

void prepare_instances(const GenerationPtr &generation, const std::vector<Coming> &coming) {
    const std::vector<InstanceNotices> all = generation->notices();
    for (const InstanceNotices &one : all) {
        if (one.notices->wants(coming)) {
            (void)ask(generation, one.index, "prepare", [one, coming, generation] {
                one.notices->prepare(coming, while_serving(generation, one.index));
                return Status();
            });
        }
    }
}

void tell_instances(const GenerationPtr &generation, const std::vector<Coming> &coming) {
    for (const InstanceNotices &one : generation->notices()) {
        const bool is_owed = coming.empty() ? one.notices->owe_missed() : one.notices->owe(coming);
        if (is_owed) {
            (void)ask(generation, one.index, "changed or called_off", [one, generation] {
                one.notices->tell(while_serving(generation, one.index));
                return Status();
            });
        }
    }
}

} // namespace

void list_consumer(const GenerationPtr &generation) {
    ConsumerList::instance().add(generation);
}

std::int64_t tell_prepare(const SwapRequest &request) noexcept {
    if (!ConsumerList::instance().is_any()) {
        return 0;
    }
    const std::int64_t began_ns = monotonic_ns();
    (void)or_no_memory([&]() -> Status { // who is not told for want of memory is told that it has changed
        const std::vector<Coming> coming = coming_of(request);
        for (const GenerationPtr &generation : ConsumerList::instance().list()) {
            if (generation->stage() == Stage::kActive && !is_member(request, generation)) {
                prepare_instances(generation, coming);
            }
        }
        return {};
    });
    return monotonic_ns() - began_ns;
}

void tell_outcome(const SwapRequest &request) noexcept {
    if (!ConsumerList::instance().is_any()) {
        return;
    }
    (void)or_no_memory([&]() -> Status {
        const std::vector<Coming> coming = coming_of(request);
        for (const GenerationPtr &generation : ConsumerList::instance().list()) {
            if (generation->stage() == Stage::kActive) {
                tell_instances(generation, coming);
            } else {
                for (const InstanceNotices &one : generation->notices()) {
                    one.notices->defer(coming);
                }
            }
        }
        return {};
    });
    for (const SwapMember &member : request.members) { // while they were replaced, others may have been
        tell_missed(member.old_generation);
        tell_missed(member.next);
    }
}

void tell_missed(const GenerationPtr &generation) noexcept {
    if (ConsumerList::instance().is_any() && generation->stage() == Stage::kActive) {
        (void)or_no_memory([&]() -> Status {
            tell_instances(generation, {});
            return {};
        });
    }
}

} // namespace hotgraft
