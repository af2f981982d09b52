// The calling thread's records: the word in thread-local storage that leads to them, and what happens when a thread
// ends.
//
// The word is 8 bytes of initial-exec TLS, all the static TLS this library takes: a record itself would not fit where
// the library is loaded late. A plugin's import holds the word's distance from the thread pointer.
#include "crash.hpp"
#include "own_threads.hpp"
#include "record.hpp"
#include "stack_wipe.hpp"

#include <csignal>
#include <cstdio>

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace hotgraft {

namespace {

// Full from the start, so that a thread's first call takes the cold branch. Never written.
alignas(128) hotgraft_record full_record = {0, 0, {}};

__attribute__((tls_model("initial-exec"))) __thread hotgraft_record *thread_record = &full_record;

void set_first(ThreadRecord *record) noexcept {
    // volatile: a signal handler reads it, through hotgraft_record_at.
    *const_cast<hotgraft_record *volatile *>(&thread_record) = record != nullptr ? &record->hot : &full_record;
}

// Links of the chain must not be seen half moved by a handler's call on the same thread.
class SignalsBlocked {
public:
    SignalsBlocked() noexcept {
        sigset_t all;
        ::sigfillset(&all);
        (void)::pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~SignalsBlocked() { (void)::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    SignalsBlocked(const SignalsBlocked &) = delete;
    SignalsBlocked &operator=(const SignalsBlocked &) = delete;

private:
    sigset_t before_{};
};

void move_first(ThreadRecord *record) noexcept {
    ThreadRecord *const first = own_chain();
    if (first == record) {
        return;
    }
    ThreadRecord *before = first;
    while (before->older != record) {
        before = before->older;
    }
    before->older = record->older;
    record->older = first;
    set_first(record);
}

// An entry left by a thread that ended inside a guard tells for ever what it held; all else is for the next thread.
void give_back(ThreadRecord *record) noexcept {
    (void)clear_jumped_over(*record);
    if (record->hot.depth == 0) {
        forget(*record);
    } else {
        record->registered_by.store(0, std::memory_order_seq_cst);              // it has ended, which a join tells
        record->state.store(RecordState::kOrphaned, std::memory_order_release); // pairs with the drain's look at state
    }
}

extern "C" void hotgraft_end_of_thread(void * /*root*/) {
    wipe_dead_stack(); // while the record still says that this thread called: the search leaves it out
    ThreadRecord *record = own_chain();
    set_first(nullptr); // a destructor that runs after this one may call again: it claims anew and comes back here
    while (record != nullptr) {
        ThreadRecord *const older = record->older;
        give_back(record);
        record = older;
    }
}

// The key is made once and stays: this library is never unloaded.
bool note_end_of_thread(ThreadRecord *root) noexcept {
    struct Key {
        pthread_key_t key{};
        bool is_made = ::pthread_key_create(&key, &hotgraft_end_of_thread) == 0;
    };
    static Key key;
    return key.is_made && ::pthread_setspecific(key.key, root) == 0;
}

ThreadRecord *add_first(RecordList &records) noexcept {
    ThreadRecord *const record = records.claim();
    if (record == nullptr) {
        return nullptr;
    }
    ThreadRecord *const first = own_chain();
    record->root = first != nullptr ? first->root : record;
    record->older = first;
    record->tid.store(thread_id(), std::memory_order_relaxed);
    if (first != nullptr) {
        copy_registration(*first->root, record);
    }
    if (first == nullptr && !note_end_of_thread(record)) {
        forget(*record);
        return nullptr;
    }
    if (first == nullptr) {
        CrashHandlers::prepare_thread();
    }
    set_first(record);
    return record;
}

} // namespace

std::int64_t record_offset() noexcept {
    const char *thread_pointer = nullptr;
    __asm__("movq %%fs:0, %0" : "=r"(thread_pointer)); // the first word of the thread block is its own address
    return reinterpret_cast<const char *>(&thread_record) - thread_pointer;
}

ThreadRecord *own_chain() noexcept {
    return thread_record == &full_record ? nullptr : reinterpret_cast<ThreadRecord *>(thread_record);
}

ThreadRecord *own_place(RecordList &records) noexcept {
    ThreadRecord *const first = own_chain();
    if (first != nullptr && first->hot.depth < HOTGRAFT_RECORD_ENTRIES) {
        return first;
    }
    const SignalsBlocked blocked;
    for (ThreadRecord *record = own_chain(); record != nullptr; record = record->older) {
        if (record->hot.depth == 0) {
            move_first(record);
            return record;
        }
    }
    return add_first(records);
}

void put_first(ThreadRecord *record) noexcept {
    if (own_chain() != record) {
        const SignalsBlocked blocked;
        move_first(record);
    }
}

const void *thread_identity() noexcept {
    return &thread_record;
}

std::int32_t thread_id() noexcept {
    return static_cast<std::int32_t>(::syscall(SYS_gettid));
}

std::string thread_name(std::int32_t tid) {
    char path[64];
    char name[32] = {};
    (void)std::snprintf(path, sizeof path, "/proc/self/task/%d/comm", tid);
    std::FILE *const file = std::fopen(path, "re");
    if (file == nullptr) {
        return {};
    }
    const std::size_t got = std::fread(name, 1, sizeof name - 1, file);
    (void)std::fclose(file);
    return {name, got > 0 && name[got - 1] == '\n' ? got - 1 : got};
}

} // namespace hotgraft
