// What a library leaves behind is found before dlclose, and nothing else is taken for it.
#include <doctest/doctest.h>

#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <vector>

#include "generation_scene.hpp"
#include "residue.hpp"
#include "residue_posix.hpp"

using namespace hotgraft;
using scene::contains;

namespace {

// Threads of the host that rest, each in its own way.
class RestingThreads {
public:
    explicit RestingThreads(int count) {
        REQUIRE(::pipe(pipe_) == 0);
        for (int i = 0; i < count; ++i) {
            threads_.emplace_back([this, i] { rest(i); });
        }
        std::unique_lock<std::mutex> lock(mutex_);
        changed_.wait(lock, [&] { return resting_ == count; });
    }
    ~RestingThreads() {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            is_over_ = true;
            changed_.notify_all();
        }
        ::close(pipe_[1]);
        for (std::thread &thread : threads_) {
            thread.join();
        }
        ::close(pipe_[0]);
    }
    RestingThreads(const RestingThreads &) = delete;
    RestingThreads &operator=(const RestingThreads &) = delete;

private:
    void rest(int kind) {
        std::unique_lock<std::mutex> lock(mutex_);
        ++resting_;
        changed_.notify_all();
        if (kind % 2 == 0) {
            changed_.wait(lock, [this] { return is_over_; });
        } else {
            lock.unlock();
            char byte = 0;
            CHECK(::read(pipe_[0], &byte, 1) == 0);
        }
    }

    int pipe_[2] = {-1, -1};
    std::mutex mutex_;
    std::condition_variable changed_;
    int resting_ = 0;
    bool is_over_ = false;
    std::vector<std::thread> threads_;
};

std::unique_ptr<ResidueBaseline> baseline() {
    std::unique_ptr<ResidueBaseline> taken;
    REQUIRE(ResidueBaseline::take(&taken).is_ok());
    return taken;
}

Residue look(const Library &library, const ResidueBaseline &before, const std::vector<int> &known = {},
             std::int64_t budget_ns = 2'000'000'000) {
    Residue residue;
    const Status status = find_residue(library, before, known, monotonic_ns() + budget_ns, &residue);
    REQUIRE_MESSAGE(status.is_ok(), status.message());
    return residue;
}

std::unique_ptr<Library> opened(const std::string &image) {
    std::unique_ptr<Library> library;
    REQUIRE(scene::open_library(image, &library).is_ok());
    return library;
}

void before_handler(int) {}

// An address behind a call instruction of the library, as a return address would be.
std::uintptr_t return_address_in(const Library &library) {
    void *join = nullptr;
    REQUIRE(library.symbol("join", &join).is_ok());
    const std::uintptr_t begin = reinterpret_cast<std::uintptr_t>(join);
    std::uintptr_t call = begin & ~std::uintptr_t{4095};
    while (call < begin + 4096 &&
           (!library.holds_code(call) || *reinterpret_cast<const unsigned char *>(call) != 0xE8)) {
        ++call;
    }
    REQUIRE(library.holds_code(call + 5));
    return call + 5;
}

// A thread that rests on a stack of its own, with `word` all over the memory right above that stack.
class ThreadBelow {
public:
    explicit ThreadBelow(std::uintptr_t word) {
        REQUIRE(::pipe(pipe_) == 0);
        memory_ = ::mmap(nullptr, 2 * kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        REQUIRE(memory_ != MAP_FAILED);
        auto *const above = reinterpret_cast<std::uintptr_t *>(static_cast<char *>(memory_) + kBytes);
        std::fill_n(above, kBytes / sizeof word, word);
        pthread_attr_t attributes;
        REQUIRE(pthread_attr_init(&attributes) == 0);
        REQUIRE(pthread_attr_setstack(&attributes, memory_, kBytes) == 0);
        REQUIRE(pthread_create(&thread_, &attributes, &rest, this) == 0);
        pthread_attr_destroy(&attributes);
        REQUIRE(scene::wait_until([&] { return is_resting_.load(); }));
    }
    ~ThreadBelow() {
        ::close(pipe_[1]);
        pthread_join(thread_, nullptr);
        ::close(pipe_[0]);
        ::munmap(memory_, 2 * kBytes);
    }
    ThreadBelow(const ThreadBelow &) = delete;
    ThreadBelow &operator=(const ThreadBelow &) = delete;

private:
    static constexpr std::size_t kBytes = std::size_t{1} << 20; // TSan wants most of that

    static void *rest(void *self) {
        auto *const it = static_cast<ThreadBelow *>(self);
        it->is_resting_ = true;
        char byte = 0;
        CHECK(::read(it->pipe_[0], &byte, 1) == 0);
        return nullptr;
    }

    int pipe_[2] = {-1, -1};
    void *memory_ = nullptr;
    pthread_t thread_{};
    std::atomic<bool> is_resting_{false};
};

} // namespace

