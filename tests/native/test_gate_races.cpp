// Gates met at the worst moment: between an announcement and the second look, in a handler, deep in a recursion.
#include "gate_block.hpp"
#include "gate_scene.hpp"

using namespace scene;

namespace {

// Whether the swap that has closed the provider's gate has seen the record clear.
std::atomic<std::uint64_t> &mark_of(ThreadRecord &record, const Provider &provider) {
    return record.cleared[provider.slot.gate()->lane()].cleared_for;
}

} // namespace

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
    mark_of(*own_chain(), provider) = gates.swap(); // as if `outer` were announced only, and not to stand
    CHECK(guards().try_enter(provider.slot) == nullptr);
    {
        mark_of(*own_chain(), provider) = 0;
        const AtSeam seam([&](SeamPoint point) { // the drain gets there between announcement and second look
            point == SeamPoint::kPassing ? mark_of(*own_chain(), provider).store(gates.swap()) : void();
        });
        CHECK(guards().try_enter(provider.slot) == nullptr);
    }
    gates.reopen();
    guards().leave(outer);
    CHECK(!guards().calling_thread_holds_any());
}

TEST_CASE("that a record was seen clear stays known when swaps of others drain beside this one") {
    Provider first("first/1");
    guards().leave(guards().enter(first.slot));
    GateSet gates({&first.slot});
    REQUIRE(gates.close().is_ok());
    REQUIRE(gates.drain(in_seconds(20)).is_ok());
    std::vector<std::unique_ptr<Provider>> others;
    std::vector<std::unique_ptr<GateSet>> beside;
    for (std::size_t i = 1; i < kClearLanes; ++i) {
        others.push_back(std::make_unique<Provider>("other/1"));
        beside.push_back(std::make_unique<GateSet>(std::vector<Slot *>{&others.back()->slot}));
        REQUIRE(beside.back()->close().is_ok());
        REQUIRE(beside.back()->drain(in_seconds(20)).is_ok());
    }
    in_handler(first.old_offer.get(), [&] { CHECK(guards().try_enter(first.slot) == nullptr); });
    beside.clear();
    gates.reopen();
    CHECK(first.call() == 1);
    REQUIRE(gates.close().is_ok()); // lanes are given back
    CHECK(first.slot.gate()->lane() == 0);
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
        hotgraft_raise_depth(&record->hot, 0);
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
        } else if (point == SeamPoint::kMarkedClear && mark_of(*record, provider) == gates.swap() &&
                   !is_marked.is_set()) {
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
