// What the tests of call-backs share: a library whose functions can be offered, and calls by number.
#ifndef HOTGRAFT_TESTS_CALLBACKS_SCENE_HPP
#define HOTGRAFT_TESTS_CALLBACKS_SCENE_HPP

#include <memory>

#include "callbacks.hpp"
#include "generation_plain.hpp"
#include "guard.hpp"

namespace scene {

// A library whose functions can be offered.
class Offered {
public:
    Offered() : generation_(created(build("plain.c"))) {
        REQUIRE(generation_->interface(0, plain_wish(), &functions, &self_).is_ok());
    }
    ~Offered() { CHECK(unload(generation_).proven); }
    Offered(const Offered &) = delete;
    Offered &operator=(const Offered &) = delete;

    // A book of its own, as of another generation of a plugin.
    [[nodiscard]] std::unique_ptr<hotgraft::CallbackBook> book(std::uint64_t generation,
                                                               const char *plugin = "plain") const {
        auto made = std::make_unique<hotgraft::CallbackBook>("folder", plugin, generation);
        made->belong_to(generation_->library());
        return made;
    }
    std::uint64_t offer(hotgraft::CallbackBook &book, const char *key = "heard", void *self = nullptr) const {
        return book.offer("main", key, 1U << 16, functions, self);
    }

    const void *functions = nullptr;

private:
    std::shared_ptr<hotgraft::Generation> generation_;
    void *self_ = nullptr;
};

inline const hotgraft_table *enter(std::uint64_t number) {
    return hotgraft::kCallbacks.enter(nullptr, number);
}

// The generation that a number leads to now; 0: none.
inline std::uint64_t generation_of(std::uint64_t number) {
    const hotgraft_table *const table = enter(number);
    if (table == nullptr) {
        return 0;
    }
    const std::uint64_t generation = table->generation;
    hotgraft::Guards::instance().leave(table);
    return generation;
}

} // namespace scene

#endif // HOTGRAFT_TESTS_CALLBACKS_SCENE_HPP