TEST_CASE("what lies in memory right above a thread's stack is not taken for a thread inside") {
    const std::unique_ptr<Library> library = opened(scene::build("leaves_thread.c"));
    const std::unique_ptr<ResidueBaseline> before = baseline();
    const ThreadBelow thread(return_address_in(*library));
    const Residue residue = look(*library, *before);
    CHECK_MESSAGE(residue.is_empty(), residue.reason());
}

TEST_CASE("D06: a thread of the library that rests is found, with its function's name") {
    const std::unique_ptr<ResidueBaseline> before = baseline();
    const std::shared_ptr<Generation> generation = scene::created(scene::build("leaves_thread.c"));
    Library &library = *generation->library();
    void *begun = nullptr;
    REQUIRE(library.symbol("has_begun", &begun).is_ok());
    REQUIRE(generation->start(0).is_ok());
    REQUIRE(scene::wait_until([&] { return __atomic_load_n(static_cast<int *>(begun), __ATOMIC_ACQUIRE) == 1; }));

    const Residue residue = look(library, *before);
    REQUIRE(residue.threads.size() == 1);
    CHECK(!residue.threads[0].is_running);
    CHECK(contains(residue.threads[0].symbol, "leaves_thread_loop"));
    CHECK(contains(residue.reason(), "is inside leaves_thread_loop"));

    // Unloading is refused while it is there, and works once it has gone.
    const Proof kept = scene::unload(generation);
    CHECK(!kept.proven);
    CHECK(contains(kept.symbol, "leaves_thread_loop"));
    CHECK(generation->stage() == Stage::kStuck);
    scene::function_of<void (*)()>(library, "join")();
    CHECK(look(library, *before).is_empty());
    ControlThread control;
    const Proof gone = Unload(generation).run(control, scene::in_seconds(5));
    CHECK_MESSAGE(gone.proven, gone.reason);
    CHECK(generation->stage() == Stage::kUnloaded);
}

TEST_CASE("D06: a thread of the library that never rests counts as inside at the deadline") {
    const std::unique_ptr<ResidueBaseline> before = baseline();
    const std::shared_ptr<Generation> generation = scene::created(scene::build("leaves_thread.c", "-DLEAVES_BUSY"));
    Library &library = *generation->library();
    void *begun = nullptr;
    REQUIRE(library.symbol("has_begun", &begun).is_ok());
    REQUIRE(generation->start(0).is_ok());
    REQUIRE(scene::wait_until([&] { return __atomic_load_n(static_cast<int *>(begun), __ATOMIC_ACQUIRE) == 1; }));
    const Residue residue = look(library, *before, {}, 20'000'000);
    REQUIRE(residue.threads.size() == 1);
    CHECK((residue.threads[0].is_running || contains(residue.threads[0].symbol, "leaves_thread_loop")));
    scene::function_of<void (*)()>(library, "join")();
    CHECK(scene::unload(generation).proven);
}

TEST_CASE("a hundred resting threads of the host, born before and after, are not taken for the library's") {
    // A false finding keeps a library for ever.
    const RestingThreads old(50);
    const std::unique_ptr<ResidueBaseline> before = baseline();
    const std::unique_ptr<Library> library = opened(scene::build("plain.c"));
    const RestingThreads young(50);
    for (int i = 0; i < 20; ++i) {
        const Residue residue = look(*library, *before);
        CHECK_MESSAGE(residue.is_empty(), residue.reason());
    }
    CHECK(library->close().proven);
}

TEST_CASE("a thread that called the library once and rests deep on the same stack is not inside when it is known") {
    // What the call left on the stack may lie in a frame that nobody has written to: such threads have a guard record.
    const std::unique_ptr<ResidueBaseline> before = baseline();
    const std::unique_ptr<Library> library = opened(scene::build("cxx_plain.cpp", "-fno-gnu-unique"));
    std::mutex mutex;
    std::condition_variable changed;
    int tid = 0;
    bool is_over = false;
    std::thread caller([&] {
        scene::function_of<int (*)()>(*library, "touch")();
        std::unique_lock<std::mutex> lock(mutex);
        tid = static_cast<int>(::gettid());
        changed.notify_all();
        changed.wait(lock, [&] { return is_over; });
    });
    {
        std::unique_lock<std::mutex> lock(mutex);
        changed.wait(lock, [&] { return tid != 0; });
    }
    CHECK(look(*library, *before, {tid}).is_empty());
    {
        const std::lock_guard<std::mutex> lock(mutex);
        is_over = true;
        changed.notify_all();
    }
    caller.join();
    CHECK(library->close().proven);
}

