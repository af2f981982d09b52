// What belongs to the process or to a thread and not to a plugin, looked at before a candidate is mapped and when it is
// gone.
#ifndef HOTGRAFT_PROBE_PROCESS_POSIX_HPP
#define HOTGRAFT_PROBE_PROCESS_POSIX_HPP

#include <memory>
#include <string>
#include <vector>

namespace hotgraft {

// One thing that is not as it was. `what` is one word, for whoever decides by it: "signal", "locale", "folder",
// "umask", "environment", "limit", "fd", "child"; "mask", "fpu" of a thread.
struct Change {
    const char *what;
    std::string found;
};

// Of the calling thread: signal mask and floating-point mode.
class ThreadFacts {
public:
    ThreadFacts();
    ~ThreadFacts();
    ThreadFacts(const ThreadFacts &) = delete;
    ThreadFacts &operator=(const ThreadFacts &) = delete;
    void add_changes_in(const ThreadFacts &now, std::vector<Change> *changes) const;

private:
    struct Facts;
    std::unique_ptr<Facts> facts_;
};

class ProcessFacts {
public:
    ProcessFacts();
    ~ProcessFacts();
    ProcessFacts(const ProcessFacts &) = delete;
    ProcessFacts &operator=(const ProcessFacts &) = delete;
    void add_changes_in(const ProcessFacts &now, std::vector<Change> *changes) const;

private:
    struct Facts;
    std::unique_ptr<Facts> facts_;
};

} // namespace hotgraft

#endif // HOTGRAFT_PROBE_PROCESS_POSIX_HPP
