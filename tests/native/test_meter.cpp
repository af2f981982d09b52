// Meters: every guard is counted once and for the right generation, whoever swaps, ends or forks meanwhile.
#include "meter_scene.hpp"

#include <csignal>

#include <sys/wait.h>
#include <unistd.h>

using namespace scene;

TEST_CASE("every call is counted, whatever way it comes in") {
    Plugin plugin;
    for (int i = 0; i < 1000; ++i) {
        plugin.call();
    }
    {
        const hotgraft::Batch batch(plugin.import);
        CHECK(static_cast<bool>(batch));
    }
    {
        const WithoutMembarrier cold;
        REQUIRE(Guards::instance().publish_open(plugin.slot, plugin.table->get()).is_ok());
        plugin.call();
    }
    CHECK(plugin.meter->read().calls == 1002);
    CHECK(plugin.meter->read().samples == 0); // nothing of it is on by default
}

TEST_CASE("what is nested beyond one record is counted too") {
    Plugin plugin;
    hotgraft_guard guards[40];
    for (hotgraft_guard &guard : guards) {
        REQUIRE(hotgraft_enter(&plugin.import, &guard) != nullptr);
    }
    for (std::size_t i = 40; i-- > 0;) {
        hotgraft_leave(&guards[i]);
    }
    CHECK(plugin.meter->read().calls == 40);
}

TEST_CASE("an index that is given out again counts for its new meter alone") {
    std::uint32_t index = 0;
    std::shared_ptr<Meter> first;
    {
        Plugin plugin(1);
        for (int i = 0; i < 7; ++i) {
            plugin.call();
        }
        first = plugin.meter;
        index = first->index();
    }
    first->close();
    Plugin plugin(2);
    CHECK(plugin.meter->index() == index);
    plugin.call();
    CHECK(first->read().calls == 7);
    CHECK(plugin.meter->read().calls == 1);
}

TEST_CASE("without an index left a generation is served and not metered, and the next index serves again") {
    std::vector<std::shared_ptr<Meter>> all;
    while (meters().free_indexes() > 0) {
        all.push_back(Meter::open());
        REQUIRE(all.back()->index() != 0);
    }
    {
        Plugin plugin;
        CHECK(plugin.meter->index() == 0);
        plugin.call();
        plugin.meter->count_error();
        CHECK(!plugin.meter->read().is_metered);
        CHECK(plugin.meter->read().calls == 0);
    }
    all.pop_back();
    CHECK(Plugin().meter->index() != 0);
}

TEST_CASE("counts outlive their thread, and the thread that takes its record goes on counting") {
    Plugin plugin;
    const std::uint32_t before = Guards::instance().records().count();
    for (int i = 0; i < 20; ++i) {
        std::thread([&plugin] { plugin.call(); }).join();
    }
    CHECK(plugin.meter->read().calls == 20);
    CHECK(Guards::instance().records().count() <= before + 1);
}

