// The stages of a probe, in order. The first that fails ends it; every one is told before it begins.
#ifndef HOTGRAFT_PROBE_PROBE_HPP
#define HOTGRAFT_PROBE_PROBE_HPP

#include <memory>
#include <string>
#include <vector>

#include "library_rig.hpp"
#include "process_posix.hpp"
#include "report.hpp"
#include "request.hpp"

namespace hotgraft {

class Probe {
public:
    Probe(const ProbeRequest &request, ProbeReport report);

    // Carry it out and say "done" where nothing ended it before. Plugin code runs on a thread of its own, as in a host:
    // what a thread's end takes down is gone before the library is closed.
    void run();

private:
    [[nodiscard]] Status run_candidate();
    [[nodiscard]] Status map();
    [[nodiscard]] Status bring_up(std::size_t index);
    [[nodiscard]] Status check_health(std::size_t index);
    [[nodiscard]] Status bring_down(std::size_t index);
    [[nodiscard]] Status check_unwritten(std::size_t index, const char *stage);
    [[nodiscard]] Status bring_up_providers();
    [[nodiscard]] Status close();
    void tell_changes(const std::vector<Change> &changes);
    template <class Work> [[nodiscard]] Status stage(const char *name, std::string_view subject, const Work &work);

    const ProbeRequest &request_;
    ProbeReport report_;
    ProbePlaces places_;
    std::vector<std::unique_ptr<LibraryRig>> providers_;
    LibraryRig candidate_;
    std::unique_ptr<ProcessFacts> before_; // from before anything of the candidate ran
    bool is_still_ = true;
    bool has_ended_ = false; // said already why
};

} // namespace hotgraft

#endif // HOTGRAFT_PROBE_PROBE_HPP
