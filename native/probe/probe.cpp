#include "probe.hpp"

#include <csignal>

#include <hotgraft/health.h>

#include "control.hpp"
#include "guard.hpp"
#include "library_residents_posix.hpp"
#include "limits_posix.hpp"
#include "residue.hpp"

namespace hotgraft {

namespace {

// How long a candidate may answer that it is busy. It has no call inside.
constexpr std::int64_t kQuiesceNs = 500'000'000;
constexpr std::int64_t kRestNs = 50'000'000;         // how long a thread that does not rest is looked at
constexpr std::int64_t kLongNs = 86'400'000'000'000; // the host counts the time

// Whether this thread is the one that tells where it is when the host asks by SIGABRT: the one that may be inside the
// candidate.
void answer_aborts(bool answers) noexcept {
    sigset_t asked;
    ::sigemptyset(&asked);
    ::sigaddset(&asked, SIGABRT);
    (void)::pthread_sigmask(answers ? SIG_UNBLOCK : SIG_BLOCK, &asked, nullptr);
}

} // namespace

Probe::Probe(const ProbeRequest &request, ProbeReport report)
    : request_(request), report_(report), candidate_(request.libraries.back(), places_) {}

template <class Work> Status Probe::stage(const char *name, std::string_view subject, const Work &work) {
    report_.begin(name, subject);
    const std::int64_t began_ns = monotonic_ns();
    Status status = or_no_memory(work);
    if (status.is_ok()) {
        report_.end(monotonic_ns() - began_ns);
    } else if (!has_ended_) {
        has_ended_ = true;
        report_.fail(status);
    }
    return status;
}

void Probe::run() {
    Status status = stage("limits", "", [this] { return set_limits(request_); });
    if (status.is_ok()) {
        status = stage("residents", "", [this] {
            const Status opened = candidate_.open();
            return opened.is_ok() ? make_residents(candidate_.generation().facts()) : opened;
        });
    }
    if (status.is_ok()) {
        // Here, while there is one thread: the kernel lets a process of several wait for all processors when it
        // registers for membarrier(2).
        (void)Guards::instance();
        answer_aborts(false);
        ControlThread control;
        status = control.run(
            "probe", [this] { return run_candidate(); }, monotonic_ns() + kLongNs);
    }
    answer_aborts(true);
    if (status.is_ok()) {
        status = stage("close", "", [this] { return close(); });
    }
    if (status.is_ok()) {
        std::vector<Change> changes;
        before_->add_changes_in(ProcessFacts(), &changes);
        tell_changes(changes);
        report_.say({"done"});
    }
}

// On the control thread.
Status Probe::run_candidate() {
    answer_aborts(true);
    Status status = bring_up_providers();
    // Here: what providers change, and what is kept open while they are mapped, is not the candidate's.
    before_ = std::make_unique<ProcessFacts>();
    const ThreadFacts before;
    if (status.is_ok()) {
        status = map();
    }
    const std::size_t count = candidate_.wish().instances.size();
    for (std::size_t i = 0; i < count && status.is_ok(); ++i) {
        status = bring_up(i);
    }
    for (std::size_t i = 0; i < count && status.is_ok() && request_.reach == ProbeReach::kStart; ++i) {
        status = check_health(i);
    }
    for (std::size_t i = 0; i < count && status.is_ok(); ++i) {
        status = bring_down(i);
    }
    if (status.is_ok()) {
        std::vector<Change> changes;
        before.add_changes_in(ThreadFacts(), &changes);
        tell_changes(changes);
    }
    return status;
}

// A provider serves in the host already: what goes wrong with it here is not the candidate's.
Status Probe::bring_up_providers() {
    for (std::size_t i = 0; i + 1 < request_.libraries.size(); ++i) {
        providers_.push_back(std::make_unique<LibraryRig>(request_.libraries[i], places_));
        LibraryRig &provider = *providers_.back();
        if (Status status = stage("providers", provider.wish().plugin, [&] { return provider.bring_up(); });
            !status.is_ok()) {
            return status;
        }
    }
    return {};
}

Status Probe::map() {
    Status status = stage("map", "", [this] { return candidate_.generation().map_library(); });
    if (status.is_ok()) {
        status = stage("entry", "", [this] {
            const Status read = candidate_.generation().read_tables();
            return read.is_ok() ? candidate_.bind_imports() : read;
        });
    }
    return status;
}

Status Probe::bring_up(std::size_t index) {
    const ProbeInstance &instance = candidate_.wish().instances[index];
    Status status = stage("create", instance.name, [&] { return candidate_.create(index); });
    if (status.is_ok()) {
        status = stage("interface", instance.name, [&] { return candidate_.make_tables(index); });
    }
    if (!status.is_ok() || request_.reach == ProbeReach::kCreate) {
        return status;
    }
    if (instance.state != ProbeState::kFresh) {
        const char *const way = instance.state == ProbeState::kBlock ? "take" : "restore";
        status = stage(way, instance.name, [&] {
            const Status given = candidate_.give_state(index);
            const Status unwritten = check_unwritten(index, way);
            return unwritten.is_ok() ? given : unwritten;
        });
    }
    if (status.is_ok()) {
        status = stage("start", instance.name, [&] {
            const Status started = candidate_.generation().start(index);
            const Status unwritten = check_unwritten(index, "start");
            return unwritten.is_ok() ? started : unwritten; // whoever served has lost it, even if start gave up
        });
    }
    return status.is_ok() ? candidate_.publish(index) : status;
}

Status Probe::check_unwritten(std::size_t index, const char *stage) {
    const std::int64_t at = candidate_.find_written_byte(index);
    if (at < 0) {
        return {};
    }
    has_ended_ = true;
    const std::string &name = candidate_.wish().instances[index].name;
    report_.say({"wrote", std::string(stage) + " of " + name + " wrote to the state that was handed over, at byte " +
                              std::to_string(at) + " of " +
                              std::to_string(candidate_.wish().instances[index].block.size())});
    return {Code::kRefused, "wrote"};
}

Status Probe::check_health(std::size_t index) {
    if (!candidate_.generation().has_health()) {
        return {};
    }
    return stage("health", candidate_.wish().instances[index].name,
                 [&] { return candidate_.generation().check_health(index, HOTGRAFT_HEALTH_FULL); });
}

Status Probe::bring_down(std::size_t index) {
    const std::string &name = candidate_.wish().instances[index].name;
    bool is_still = true;
    if (request_.reach == ProbeReach::kStart) {
        Status status =
            stage("quiesce", name, [&] { return candidate_.quiesce(index, monotonic_ns() + kQuiesceNs, &is_still); });
        if (!status.is_ok()) {
            return status;
        }
    }
    if (!is_still) {
        is_still_ = false;
        report_.say({"left", "busy",
                     "quiesce of " + name + " still answered \"again\" after " +
                         std::to_string(kQuiesceNs / 1'000'000) + " ms"});
        return {};
    }
    return stage("destroy", name, [&] { return candidate_.generation().destroy(index); });
}

// What stays is told; whether that speaks against the candidate is the host's to say.
Status Probe::close() {
    if (!is_still_) {
        return {};
    }
    Generation &generation = candidate_.generation();
    Residue residue;
    Status status = find_residue(*generation.library(), *generation.baseline(), ControlThread::thread_ids(),
                                 monotonic_ns() + kRestNs, &residue);
    if (status.is_ok() && !residue.is_empty()) {
        report_.say({"left", residue.threads.empty() ? "handler" : "thread", residue.reason()});
    } else if (status.is_ok()) {
        const Proof proof = generation.library()->close();
        if (!proof.proven) {
            report_.say({"left", "stuck", proof.reason});
        }
    }
    return status;
}

void Probe::tell_changes(const std::vector<Change> &changes) {
    for (const Change &change : changes) {
        report_.say({"change", change.what, change.found});
    }
}

} // namespace hotgraft
