// Everything at once: two hot callers, nested calls and call-backs A → B → A, while a swapper replaces both as one set
// and poisons what it reclaimed. And the two mitigations taken out, to see that the poison and the mixing would be
// noticed.
#include "guard_scene.hpp"

using namespace scene;

namespace {

Guards &guards() {
    return Guards::instance();
}

constexpr std::uint64_t kPoison = 0xdeadbeefdeadbeefU;

// Two plugins, a and b, always of one generation. A table that is reclaimed is overwritten first: numbers and
// functions.
class Duo {
public:
    Duo() { publish_first(); }

    // What a call saw: a's number, b's inside it, a's again inside that.
    void call_back() {
        hotgraft_guard in_a;
        hotgraft_guard in_b;
        hotgraft_guard in_a_again;
        const hotgraft_table *first = hotgraft_enter(&import_a_, &in_a);
        const std::uint64_t outer = number(first);
        const std::uint64_t nested = number(hotgraft_enter(&import_b_, &in_b));
        const std::uint64_t back = number(hotgraft_enter(&import_a_, &in_a_again));
        judge(outer, nested);
        judge(outer, back);
        hotgraft_leave(&in_a_again);
        hotgraft_leave(&in_b);
        judge(outer, number(first)); // still what it was, after all that
        hotgraft_leave(&in_a);
    }
    void call_plain(bool is_a) {
        hotgraft_guard guard;
        const hotgraft_table *table = hotgraft_enter(is_a ? &import_a_ : &import_b_, &guard);
        const std::uint64_t seen = number(table);
        judge(seen, number(table));
        hotgraft_leave(&guard);
    }

    // Replace both by the next generation and reclaim the one before.
    void swap() {
        prepare();
        publish_gated();
        reclaim();
    }

    // The three parts of it, for who steps in between.
    void prepare() {
        ++generation_;
        serving().make(generation_);
    }
    void publish_gated() {
        GateSet gates({&a_, &b_});
        REQUIRE(gates.close().is_ok());
        REQUIRE(gates.drain(in_seconds(60)).is_ok());
        REQUIRE(gates.publish({serving().a->get(), serving().b->get()}).is_ok());
    }
    void publish_slot_by_slot() {
        REQUIRE(guards().publish_open(a_, serving().a->get()).is_ok());
        REQUIRE(guards().publish_open(b_, serving().b->get()).is_ok());
    }
    void reclaim() {
        const hotgraft_table *tables[] = {other().a->get(), other().b->get()};
        guards().barrier();
        while (guards().is_held(tables, 2)) {
            std::this_thread::yield();
        }
        other().poison();
    }

    // One call of a that stays inside until `go_on`, then calls b: whatever is done to both must happen meanwhile.
    void stay_inside(Event &is_inside, Event &go_on) {
        hotgraft_guard in_a;
        hotgraft_guard in_b;
        const hotgraft_table *table = hotgraft_enter(&import_a_, &in_a);
        const std::uint64_t before = number(table);
        is_inside.set();
        REQUIRE(go_on.wait());
        judge(before, number(table));
        judge(before, number(hotgraft_enter(&import_b_, &in_b)));
        hotgraft_leave(&in_b);
        hotgraft_leave(&in_a);
    }

    std::atomic<std::uint64_t> calls{0};
    std::atomic<std::uint64_t> poisoned{0}; // a call was inside a reclaimed table
    std::atomic<std::uint64_t> mixed{0};    // within one call two generations answered

private:
    // Numbers are atomics: what is shown is the poison, not a data race about it.
    struct Side {
        explicit Side(std::uint64_t value) : number(value) {
            const Answer functions{sizeof(Answer), [](void *self) {
                                       return static_cast<std::atomic<std::uint64_t> *>(self)->load(
                                           std::memory_order_relaxed);
                                   }};
            table = Table::make(&functions, 0, 1, value, &number, 0);
        }
        [[nodiscard]] const hotgraft_table *get() const { return table->get(); }
        std::atomic<std::uint64_t> number;
        std::unique_ptr<Table> table;
    };
    struct Pair {
        void make(std::uint64_t number) {
            a = std::make_unique<Side>(number);
            b = std::make_unique<Side>(number);
        }
        void poison() {
            a->number = kPoison;
            b->number = kPoison;
        }
        std::unique_ptr<Side> a;
        std::unique_ptr<Side> b;
    };

    // Of the pair that serves, or is about to, and of the other one: the one before, or room for the next.
    [[nodiscard]] Pair &serving() { return pairs_[generation_ % 2]; }
    [[nodiscard]] Pair &other() { return pairs_[(generation_ + 1) % 2]; }

