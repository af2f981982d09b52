// What the tests of the generation part share: a folder of their own, plugins compiled on the spot, a generation
// brought up in one line.
#ifndef HOTGRAFT_TESTS_GENERATION_SCENE_HPP
#define HOTGRAFT_TESTS_GENERATION_SCENE_HPP

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "control.hpp"
#include "generation.hpp"
#include "generation_unload.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kIsSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kIsSanitized = true;
#else
inline constexpr bool kIsSanitized = false;
#endif
#else
inline constexpr bool kIsSanitized = false;
#endif

namespace scene {

inline constexpr std::int64_t kSecond = 1'000'000'000;

inline std::int64_t in_seconds(std::int64_t seconds) {
    return hotgraft::monotonic_ns() + seconds * kSecond;
}

// A folder that is deleted with the process.
inline const std::filesystem::path &folder() {
    struct Folder {
        Folder() {
            std::string name = (std::filesystem::temp_directory_path() / "hotgraft-test-XXXXXX").string();
            REQUIRE(::mkdtemp(name.data()) != nullptr);
            path = name;
        }
        ~Folder() {
            std::error_code ignored;
            std::filesystem::remove_all(path, ignored);
        }
        std::filesystem::path path;
    };
    static const Folder the_folder;
    return the_folder.path;
}

// Compile tests/plugins/<source> with `flags`, once for each set of flags.
inline std::string build(const std::string &source, const std::string &flags = "", bool is_program = false) {
    static std::map<std::string, std::string> built;
    std::string &path = built[source + " " + flags];
    if (path.empty()) {
        path = (folder() / (source.substr(0, source.find('.')) + std::to_string(built.size()) + ".so")).string();
        const bool is_cxx = source.size() > 4 && source.substr(source.size() - 4) == ".cpp";
        const std::string command = std::string(is_cxx ? "c++ -std=c++17" : "cc -std=gnu11 -fvisibility=hidden") +
                                    (is_program ? "" : " -shared -fPIC") +
                                    " -O1 -I" HOTGRAFT_ABI_DIR " " HOTGRAFT_PLUGINS_DIR "/" + source + " " + flags +
                                    " -o " + path + (is_program ? " -ldl" : "");
        REQUIRE(std::system(command.c_str()) == 0);
    }
    return path;
}

inline std::uint64_t next_number() {
    static std::uint64_t number = 0;
    return ++number;
}

inline hotgraft::StagingWish wish_for(const std::string &image) {
    return {image, (folder() / "staged").string(), "plain", next_number()};
}

inline std::size_t staged_files() {
    const std::filesystem::path staged = folder() / "staged";
    if (!std::filesystem::exists(staged)) {
        return 0;
    }
    const std::filesystem::directory_iterator files(staged);
    return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

inline std::size_t count_of(const char *listing) {
    const std::filesystem::directory_iterator entries(listing);
    return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

// The staged copy as a library, without a generation around it.
inline hotgraft::Status open_library(const std::string &image, std::unique_ptr<hotgraft::Library> *out,
                                     hotgraft::Staged *staged_out = nullptr) {
    hotgraft::Staged staged;
    hotgraft::ImageFacts facts;
    if (hotgraft::Status status = hotgraft::stage(wish_for(image), &staged, &facts); !status.is_ok()) {
        return status;
    }
    if (staged_out != nullptr) {
        *staged_out = staged;
    }
    return hotgraft::Library::open(staged, facts, out);
}

template <class Function> Function function_of(const hotgraft::Library &library, const char *name) {
    void *address = nullptr;
    const hotgraft::Status status = library.symbol(name, &address);
    REQUIRE_MESSAGE(status.is_ok(), status.message());
    Function function = nullptr;
    std::memcpy(&function, &address, sizeof function);
    return function;
}

inline std::shared_ptr<hotgraft::Generation> made(const std::string &image) {
    std::shared_ptr<hotgraft::Generation> generation;
    const hotgraft::Status status = hotgraft::Generation::make(wish_for(image), &generation);
    REQUIRE_MESSAGE(status.is_ok(), status.message());
    return generation;
}

// Staged, mapped, one instance created.
inline std::shared_ptr<hotgraft::Generation> created(const std::string &image, const std::string &config = "{}") {
    std::shared_ptr<hotgraft::Generation> generation = made(image);
    hotgraft::Status status = generation->map();
    REQUIRE_MESSAGE(status.is_ok(), status.message());
    status = generation->create_instance("main", config);
    REQUIRE_MESSAGE(status.is_ok(), status.message());
    return generation;
}

inline hotgraft::Proof unload(const std::shared_ptr<hotgraft::Generation> &generation, std::int64_t budget_s = 5) {
    generation->mark_failed();
    hotgraft::ControlThread control;
    return hotgraft::Unload(generation).run(control, in_seconds(budget_s));
}

// Wait for something that another thread does; false when it has not come by the deadline.
template <class Condition> bool wait_until(const Condition &condition, std::int64_t seconds = 10) {
    const std::int64_t deadline_ns = in_seconds(seconds);
    while (!condition()) {
        if (hotgraft::monotonic_ns() > deadline_ns) {
            return false;
        }
        std::this_thread::yield();
    }
    return true;
}

inline bool contains(const std::string &text, const std::string &part) {
    return text.find(part) != std::string::npos;
}

} // namespace scene

#endif // HOTGRAFT_TESTS_GENERATION_SCENE_HPP
