// What the tests of gates share: a slot with two offers, and a thread that is inside.
#ifndef HOTGRAFT_TESTS_GATE_SCENE_HPP
#define HOTGRAFT_TESTS_GATE_SCENE_HPP

#include "guard_scene.hpp"

namespace scene {

inline Guards &guards() {
    return Guards::instance();
}

struct Provider {
    explicit Provider(const char *name = "answer/1") : slot(name), old_offer(1, name), new_offer(2, name) {
        import = import_of(slot);
        REQUIRE(guards().publish_open(slot, old_offer.get()).is_ok());
    }
    [[nodiscard]] std::uint64_t call() const {
        hotgraft_guard guard;
        const hotgraft_table *table = hotgraft_enter(&import, &guard);
        if (table == nullptr) {
            return 0;
        }
        const std::uint64_t answer = HOTGRAFT_INTERFACE(Answer, table)->answer(table->self);
        hotgraft_leave(&guard);
        return answer;
    }
    Slot slot;
    Offer old_offer;
    Offer new_offer;
    hotgraft_import import{};
};

// A thread inside `provider` until told to call on; `then` runs there, inside.
class Inside {
public:
    explicit Inside(
        Provider &provider, std::function<void()> then = [] {})
        : thread_([this, &provider, then = std::move(then)] {
              const hotgraft_table *table = guards().enter(provider.slot);
              tid = thread_id();
              entered_.set();
              REQUIRE(go_.wait());
              then();
              guards().leave(table);
          }) {
        REQUIRE(entered_.wait());
    }
    ~Inside() { finish(); }
    Inside(const Inside &) = delete;
    Inside &operator=(const Inside &) = delete;
    void finish() {
        go_.set();
        if (thread_.joinable()) {
            thread_.join();
        }
    }
    std::int32_t tid = 0;

private:
    Event entered_;
    Event go_;
    std::thread thread_;
};

// In a handler that interrupts the calling thread between its announcement of `table`, which is not to stand,
// and its
// second look.
inline void in_handler(const hotgraft_table *table, const std::function<void()> &work) {
    hotgraft_record &hot = own_chain()->hot;
    const std::uint32_t depth = hot.depth;
    hotgraft_raise_depth(&hot, depth);
    __atomic_store_n(&hot.entry[depth], table, __ATOMIC_RELAXED);
    work();
    __atomic_store_n(&hot.entry[depth], nullptr, __ATOMIC_RELEASE);
    __atomic_store_n(&hot.depth, depth, __ATOMIC_RELAXED);
}

} // namespace scene

#endif // HOTGRAFT_TESTS_GATE_SCENE_HPP
