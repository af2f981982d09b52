// The ABI's layout, held by static assertions (abi_layout.h) in this C++17 file and in C11, with both compilers.
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "abi_layout.h"
#include "record.hpp"
#include "slot.hpp"

namespace {

bool compiles(const std::string &compiler, const std::string &options) {
    const std::string command =
        compiler + " " + options +
        " -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -fsyntax-only -I" HOTGRAFT_ABI_DIR
        " " HOTGRAFT_PLUGINS_DIR "/../native/abi_layout.h";
    CAPTURE(command);
    return std::system(command.c_str()) == 0;
}

bool is_there(const std::string &compiler) {
    return std::system(("command -v " + compiler + " >/dev/null 2>&1").c_str()) == 0;
}

} // namespace

TEST_CASE("the headers compile without a warning as C11, C++17 and C++11 to the same layout") {
    int tried = 0;
    for (const char *compiler : {"cc", "gcc", "clang", "clang-14"}) {
        if (is_there(compiler)) {
            CHECK(compiles(compiler, "-x c -std=c11"));
            CHECK(compiles(compiler, "-x c++ -std=c++17"));
            CHECK(compiles(compiler, "-x c++ -std=c++11"));
            ++tried;
        }
    }
    CHECK(tried > 0);
}

TEST_CASE("a wrong layout does not compile: the assertions are really looked at") {
    CHECK(compiles("cc", "-x c -std=c11"));
    CHECK(!compiles("cc", "-x c -std=c11 -DHOTGRAFT_TESTS_WRONG_LAYOUT 2>/dev/null"));
}

TEST_CASE("the host's own record and slot begin with what crosses") {
    CHECK(offsetof(hotgraft::ThreadRecord, hot) == 0);
    CHECK(offsetof(hotgraft::ThreadRecord, hot_counters) == 128);
    hotgraft::ThreadRecord record;
    CHECK(reinterpret_cast<char *>(hotgraft_counter(&record.hot, 3)) == reinterpret_cast<char *>(&record) + 144 + 24);
    CHECK(hotgraft_counter(&record.hot, hotgraft::kMeters) == record.hot_counters.calls + hotgraft::kMeters);
    CHECK(alignof(hotgraft::ThreadRecord) == 128);
    CHECK(alignof(hotgraft::Slot) == 64);
}