TEST_CASE("threads that come and go while it looks are no error") {
    const std::unique_ptr<ResidueBaseline> before = baseline();
    const std::unique_ptr<Library> library = opened(scene::build("plain.c"));
    std::atomic<bool> stop{false};
    std::thread churn([&] {
        while (!stop) {
            std::thread([] {}).join();
        }
    });
    int looks = 0;
    for (; looks < 50; ++looks) {
        const Residue residue = look(*library, *before);
        for (const LeftThread &thread : residue.threads) {
            CHECK(thread.is_running); // the churning thread may never be seen to rest; nobody is seen inside
        }
    }
    stop = true;
    churn.join();
    CHECK(looks == 50);
    CHECK(library->close().proven);
}

TEST_CASE("D08: handlers that point into the library are put back to what was there, and reported") {
    struct sigaction own {};
    own.sa_handler = before_handler;
    struct sigaction first {};
    REQUIRE(::sigaction(SIGUSR1, &own, &first) == 0);
    const std::shared_ptr<Generation> generation = scene::created(scene::build("leaves_handler.c"));
    REQUIRE(generation->start(0).is_ok());
    const Proof proof = scene::unload(generation);
    CHECK(!proof.proven); // the signal may be under way on another thread
    CHECK(contains(proof.reason, "SIGUSR1"));
    CHECK(contains(proof.reason, "signal " + std::to_string(SIGRTMIN + 3)));
    CHECK(contains(proof.reason, "put back"));
    CHECK(proof.symbol == "on_signal");
    struct sigaction now {};
    REQUIRE(::sigaction(SIGUSR1, nullptr, &now) == 0);
    CHECK((now.sa_handler == before_handler));
    REQUIRE(::sigaction(SIGRTMIN + 3, nullptr, &now) == 0);
    CHECK((now.sa_handler == SIG_DFL));
    REQUIRE(::sigaction(SIGUSR1, &first, nullptr) == 0);
    // Nothing points there any more: the next attempt gets it out.
    ControlThread control;
    const Proof later = Unload(generation).run(control, scene::in_seconds(5));
    CHECK_MESSAGE(later.proven, later.reason);
}

TEST_CASE("D07: a pthread key whose destructor is in the library keeps it until the key is deleted") {
    const std::shared_ptr<Generation> generation = scene::created(scene::build("leaves_key.c", "-pthread"));
    Library &library = *generation->library();
    REQUIRE(generation->start(0).is_ok());
    const Proof proof = scene::unload(generation);
    CHECK(!proof.proven); // any thread that has a value for it may end at any time
    CHECK(contains(proof.reason, "pthread key"));
    CHECK(contains(proof.reason, "delete the key in destroy"));
    CHECK(proof.symbol == "end_of_thread");
    scene::function_of<void (*)()>(library, "delete_key")();
    ControlThread control;
    const Proof later = Unload(generation).run(control, scene::in_seconds(5));
    CHECK_MESSAGE(later.proven, later.reason);
}

TEST_CASE("keys of the host, in use and deleted, are left alone") {
    pthread_key_t kept{};
    pthread_key_t deleted{};
    REQUIRE(pthread_key_create(&kept, [](void *) {}) == 0);
    REQUIRE(pthread_key_create(&deleted, [](void *) {}) == 0);
    REQUIRE(pthread_key_delete(deleted) == 0);
    const std::unique_ptr<ResidueBaseline> before = baseline();
    const std::unique_ptr<Library> library = opened(scene::build("plain.c"));
    CHECK(look(*library, *before).keys.empty());
    CHECK(library->close().proven);
    REQUIRE(pthread_key_delete(kept) == 0);
}

TEST_CASE("handlers of the host are left alone") {
    struct sigaction own {};
    own.sa_handler = before_handler;
    struct sigaction first {};
    const std::unique_ptr<ResidueBaseline> before = baseline();
    const std::unique_ptr<Library> library = opened(scene::build("plain.c"));
    REQUIRE(::sigaction(SIGUSR2, &own, &first) == 0); // set after the library was mapped, and not by it
    CHECK(look(*library, *before).handlers.empty());
    struct sigaction now {};
    REQUIRE(::sigaction(SIGUSR2, &first, &now) == 0);
    CHECK((now.sa_handler == before_handler));
    CHECK(library->close().proven);
}
