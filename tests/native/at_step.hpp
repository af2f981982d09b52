// How tests do something in the middle of a swap: a lambda before each of its steps.
#ifndef HOTGRAFT_TESTS_AT_STEP_HPP
#define HOTGRAFT_TESTS_AT_STEP_HPP

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <utility>

#include "swap.hpp"

namespace scene {

using namespace hotgraft;

// While it lives, `call` runs before each step of a swap, with how many of that kind there were before.
class AtStep {
public:
    explicit AtStep(std::function<void(StepKind, std::uint64_t)> call) : call_(std::move(call)) {
        set_step_hook(
            [](StepKind kind, void *self) {
                AtStep &at = *static_cast<AtStep *>(self);
                at.call_(kind, at.count(kind));
                return StepSeam::kRun;
            },
            this);
    }
    ~AtStep() { set_step_hook(nullptr, nullptr); }
    AtStep(const AtStep &) = delete;
    AtStep &operator=(const AtStep &) = delete;

private:
    // A thread that was given up may come to its next step beside the one that took its place.
    std::uint64_t count(StepKind kind) {
        const std::lock_guard<std::mutex> lock(mutex_);
        return counts_[kind]++;
    }

    std::function<void(StepKind, std::uint64_t)> call_;
    std::mutex mutex_;
    std::map<StepKind, std::uint64_t> counts_;
};

} // namespace scene

#endif // HOTGRAFT_TESTS_AT_STEP_HPP