TEST_CASE("threads hammer, tables change, samples are taken, meters are read: every call is counted once") {
    constexpr int kThreads = 3;
    const std::uint64_t each = sized(100'000, 2'000'000);
    Slot slot{"answer/1"};
    hotgraft_import import = import_of(slot);
    struct Served {
        std::shared_ptr<Meter> meter = Meter::open();
        std::uint64_t state = 0;
        std::unique_ptr<Table> table;
        std::atomic<std::uint64_t> made{0};
    };
    std::vector<std::unique_ptr<Served>> all;
    const auto make = [&all] {
        all.push_back(std::make_unique<Served>());
        Served &served = *all.back();
        const Answer functions{sizeof(Answer), [](void *self) -> std::uint64_t {
                                   static_cast<Served *>(self)->made.fetch_add(1, std::memory_order_relaxed);
                                   return 0;
                               }};
        served.table = Table::make(&functions, 0, 1U << 16, all.size(), &served, served.meter->index());
        return served.table->get();
    };
    REQUIRE(Guards::instance().publish_open(slot, make()).is_ok());
    std::atomic<int> running{kThreads};
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
        threads.emplace_back([&] {
            for (std::uint64_t k = 0; k < each; ++k) {
                hotgraft_guard guard;
                const hotgraft_table *const table = hotgraft_enter(&import, &guard);
                (void)HOTGRAFT_INTERFACE(Answer, table)->answer(table->self);
                hotgraft_leave(&guard);
            }
            --running;
        });
    }
    std::uint64_t last = 0;
    Served *read_before = nullptr;
    while (running > 0) {
        meters().set_sampling(all.size() % 2 == 0 ? 0 : 2'000);
        Served *const serving = all.back().get();
        const std::uint64_t calls = serving->meter->read().calls;
        CHECK((serving != read_before || calls >= last)); // a count never goes back
        read_before = serving;
        last = calls;
        if (all.size() < 200) {
            REQUIRE(Guards::instance().publish_open(slot, make()).is_ok());
        }
        if (all.size() > 2) { // what was replaced gives its index back as soon as nobody holds it
            Served &gone = *all[all.size() - 3];
            const hotgraft_table *const table = gone.table->get();
            Guards::instance().barrier();
            if (!Guards::instance().is_held(&table, 1)) {
                gone.meter->close();
            }
        }
        std::this_thread::yield();
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    meters().set_sampling(0);
    std::uint64_t sum = 0;
    for (const std::unique_ptr<Served> &served : all) {
        const MeterReading reading = served->meter->read();
        CHECK(reading.calls == served->made.load());
        CHECK(reading.samples <= reading.calls);
        sum += reading.calls;
    }
    CHECK(sum == kThreads * each);
    REQUIRE(Guards::instance().publish_open(slot, nullptr).is_ok());
}

TEST_CASE("a signal handler's calls are counted, and lose none of what they interrupt") {
    static Plugin *subject = nullptr;
    static std::atomic<std::uint64_t> handled{0};
    Plugin plugin;
    subject = &plugin;
    plugin.call();
    struct sigaction action {};
    struct sigaction before {};
    action.sa_handler = [](int) {
        subject->call();
        handled.fetch_add(1, std::memory_order_relaxed);
    };
    REQUIRE(sigaction(SIGUSR1, &action, &before) == 0);
    const Sampling sampling(100'000);
    std::atomic<bool> is_over{false};
    const pthread_t target = pthread_self();
    std::thread sender([&] {
        while (!is_over) {
            (void)pthread_kill(target, SIGUSR1);
            std::this_thread::yield();
        }
    });
    const std::uint64_t least = sized(1'000, 20'000);
    std::uint64_t own = 0;
    for (const std::int64_t until_ns = in_seconds(60); handled < least && futex_clock_ns() < until_ns; ++own) {
        plugin.call();
    }
    is_over = true;
    sender.join();
    REQUIRE(sigaction(SIGUSR1, &before, nullptr) == 0);
    CHECK(handled >= least);
    CHECK(plugin.meter->read().calls == 1 + own + handled);
}

TEST_CASE("a guard that was jumped over was counted, and its depth is given back as ever") {
    Plugin plugin;
    const Sampling sampling(2'000);
    for (int i = 0; i < 1'000; ++i) {
        hotgraft_guard outer;
        hotgraft_guard inner;
        REQUIRE(hotgraft_enter(&plugin.import, &outer) != nullptr);
        REQUIRE(hotgraft_enter(&plugin.import, &inner) != nullptr); // never left, as after a longjmp
        hotgraft_leave(&outer);
    }
    CHECK(!Guards::instance().calling_thread_holds_any());
    CHECK(plugin.meter->read().calls == 2'000);
}

TEST_CASE("a forked child goes on counting, and its parent's count is not its own") {
    Plugin plugin;
    const Sampling sampling(2'000);
    plugin.call();
    const pid_t child = fork();
    if (child == 0) {
        plugin.call();
        _exit(plugin.meter->read().calls == 2 ? 0 : 1);
    }
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK(plugin.meter->read().calls == 1);
}

TEST_CASE("in a child that is forked while a word is moved, the count is what it was") {
    HotCounters hot{{}, {}};
    ColdCounters cold;
    Counters counters(hot, cold);
    hot.calls[3] = 5;
    REQUIRE(counters.arm(3, 100));
    hot.calls[3] += 2;
    cold.sequence = cold.sequence + 1; // as a thread leaves it that is gone in the middle
    cold.total = 7;
    cold.short_of[3] = -12345;
    counters.repair();
    CHECK(counters.count(3) == 7);
    CHECK(counters.rest(3));
    CHECK(counters.count(3) == 7);
    CHECK(hot.calls[3] == 7);
}

TEST_CASE("while a word is moved a handler moves none, and what it wanted is asked for again") {
    HotCounters hot{{}, {}};
    ColdCounters cold;
    cold.epoch = 9;
    cold.sequence = 1;
    CHECK(!Counters(hot, cold).arm(3, 100));
    CHECK(cold.epoch == 0);
    CHECK(hot.calls[3] == 0);
}
