// How tests bring threads to one point of the protocol: events to wait on, and seams as lambdas.
#ifndef HOTGRAFT_TESTS_EVENTS_SCENE_HPP
#define HOTGRAFT_TESTS_EVENTS_SCENE_HPP

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <utility>

#include "guard.hpp"

namespace scene {

using namespace hotgraft;

// Something that happens once; waiting for it has a deadline.
class Event {
public:
    void set() {
        const std::lock_guard<std::mutex> hold(mutex_);
        is_set_ = true;
        changed_.notify_all();
    }
    [[nodiscard]] bool wait(int seconds = 20) {
        std::unique_lock<std::mutex> hold(mutex_);
        return changed_.wait_for(hold, std::chrono::seconds(seconds), [this] { return is_set_; });
    }
    [[nodiscard]] bool is_set() {
        const std::lock_guard<std::mutex> hold(mutex_);
        return is_set_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool is_set_ = false;
};

// While it lives, `call` runs at each seam point.
class AtSeam {
public:
    explicit AtSeam(std::function<void(SeamPoint)> call) : call_(std::move(call)) {
        Guards::instance().seam().set([](SeamPoint point, void *self) { static_cast<AtSeam *>(self)->call_(point); },
                                      this);
    }
    ~AtSeam() { Guards::instance().seam().set(nullptr, nullptr); }
    AtSeam(const AtSeam &) = delete;
    AtSeam &operator=(const AtSeam &) = delete;

private:
    std::function<void(SeamPoint)> call_;
};

} // namespace scene

#endif // HOTGRAFT_TESTS_EVENTS_SCENE_HPP
