// What the host offers a plugin: a log that never blocks, memory that is counted, leases with their reasons.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include <hotgraft/call.h>
#include <hotgraft/serving.h>

#include "generation_scene.hpp"
#include "generation_text.hpp"
#include "log_ring.hpp"
#include "services.hpp"

using namespace hotgraft;
using scene::contains;

namespace {

struct Scene {
    LogRing log{64};
    GenerationBooks books;
    Services services{log, books, {"gain", "left", 3}};
    const hotgraft_host *host = services.host();

    void *get(std::uint64_t bytes, std::uint64_t align = 0) { return host->realloc(host->ctx, nullptr, bytes, align); }
    void *resize(void *block, std::uint64_t bytes, std::uint64_t align = 0) {
        return host->realloc(host->ctx, block, bytes, align);
    }
};

bool is_aligned(const void *block, std::uint64_t align) {
    return reinterpret_cast<std::uintptr_t>(block) % align == 0;
}

} // namespace

TEST_CASE("the host's table says its size, version, protocol and offers every function") {
    const Scene scene;
    CHECK(scene.host->struct_size == sizeof(hotgraft_host));
    CHECK(scene.host->abi_minor == HOTGRAFT_ABI_MINOR);
    CHECK(scene.host->guard_protocol == HOTGRAFT_GUARD_PROTOCOL);
    CHECK(scene.host->get_extension(scene.host->ctx, "hotgraft.threads/2") == nullptr);
    CHECK((scene.host->enter != nullptr));
    CHECK((scene.host->try_enter != nullptr));
    CHECK((scene.host->leave != nullptr));
}

