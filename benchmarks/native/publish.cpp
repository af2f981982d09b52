// What publishing costs when nobody is inside: closing the gate (stores, membarrier), the drain (a scan of all
// records), the stores that publish, the books. A line per sample, microseconds.
//
//     publish SAMPLES THREADS    beside THREADS records of threads that have called and rest
//
// Plain and measured are the same thing: the figure is compared with a number, and the pair shows the noise.
#include <condition_variable>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "core.hpp"
#include "gate.hpp"
#include "guard.hpp"
#include "slot.hpp"
#include "table.hpp"

namespace {

struct Interface {
    std::uint32_t struct_size = sizeof(Interface);
    void (*function)() = nullptr;
};

// Threads that have a record and rest until the end.
class Resting {
public:
    Resting(hotgraft::Slot &slot, long count) {
        for (long i = 0; i < count; ++i) {
            threads_.emplace_back([this, &slot] { call_and_rest(slot); });
        }
        std::unique_lock<std::mutex> lock(mutex_);
        changed_.wait(lock, [&] { return called_ == count; });
    }
    ~Resting() {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            is_over_ = true;
        }
        changed_.notify_all();
        for (std::thread &thread : threads_) {
            thread.join();
        }
    }
    Resting(const Resting &) = delete;
    Resting &operator=(const Resting &) = delete;

private:
    void call_and_rest(hotgraft::Slot &slot) {
        hotgraft::Guards &guards = hotgraft::Guards::instance();
        guards.leave(guards.enter(slot));
        std::unique_lock<std::mutex> lock(mutex_);
        ++called_;
        changed_.notify_all();
        changed_.wait(lock, [this] { return is_over_; });
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    long called_ = 0;
    bool is_over_ = false;
    std::vector<std::thread> threads_;
};

// One slot that is published again and again, each time on a new table.
class Publishing {
public:
    Publishing() : slot_("measured/1") { (void)publish_us(); }

    hotgraft::Slot &slot() { return slot_; }

    double publish_us() {
        const Interface interface;
        std::unique_ptr<hotgraft::Table> next =
            hotgraft::Table::make(&interface, sizeof interface, 1U << 16, ++generation_, nullptr, 0);
        const std::int64_t began_ns = now_ns();
        {
            hotgraft::GateSet gates({&slot_});
            check(gates.close());
            check(gates.drain(began_ns + static_cast<std::int64_t>(DEADLINE_NS)));
            check(gates.publish({next->get()}));
        }
        const std::int64_t ended_ns = now_ns();
        table_ = std::move(next); // the one before was drained: nobody holds it
        return static_cast<double>(ended_ns - began_ns) / 1e3;
    }

private:
    hotgraft::Slot slot_;
    std::unique_ptr<hotgraft::Table> table_;
    std::uint64_t generation_ = 0;
};

} // namespace

int main(int argc, char **argv) {
    if (argc != 3) {
        fail("usage: publish SAMPLES THREADS");
    }
    Publishing publishing;
    const Resting threads(publishing.slot(), std::strtol(argv[2], nullptr, 10));
    const timed publish = [](void *subject) { return static_cast<Publishing *>(subject)->publish_us(); };
    take_turns(publish, publish, &publishing, std::strtol(argv[1], nullptr, 10));
    return 0;
}
