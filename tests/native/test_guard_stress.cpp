// Everything at once: two hot callers, nested calls and call-backs A → B → A, while a swapper replaces both as one set
// and poisons what it reclaimed. And the two mitigations taken out, to see that the poison and the mixing would be
// noticed.
#define DOCTEST_CONFIG_IMPLEMENT
#include "guard_scene.hpp"

using namespace scene;

namespace {

Guards &guards() {
    return Guards::instance();
}

constexpr std::uint64_t kPoison = 0xdeadbeefdeadbeefU;

enum class How { kGated, kWithoutDrain, kSlotBySlot };

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
    void swap(How how) {
        const std::uint64_t number = ++generation_;
        Pair &old = pairs_[(number - 1) % 2];
        Pair &fresh = pairs_[number % 2];
        if (how == How::kWithoutDrain &&
            fresh.a != nullptr) { // still called: a bad call is to read poison, not to crash
            graveyard_.push_back(std::move(fresh));
        }
        fresh.make(number);
        if (how == How::kSlotBySlot) {
            REQUIRE(guards().publish_open(a_, fresh.a->get()).is_ok());
            REQUIRE(guards().publish_open(b_, fresh.b->get()).is_ok());
        } else {
            GateSet gates({&a_, &b_});
            REQUIRE(gates.close().is_ok());
            REQUIRE(gates.drain(in_seconds(60)).is_ok());
            REQUIRE(gates.publish({fresh.a->get(), fresh.b->get()}).is_ok());
        }
        const hotgraft_table *tables[] = {old.a->get(), old.b->get()};
        guards().barrier();
        while (guards().is_held(tables, 2)) {
            std::this_thread::yield();
        }
        old.poison();
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
    std::vector<Pair> graveyard_;
    std::uint64_t generation_ = 1;
};

// Two hot callers, one of them calling back, and swaps at full speed until `is_enough` or the number is reached.
void play(Duo &duo, How how, std::uint64_t swaps, const std::function<bool()> &is_enough) {
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
    for (std::uint64_t i = 0; i < swaps && !is_enough(); ++i) {
        duo.swap(how);
    }
    is_done = true;
    hot.join();
    nesting.join();
    std::printf("%llu calls, %llu in a reclaimed table, %llu mixed\n",
                static_cast<unsigned long long>(duo.calls.load()), static_cast<unsigned long long>(duo.poisoned.load()),
                static_cast<unsigned long long>(duo.mixed.load()));
}

std::string without_drain() {
    guards().seam().no_drain = true;
    Duo duo;
    play(duo, How::kWithoutDrain, 100'000, [&] { return duo.poisoned > 0; });
    return duo.poisoned == 0 ? std::string() : std::to_string(duo.poisoned) + " calls answered by a reclaimed table";
}

std::string slot_by_slot() {
    Duo duo;
    play(duo, How::kSlotBySlot, 100'000, [&] { return duo.mixed > 0; });
    return duo.mixed == 0 ? std::string() : std::to_string(duo.mixed) + " calls saw both sides of one swap";
}

} // namespace

TEST_CASE("hot, nested and calling-back callers see whole swaps and never a reclaimed table") {
    Duo duo;
    play(duo, How::kGated, sized(20'000, 1'000'000), [] { return false; });
    CHECK(duo.poisoned == 0);
    CHECK(duo.mixed == 0);
}

TEST_CASE("the same without membarrier") {
    const WithoutMembarrier without;
    Duo duo;
    play(duo, How::kGated, sized(5'000, 200'000), [] { return false; });
    CHECK(duo.poisoned == 0);
    CHECK(duo.mixed == 0);
}

int main(int argc, char **argv) {
    return run(argc, argv, {{"no_drain", without_drain}, {"slot_by_slot", slot_by_slot}});
}