TEST_CASE("memory is aligned as asked, keeps its bytes over a resize, and is counted until it is freed") {
    Scene scene;
    auto *block = static_cast<char *>(scene.get(100));
    CHECK(is_aligned(block, 16));
    CHECK(scene.books.ledger->live_bytes() == 100);
    std::memset(block, 7, 100);
    block = static_cast<char *>(scene.resize(block, 100'000));
    CHECK(std::count(block, block + 100, 7) == 100);
    CHECK(scene.books.ledger->live_bytes() == 100'000);
    block = static_cast<char *>(scene.resize(block, 50, 4096)); // moved to a wider alignment, and smaller
    CHECK(is_aligned(block, 4096));
    CHECK(std::count(block, block + 50, 7) == 50);
    block = static_cast<char *>(scene.resize(block, 70)); // keeps the alignment it was given
    CHECK(is_aligned(block, 4096));
    CHECK(scene.books.ledger->live_bytes() == 70);
    CHECK(Ledger::block_bytes(block) == 70);
    CHECK(scene.resize(block, 0) == nullptr);
    CHECK(scene.books.ledger->live_bytes() == 0);
    CHECK(scene.books.ledger->live_blocks() == 0);
    CHECK(scene.resize(nullptr, 0) == nullptr);
}

TEST_CASE("what cannot be had is NULL and costs nothing: an odd alignment, more than there is") {
    Scene scene;
    void *const block = scene.get(64);
    CHECK(scene.get(64, 24) == nullptr);
    CHECK(scene.resize(block, std::uint64_t{1} << 60) == nullptr);
    CHECK(scene.get(~std::uint64_t{0}) == nullptr);
    CHECK(Ledger::block_bytes(block) == 64); // the old block is untouched
    CHECK(scene.books.ledger->live_bytes() == 64);
    scene.resize(block, 0);
}

TEST_CASE("memory that is not the host's is neither freed nor resized") {
    // Freed by the wrong side, it would take the heap down.
    Scene scene;
    alignas(16) char own[128] = {};
    CHECK(scene.resize(own + 64, 32) == nullptr);
    Ledger::free_block(own + 64);
    CHECK(Ledger::block_bytes(own + 64) == 0);
}

TEST_CASE("a block that changes hands is billed to who has it, and outlives who made it") {
    auto first = std::make_unique<Scene>();
    Scene second;
    void *const block = first->get(1000);
    Ledger::hand_over(block, second.books.ledger);
    CHECK(first->books.ledger->live_bytes() == 0);
    CHECK(second.books.ledger->live_bytes() == 1000);
    void *const orphan = first->get(10);
    first.reset();
    Ledger::free_block(orphan); // its ledger lives as long as the block
    void *const grown = second.resize(block, 2000);
    CHECK(grown != nullptr);
    Ledger::free_block(nullptr);
    CHECK(second.books.ledger->live_bytes() == 2000);
    Ledger::free_block(grown);
    CHECK(second.books.ledger->live_bytes() == 0);
}

TEST_CASE("ten thousand random sizes and alignments, in random order, add up") {
    Scene scene;
    std::mt19937 random(11);
    struct Block {
        unsigned char *data;
        std::uint64_t bytes;
        unsigned char mark;
    };
    std::vector<Block> blocks;
    std::uint64_t total = 0;
    for (int i = 0; i < 10'000; ++i) {
        const std::uint64_t bytes = 1 + random() % 3000;
        const std::uint64_t align = std::uint64_t{1} << (random() % 10);
        if (blocks.empty() || random() % 3 == 0) {
            Block block{static_cast<unsigned char *>(scene.get(bytes, align)), bytes, static_cast<unsigned char>(i)};
            REQUIRE(block.data != nullptr);
            CHECK(is_aligned(block.data, align));
            std::memset(block.data, block.mark, bytes);
            blocks.push_back(block);
            total += bytes;
        } else {
            Block &block = blocks[random() % blocks.size()];
            const std::uint64_t kept = std::min(bytes, block.bytes);
            total += bytes - block.bytes;
            block.data = static_cast<unsigned char *>(scene.resize(block.data, bytes, align));
            REQUIRE(block.data != nullptr);
            CHECK(std::count(block.data, block.data + kept, block.mark) == static_cast<std::ptrdiff_t>(kept));
            std::memset(block.data, block.mark, bytes);
            block.bytes = bytes;
        }
        if (random() % 4 == 0) {
            total -= blocks.back().bytes;
            scene.resize(blocks.back().data, 0);
            blocks.pop_back();
        }
        CHECK(scene.books.ledger->live_bytes() == total);
    }
    for (const Block &block : blocks) {
        scene.resize(block.data, 0);
    }
    CHECK(scene.books.ledger->live_bytes() == 0);
}

TEST_CASE("a log line arrives with where it came from; what is not UTF-8 is replaced and what is long is cut") {
    Scene scene;
    scene.host->log(scene.host->ctx, HOTGRAFT_LOG_INFO, "hello\xFF!", 7);
    const std::string text(2000, 'x');
    scene.host->log(scene.host->ctx, HOTGRAFT_LOG_ERROR, text.data(), text.size());
    scene.host->log(scene.host->ctx, HOTGRAFT_LOG_ERROR, nullptr, 0);
    std::vector<LogLine> lines;
    REQUIRE(scene.log.drain(&lines) == 3);
    CHECK(lines[0].text == "hello\xEF\xBF\xBD!");
    CHECK(lines[0].plugin == "gain");
    CHECK(lines[0].instance == "left");
    CHECK(lines[0].generation == 3);
    CHECK(lines[0].level == HOTGRAFT_LOG_INFO);
    CHECK(!lines[0].is_cut);
    CHECK(lines[1].text == std::string(kLogTextBytes, 'x'));
    CHECK(lines[1].is_cut);
    CHECK(lines[2].text.empty());
    CHECK(lines[0].time_ns <= lines[1].time_ns);
    CHECK(scene.log.drain(&lines) == 0);
}

TEST_CASE("a full ring drops the new lines, counts them, and goes on afterwards") {
    Scene scene;
    for (int i = 0; i < 100; ++i) {
        const std::string text = std::to_string(i);
        scene.host->log(scene.host->ctx, HOTGRAFT_LOG_INFO, text.data(), text.size());
    }
    CHECK(scene.log.dropped() == 36);
    std::vector<LogLine> lines;
    CHECK(scene.log.drain(&lines) == 64);
    CHECK(lines.front().text == "0");
    CHECK(lines.back().text == "63");
    scene.host->log(scene.host->ctx, HOTGRAFT_LOG_INFO, "next", 4);
    lines.clear();
    CHECK(scene.log.drain(&lines) == 1);
    CHECK(lines[0].text == "next");
}

TEST_CASE("four writers and a reader lose nothing uncounted, mix no lines, and keep each writer's order") {
    LogRing ring(128);
    constexpr int kWriters = 4;
    constexpr int kLines = 20'000;
    std::atomic<int> running{kWriters};
    std::vector<std::thread> writers;
    for (int w = 0; w < kWriters; ++w) {
        writers.emplace_back([&, w] {
            const LogSource source{"writer", std::to_string(w), 1};
            for (int i = 0; i < kLines; ++i) {
                const std::string text = std::to_string(w) + ":" + std::to_string(i) + ":" + std::string(200, 'a');
                ring.write(source, HOTGRAFT_LOG_INFO, text);
            }
            --running;
        });
    }
    std::vector<LogLine> lines;
    while (running > 0) {
        ring.drain(&lines);
        std::this_thread::yield();
    }
    for (std::thread &writer : writers) {
        writer.join();
    }
    ring.drain(&lines);
    CHECK(lines.size() + ring.dropped() == std::size_t{kWriters} * kLines);
    std::vector<int> last(kWriters, -1);
    bool is_in_order = true;
    for (const LogLine &line : lines) {
        const int writer = std::stoi(line.instance);
        const std::size_t colon = line.text.find(':');
        const int number = std::stoi(line.text.substr(colon + 1));
        is_in_order = is_in_order && std::stoi(line.text) == writer &&
                      number > last[static_cast<std::size_t>(writer)] && line.text.size() > 200;
        last[static_cast<std::size_t>(writer)] = number;
    }
    CHECK(is_in_order);
}

TEST_CASE("leases are numbered, listed with their reason, and given back once") {
    Scene scene;
    const std::uint64_t first = scene.host->lease(scene.host->ctx, "call-back registered with audio server");
    const std::uint64_t second = scene.host->lease(scene.host->ctx, nullptr);
    CHECK(first != 0);
    CHECK(second != first);
    const std::vector<Lease> leases = scene.books.leases.list();
    REQUIRE(leases.size() == 2);
    CHECK(leases[0].why == "call-back registered with audio server");
    CHECK(leases[0].instance == "left");
    CHECK(leases[1].why == "no reason given");
    scene.host->unlease(scene.host->ctx, first);
    CHECK(scene.books.leases.count() == 1);
    CHECK(!scene.books.leases.remove(first));
    scene.host->unlease(scene.host->ctx, second);
    CHECK(scene.books.leases.count() == 0);
}

TEST_CASE("UTF-8 is told from what only looks like it") {
    for (const char *good :
         {"", "plain", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xED\x9F\xBF", "\xF4\x8F\xBF\xBF"}) {
        CHECK(is_utf8(good));
        CHECK(valid_utf8(good) == good);
    }
    for (const char *bad : {"\x80", "\xC0\xAF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80",
                            "\xF8\x88\x80\x80\x80", "\xE2\x82", "a\xC3"}) {
        CHECK(!is_utf8(bad));
        CHECK(is_utf8(valid_utf8(bad)));
    }
}

TEST_CASE("a plugin's thread is told when its generation serves, and waits no longer than it wants to") {
    Scene scene;
    const auto *serving =
        static_cast<const hotgraft_ext_serving *>(scene.host->get_extension(scene.host->ctx, HOTGRAFT_EXT_SERVING));
    REQUIRE((serving != nullptr));
    CHECK(serving->struct_size == sizeof(hotgraft_ext_serving));
    CHECK(serving->wait(scene.host->ctx, 1000) == HOTGRAFT_AGAIN);
    std::atomic<hotgraft_status> answer{HOTGRAFT_E_FAILED};
    std::thread waits([&] { answer = serving->wait(scene.host->ctx, UINT64_MAX); });
    scene.books.serving.set(true);
    waits.join();
    CHECK(answer == HOTGRAFT_OK);
    scene.books.serving.set(false);
    CHECK(serving->wait(scene.host->ctx, 0) == HOTGRAFT_AGAIN);
}
