// What the tests of a generation know of the plugin plain.c, and of what a plugin could leave behind.
#ifndef HOTGRAFT_TESTS_GENERATION_PLAIN_HPP
#define HOTGRAFT_TESTS_GENERATION_PLAIN_HPP

#include "generation_scene.hpp"

namespace scene {

inline hotgraft::InterfaceWish plain_wish() {
    hotgraft::InterfaceWish wish;
    wish.id = "plain/1";
    wish.version = 1u << 16;
    wish.declared_bytes = 24;
    return wish;
}

inline std::int64_t call(const hotgraft_table *table, std::int64_t a, std::int64_t b) {
    struct Plain {
        std::uint32_t struct_size;
        std::int64_t (*add)(void *, std::int64_t, std::int64_t);
    };
    return HOTGRAFT_INTERFACE(Plain, table)->add(table->self, a, b);
}

// What a process has that a plugin could leave behind.
struct Belongings {
    std::size_t fds = count_of("/proc/self/fd");
    std::size_t threads = count_of("/proc/self/task");
    std::size_t files = staged_files();
};

inline int *variable_of(hotgraft::Generation &generation, const char *name) {
    void *address = nullptr;
    REQUIRE(generation.library()->symbol(name, &address).is_ok());
    return static_cast<int *>(address);
}

} // namespace scene

#endif // HOTGRAFT_TESTS_GENERATION_PLAIN_HPP
