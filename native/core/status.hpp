// What every operation of the core answers: a code to decide by, and a sentence that says what was found.
//
// The core never throws across its own boundary. A failed operation leaves its out-parameters untouched.
// The sentence says what was tried, on what and what was found; what is running now is added by the layer that knows.
// Several reasons are one line each, and a line that begins with kToDo says what the reader can do about them.
#ifndef HOTGRAFT_CORE_STATUS_HPP
#define HOTGRAFT_CORE_STATUS_HPP

#include <cstdint>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace hotgraft {

// One code per decision a caller can take. The numbers cross the C API and never change.
enum class Code : std::int32_t {
    kOk = 0,
    kInvalid = 1,       // the caller broke a rule of this API
    kMalformed = 2,     // the bytes of an image are not what their format promises
    kRefused = 3,       // well-formed, and refused before any of its code ran
    kIo = 4,            // the operating system said no
    kNoMemory = 5,      // memory, fds or disk ran out
    kTimedOut = 6,      // a deadline passed
    kPlugin = 7,        // the plugin's own code answered with an error
    kAbandoned = 8,     // the plugin's own code did not return by its deadline
    kBusy = 9,          // another swap, too many abandoned threads, or asked for from inside a plugin call
    kStuck = 10,        // a library cannot leave memory
    kForked = 11,       // the control plane is off in a forked child
    kWrongStage = 12,   // the generation is not in a stage that allows this
    kBackpressure = 13, // a call was turned away before it entered: a closed gate's queue is full
};

inline constexpr std::string_view kToDo = "to do: ";

class [[nodiscard]] Status {
public:
    Status() noexcept = default;
    Status(Code code, std::string message) : code_(code), message_(std::move(message)) {}

    [[nodiscard]] bool is_ok() const noexcept { return code_ == Code::kOk; }
    [[nodiscard]] Code code() const noexcept { return code_; }
    [[nodiscard]] const std::string &message() const noexcept { return message_; }

private:
    Code code_ = Code::kOk;
    std::string message_;
};

// Run `work` where an exception would end the process or leave something half done: memory that runs out becomes an
// answer. Its sentence is short because it must not need memory itself (std::string keeps 15 bytes in place).
template <class Work> [[nodiscard]] Status or_no_memory(const Work &work) noexcept {
    try {
        return work();
    } catch (const std::bad_alloc &) {
        return {Code::kNoMemory, "no memory left"};
    }
}

} // namespace hotgraft

#endif // HOTGRAFT_CORE_STATUS_HPP