    void publish_first() {
        pairs_[1].make(1);
        REQUIRE(guards().publish_open(a_, pairs_[1].a->get()).is_ok());
        REQUIRE(guards().publish_open(b_, pairs_[1].b->get()).is_ok());
    }
    static std::uint64_t number(const hotgraft_table *table) {
        return HOTGRAFT_INTERFACE(Answer, table)->answer(table->self);
    }
    void judge(std::uint64_t outer, std::uint64_t inner) {
        calls.fetch_add(1, std::memory_order_relaxed);
        const bool is_poisoned = outer == kPoison || inner == kPoison;
        poisoned.fetch_add(is_poisoned ? 1 : 0, std::memory_order_relaxed);
        mixed.fetch_add(!is_poisoned && outer != inner ? 1 : 0, std::memory_order_relaxed);
    }

    Slot a_{"a/1"};
    Slot b_{"b/1"};
    hotgraft_import import_a_ = import_of(a_);
    hotgraft_import import_b_ = import_of(b_);
    Pair pairs_[2];
    std::uint64_t generation_ = 1;
};

// Two hot callers, one of them calling back, and so many swaps at full speed.
void play(Duo &duo, std::uint64_t swaps) {
    std::atomic<bool> is_done{false};
    std::thread hot([&] {
        for (std::uint64_t i = 0; !is_done; ++i) {
            duo.call_plain(i % 2 == 0);
        }
    });
    std::thread nesting([&] {
        while (!is_done) {
            duo.call_back();
        }
    });
    while (duo.calls < 100) {
        std::this_thread::yield(); // both sides must be under way for a swap to meet anybody
    }
    for (std::uint64_t i = 0; i < swaps; ++i) {
        duo.swap();
    }
    is_done = true;
    hot.join();
    nesting.join();
    std::printf("%llu calls, %llu in a reclaimed table, %llu mixed\n",
                static_cast<unsigned long long>(duo.calls.load()), static_cast<unsigned long long>(duo.poisoned.load()),
                static_cast<unsigned long long>(duo.mixed.load()));
}

// One swap from its beginning to its end while a call stays inside a. `meanwhile` runs when the call is inside, and is
// given what lets that call go on.
void swap_around_a_call(Duo &duo, const std::function<void(Event &go_on)> &meanwhile) {
    Event is_inside;
    Event go_on;
    std::thread caller([&] { duo.stay_inside(is_inside, go_on); });
    REQUIRE(is_inside.wait());
    duo.prepare();
    meanwhile(go_on);
    go_on.set();
    caller.join();
}

std::string without_drain() {
    guards().seam().no_drain = true;
    Duo duo;
    swap_around_a_call(duo, [&](Event &) {
        duo.publish_gated();
        duo.reclaim();
    });
    return duo.poisoned == 0 ? std::string() : std::to_string(duo.poisoned) + " calls answered by a reclaimed table";
}

std::string slot_by_slot() {
    Duo duo;
    swap_around_a_call(duo, [&](Event &) { duo.publish_slot_by_slot(); });
    return duo.mixed == 0 ? std::string() : std::to_string(duo.mixed) + " calls saw both sides of one swap";
}

} // namespace

TEST_CASE("hot, nested and calling-back callers see whole swaps and never a reclaimed table") {
    Duo duo;
    play(duo, sized(20'000, 1'000'000));
    CHECK(duo.poisoned == 0);
    CHECK(duo.mixed == 0);
}

TEST_CASE("the same without membarrier") {
    const WithoutMembarrier without;
    Duo duo;
    play(duo, sized(5'000, 200'000));
    CHECK(duo.poisoned == 0);
    CHECK(duo.mixed == 0);
}

TEST_CASE("a swap around a call that stays inside waits for it, and that call sees one side") {
    Duo duo;
    swap_around_a_call(duo, [&](Event &go_on) {
        const AtSeam seam([&](SeamPoint point) {
            if (point == SeamPoint::kDrainWaits) {
                go_on.set(); // gates are closed: the call inside comes to b's only now
            }
        });
        duo.publish_gated();
        duo.reclaim();
    });
    CHECK(duo.calls == 2);
    CHECK(duo.poisoned == 0);
    CHECK(duo.mixed == 0);
}

int main(int argc, char **argv) {
    return run(argc, argv, {{"no_drain", without_drain}, {"slot_by_slot", slot_by_slot}});
}
