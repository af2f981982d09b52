// pthread keys that a library leaves behind: the C library calls a key's destructor when a thread ends that has a value
// for it, whenever that is.
//
// POSIX lists no keys. glibc's table of them is found by its name, and believed only where a key that is made here
// stands in it as it should; elsewhere nothing is found.
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>

#include <cstddef>
#include <cstdint>

#include "residue_posix.hpp"

namespace hotgraft {

namespace {

// nptl/internaltypes.h: struct pthread_key_struct. The number is odd while the key is in use.
struct KeyEntry {
    std::uintptr_t number;
    void (*destructor)(void *);
};

void never_called(void *) {}

std::uintptr_t destructor_of(const KeyEntry &entry) noexcept {
    const std::uintptr_t number = __atomic_load_n(&entry.number, __ATOMIC_RELAXED);
    return number % 2 == 1 ? reinterpret_cast<std::uintptr_t>(__atomic_load_n(&entry.destructor, __ATOMIC_RELAXED)) : 0;
}

const KeyEntry *find_table() noexcept {
    const auto *const table = static_cast<const KeyEntry *>(::dlvsym(RTLD_DEFAULT, "__pthread_keys", "GLIBC_PRIVATE"));
    pthread_key_t key{};
    if (table == nullptr || ::pthread_key_create(&key, &never_called) != 0) {
        return nullptr;
    }
    const bool is_there = destructor_of(table[key]) == reinterpret_cast<std::uintptr_t>(&never_called);
    ::pthread_key_delete(key);
    return is_there && destructor_of(table[key]) == 0 ? table : nullptr;
}

} // namespace

std::vector<LeftKey> find_keys(const Library &library) {
    static const KeyEntry *const table = find_table();
    std::vector<LeftKey> left;
    for (unsigned key = 0; table != nullptr && key < PTHREAD_KEYS_MAX; ++key) {
        const std::uintptr_t destructor = destructor_of(table[key]);
        if (destructor != 0 && library.range().contains(destructor)) {
            left.push_back({key, library.name_of(destructor)});
        }
    }
    return left;
}

} // namespace hotgraft
