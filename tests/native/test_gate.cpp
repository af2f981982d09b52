// Gates: who waits, who passes, who is refused, and what each way out of a swap leaves behind.
#define DOCTEST_CONFIG_IMPLEMENT
#include "guard_scene.hpp"

using namespace scene;

namespace {

Guards &guards() {
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

} // namespace

TEST_CASE("a call that meets a closed gate waits, and runs on the new table once it is published") {
    Provider provider;
    GateSet gates({&provider.slot});
    REQUIRE(gates.close().is_ok());
    Event meets_gate;
    const AtSeam seam([&](SeamPoint point) { point == SeamPoint::kBeforeWait ? meets_gate.set() : void(); });
    std::uint64_t answer = 0;
    std::thread caller([&] { answer = provider.call(); });
    REQUIRE(meets_gate.wait());
    REQUIRE(gates.drain(in_seconds(5)).is_ok());
    REQUIRE(gates.publish({provider.new_offer.get()}).is_ok());
    caller.join();
    CHECK(answer == 2);
    CHECK(gates.opened_ns() >= gates.closed_ns());
}

TEST_CASE("a swap called off lets waiting calls run on the old table") {
    Provider provider;
    GateSet gates({&provider.slot});
    REQUIRE(gates.close().is_ok());
    Event meets_gate;
    const AtSeam seam([&](SeamPoint point) { point == SeamPoint::kBeforeWait ? meets_gate.set() : void(); });
    std::uint64_t answer = 0;
    std::thread caller([&] { answer = provider.call(); });
    REQUIRE(meets_gate.wait());
    gates.reopen();
    caller.join();
    CHECK(answer == 1);
}

TEST_CASE("a gate that opens between a caller's look and its sleep does not leave it asleep") {
    for (const bool is_publish : {true, false}) {
        Provider provider;
        GateSet gates({&provider.slot});
        REQUIRE(gates.close().is_ok());
        REQUIRE(gates.drain(in_seconds(5)).is_ok());
        const AtSeam seam([&](SeamPoint point) { // on the caller's thread, just before it would sleep
            if (point == SeamPoint::kBeforeWait && is_publish) {
                REQUIRE(gates.publish({provider.new_offer.get()}).is_ok());
            } else if (point == SeamPoint::kBeforeWait) {
                gates.reopen();
            }
        });
        Event called;
        std::uint64_t answer = 0;
        std::thread caller([&] {
            answer = provider.call();
            called.set();
        });
        REQUIRE(called.wait());
        caller.join();
        CHECK(answer == (is_publish ? 2U : 1U));
    }
}

TEST_CASE("a call-back A → B → A passes the closed gates of its own set; the drain waits for it") {
    Provider a("a/1");
    Provider b("b/1");
    std::uint64_t nested = 0;
    Inside inside(a, [&] {
        const hotgraft_table *in_b = guards().enter(b.slot);
        nested = b.call() * 10 + a.call();
        guards().leave(in_b);
    });
    GateSet gates({&a.slot, &b.slot});
    REQUIRE(gates.close().is_ok());
    CHECK(gates.drain(futex_clock_ns()).code() == Code::kTimedOut);
    std::thread finisher([&] { inside.finish(); });
    CHECK(gates.drain(in_seconds(20)).is_ok());
    finisher.join();
    CHECK(nested == 11);
    REQUIRE(gates.publish({a.new_offer.get(), b.new_offer.get()}).is_ok());
    CHECK(a.call() == 2);
    CHECK(b.call() == 2);
}

TEST_CASE("a call inside a plugin that is not in the set waits at the gate like any other") {
    Provider outside("outside/1");
    Provider member("member/1");
    Event meets_gate;
    std::uint64_t answer = 0;
    Inside inside(outside, [&] { answer = member.call(); });
    GateSet gates({&member.slot});
    REQUIRE(gates.close().is_ok());
    const AtSeam seam([&](SeamPoint point) { point == SeamPoint::kBeforeWait ? meets_gate.set() : void(); });
    std::thread finisher([&] { inside.finish(); });
    REQUIRE(meets_gate.wait());
    REQUIRE(gates.drain(in_seconds(5)).is_ok()); // it holds nothing of the set while it waits
    REQUIRE(gates.publish({member.new_offer.get()}).is_ok());
    finisher.join();
    CHECK(answer == 2);
}

TEST_CASE("the thread that carries out a swap is refused at its own gates, and waits at those of another swap") {
    Provider mine("mine/1");
    Provider other("other/1");
    GateSet own({&mine.slot});
    GateSet others({&other.slot});
    REQUIRE(own.close().is_ok());
    REQUIRE(others.close().is_ok());
    const CarriesOut carries(own.swap());
    CHECK(mine.call() == 0);
    CHECK(guards().last_refusal().code() == Code::kBusy);
    CHECK(guards().last_refusal().message().find("mine/1") != std::string::npos);
    const AtSeam seam([&](SeamPoint point) { point == SeamPoint::kBeforeWait ? others.reopen() : void(); });
    CHECK(other.call() == 1);
    own.reopen();
    CHECK(mine.call() == 1);
    CHECK(guards().last_refusal().is_ok());
}

TEST_CASE("try_enter answers NULL at a closed gate instead of waiting") {
    Provider provider;
    GateSet gates({&provider.slot});
    REQUIRE(gates.close().is_ok());
    CHECK(guards().try_enter(provider.slot) == nullptr);
    CHECK(guards().last_refusal().code() == Code::kBusy);
    gates.reopen();
    const hotgraft_table *table = guards().try_enter(provider.slot);
    CHECK(table == provider.old_offer.get());
    guards().leave(table);
}

TEST_CASE("a drain that meets its deadline names thread, plugin and generation; the swap can go on or be called off") {
    Provider provider("gain/1");
    Inside inside(provider);
    GateSet gates({&provider.slot});
    REQUIRE(gates.close().is_ok());
    const Status status = gates.drain(futex_clock_ns() + 2'000'000);
    CHECK(status.code() == Code::kTimedOut);
    for (const std::string &part : {"thread " + std::to_string(inside.tid), std::string("gain/1 of generation 1")}) {
        CAPTURE(status.message());
        CHECK(status.message().find(part) != std::string::npos);
    }
    CHECK(gates.publish({provider.new_offer.get()}).code() == Code::kWrongStage);
    inside.finish();
    CHECK(gates.drain(in_seconds(5)).is_ok());
    CHECK(gates.publish({provider.new_offer.get()}).is_ok());
}

TEST_CASE("steps out of order and a wrong number of tables are refused and change nothing") {
    Provider provider;
    GateSet gates({&provider.slot});
    CHECK(gates.drain(in_seconds(1)).code() == Code::kWrongStage);
    CHECK(gates.publish({provider.new_offer.get()}).code() == Code::kWrongStage);
    REQUIRE(gates.close().is_ok());
    CHECK(gates.close().code() == Code::kWrongStage);
    REQUIRE(gates.drain(in_seconds(1)).is_ok());
    CHECK(gates.publish({}).code() == Code::kInvalid);
    gates.reopen();
    gates.reopen();
    CHECK(provider.call() == 1);
}

TEST_CASE("two swaps that share a slot take turns: the second is told which, and closes nothing; others do not mind") {
    Provider shared("shared/1");
    Provider free_slot("free/1");
    GateSet first({&shared.slot});
    GateSet second({&free_slot.slot, &shared.slot});
    REQUIRE(first.close().is_ok());
    const Status status = second.close();
    CHECK(status.code() == Code::kBusy);
    CHECK(status.message().find("shared/1") != std::string::npos);
    CHECK(free_slot.call() == 1);
    CHECK(guards().publish_open(shared.slot, shared.new_offer.get()).code() == Code::kBusy);
    GateSet apart({&free_slot.slot});
    REQUIRE(apart.close().is_ok());
    REQUIRE(apart.drain(in_seconds(1)).is_ok());
    REQUIRE(apart.publish({free_slot.new_offer.get()}).is_ok());
    first.reopen();
    CHECK(second.close().is_ok());
}

TEST_CASE("a swap that goes away with its gates closed opens them: nobody waits for what is gone") {
    Provider provider;
    {
        GateSet gates({&provider.slot});
        REQUIRE(gates.close().is_ok());
    }
    CHECK(provider.call() == 1);
}

TEST_CASE("a table taken out of a slot answers waiting and later calls with NULL") {
    Provider provider;
    GateSet gates({&provider.slot});
    REQUIRE(gates.close().is_ok());
    REQUIRE(gates.drain(in_seconds(1)).is_ok());
    Event meets_gate;
    std::uint64_t answer = 99;
    const AtSeam seam([&](SeamPoint point) { point == SeamPoint::kBeforeWait ? meets_gate.set() : void(); });
    std::thread caller([&] { answer = provider.call(); });
    REQUIRE(meets_gate.wait());
    REQUIRE(gates.publish({nullptr}).is_ok());
    caller.join();
    CHECK(answer == 0);
    CHECK(provider.call() == 0);
}

TEST_CASE("a caller stopped between its announcement and its second look is waited for, then waits itself") {
    Provider provider;
    Event announced;
    Event go_on;
    const std::thread::id me = std::this_thread::get_id();
    const AtSeam seam([&](SeamPoint point) {
        if (point == SeamPoint::kAnnounced && std::this_thread::get_id() != me && !announced.is_set()) {
            announced.set();
            REQUIRE(go_on.wait());
        }
    });
    std::uint64_t answer = 0;
    std::thread caller([&] { answer = provider.call(); }); // a thread's first call goes through the cold branch
    REQUIRE(announced.wait());
    GateSet gates({&provider.slot});
    REQUIRE(gates.close().is_ok());
    CHECK(gates.drain(futex_clock_ns()).code() == Code::kTimedOut); // it might have passed: we cannot know
    go_on.set();
    REQUIRE(gates.drain(in_seconds(20)).is_ok());
    REQUIRE(gates.publish({provider.new_offer.get()}).is_ok());
    caller.join();
    CHECK(answer == 2);
}

TEST_CASE("a caller stopped before it announces what it read never gets the table that was replaced meanwhile") {
    Provider provider;
    bool is_swapped = false;
    const AtSeam seam([&](SeamPoint point) {
        if (point == SeamPoint::kAnnounced && !is_swapped) { // after the look, before the second look
            is_swapped = true;
            REQUIRE(guards().publish_open(provider.slot, provider.new_offer.get()).is_ok());
        }
    });
    const hotgraft_table *table = guards().enter(provider.slot);
    CHECK(table == provider.new_offer.get());
    guards().leave(table);
}

TEST_CASE("once the drain has seen a record clear, what a handler finds in it proves nothing: it waits") {
    Provider provider;
    const hotgraft_table *outer = guards().enter(provider.slot);
    GateSet gates({&provider.slot});
    REQUIRE(gates.close().is_ok());
    const hotgraft_table *passed = guards().try_enter(provider.slot);
    CHECK(passed == provider.old_offer.get());
    guards().leave(passed);
    own_chain()->cleared_for = gates.swap(); // as if `outer` were announced only, and not to stand
    CHECK(guards().try_enter(provider.slot) == nullptr);
    {
        own_chain()->cleared_for = 0;
        const AtSeam seam([&](SeamPoint point) { // the drain gets there between announcement and second look
            point == SeamPoint::kPassing ? own_chain()->cleared_for.store(gates.swap()) : void();
        });
        CHECK(guards().try_enter(provider.slot) == nullptr);
    }
    gates.reopen();
    guards().leave(outer);
    CHECK(!guards().calling_thread_holds_any());
}

TEST_CASE("a handler's call that meets the drain's mark too early is woken when the mark is taken back") {
    Provider provider;
    ThreadRecord *record = nullptr;
    Event has_read;
    Event is_marked;
    Event sleeps;
    const hotgraft_table *in_handler = nullptr;
    std::thread caller([&] { // the steps of hotgraft_enter, one by one
        guards().leave(guards().enter(provider.slot));
        record = own_chain();
        const hotgraft_table *seen = __atomic_load_n(&provider.slot.words()->current, __ATOMIC_ACQUIRE);
        has_read.set();
        REQUIRE(is_marked.wait());
        hotgraft_raise_depth(&record->hot);
        __atomic_store_n(&record->hot.entry[0], seen, __ATOMIC_RELAXED);
        in_handler = guards().enter(provider.slot); // a signal arrives just here
        guards().leave(in_handler);
        CHECK(hotgraft_is_still(provider.slot.words(), seen) == 0);
        __atomic_store_n(&record->hot.entry[0], nullptr, __ATOMIC_RELEASE);
        __atomic_store_n(&record->hot.depth, 0U, __ATOMIC_RELAXED);
    });
    REQUIRE(has_read.wait());
    GateSet gates({&provider.slot});
    REQUIRE(gates.close().is_ok());
    const AtSeam seam([&](SeamPoint point) {
        if (point == SeamPoint::kBeforeWait) {
            sleeps.set();
        } else if (point == SeamPoint::kMarkedClear && record->cleared_for == gates.swap() && !is_marked.is_set()) {
            is_marked.set();
            REQUIRE(sleeps.wait());
        }
    });
    REQUIRE(gates.drain(in_seconds(20)).is_ok());
    caller.join();
    CHECK(in_handler == provider.old_offer.get()); // it passed: the drain waited for it
    REQUIRE(gates.publish({provider.new_offer.get()}).is_ok());
}

TEST_CASE("a holder that meets the gate of a later swap is not taken for a holder of the earlier one") {
    Provider a("a/1");
    Provider b("b/1");
    const hotgraft_table *in_a = guards().enter(a.slot);
    GateSet both({&a.slot, &b.slot});
    REQUIRE(both.close().is_ok());
    GateSet only_b({&b.slot});
    bool is_changed = false;
    const AtSeam seam([&](SeamPoint point) {
        if (point == SeamPoint::kPassing && !is_changed) { // inside `both`; meanwhile b's gate becomes another swap's
            is_changed = true;
            both.reopen();
            REQUIRE(only_b.close().is_ok());
        }
    });
    CHECK(guards().try_enter(b.slot) == nullptr);
    CHECK(guards().last_refusal().code() == Code::kBusy);
    only_b.reopen();
    guards().leave(in_a);
}

namespace {

struct HookCalls {
    std::thread::id before_on;
    std::thread::id after_on;
    int before = 0;
    int after = 0;
    bool is_same_token = true;
};
HookCalls hook_calls;

} // namespace

TEST_CASE("the wait hooks run around every wait, on the waiting thread, and the token goes from one to the other") {
    Provider provider;
    GateSet gates({&provider.slot});
    REQUIRE(gates.close().is_ok());
    guards().set_wait_hooks(
        []() -> void * {
            ++hook_calls.before;
            hook_calls.before_on = std::this_thread::get_id();
            return &hook_calls;
        },
        [](void *token) {
            ++hook_calls.after;
            hook_calls.after_on = std::this_thread::get_id();
            hook_calls.is_same_token = hook_calls.is_same_token && token == &hook_calls;
        });
    const AtSeam seam([&](SeamPoint point) { point == SeamPoint::kBeforeWait ? gates.reopen() : void(); });
    std::thread caller([&] { CHECK(provider.call() == 1); });
    const std::thread::id caller_id = caller.get_id();
    caller.join();
    guards().set_wait_hooks(nullptr, nullptr);
    CHECK(hook_calls.before == 1);
    CHECK(hook_calls.after == 1);
    CHECK(hook_calls.is_same_token);
    CHECK(hook_calls.before_on == caller_id);
    CHECK(hook_calls.after_on == caller_id);
}

TEST_CASE("a recursion 100 deep that a swap meets half way finishes on the old table; the drain waits for all of it") {
    Provider provider;
    Event half_way;
    Event go_on;
    int wrong = 0;
    std::function<void(int)> recurse = [&](int depth) {
        const hotgraft_table *table = guards().enter(provider.slot);
        wrong += table == provider.old_offer.get() ? 0 : 1;
        if (depth == 50) {
            half_way.set();
            REQUIRE(go_on.wait());
        }
        if (depth < 100) {
            recurse(depth + 1);
        }
        guards().leave(table);
    };
    std::thread caller([&] { recurse(1); });
    REQUIRE(half_way.wait());
    GateSet gates({&provider.slot});
    REQUIRE(gates.close().is_ok());
    CHECK(gates.drain(futex_clock_ns()).code() == Code::kTimedOut);
    go_on.set();
    CHECK(gates.drain(in_seconds(20)).is_ok());
    CHECK(guards().holders({provider.old_offer.get()}).empty());
    REQUIRE(gates.publish({provider.new_offer.get()}).is_ok());
    caller.join();
    CHECK(wrong == 0);
}

int main(int argc, char **argv) {
    return run(argc, argv, {});
}
