// What a crash report is made of: a list that is read without a lock, functions named from an image's bytes, and whose
// crash it is. Whole reports, by processes that die, are in tests/faults/test_crashes.py.
#include <doctest/doctest.h>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>
#include <vector>

#include <hotgraft_core.h>

#include "crash.hpp"
#include "crash_images.hpp"
#include "crash_maps_posix.hpp"
#include "crash_report.hpp"
#include "generation_plain.hpp"

using namespace hotgraft;
using scene::contains;

namespace {

std::unique_ptr<Library> opened(const std::string &image) {
    std::unique_ptr<Library> library;
    const Status status = scene::open_library(image, &library);
    REQUIRE_MESSAGE(status.is_ok(), status.message());
    return library;
}

std::uintptr_t address_of(const Library &library, const char *name) {
    void *address = nullptr;
    REQUIRE(library.symbol(name, &address).is_ok());
    return reinterpret_cast<std::uintptr_t>(address);
}

std::size_t read_nothing(std::uintptr_t, void *, std::size_t) noexcept {
    return 0;
}

const std::atomic<Stage> active{Stage::kActive};

} // namespace

TEST_CASE("numbers are written without the C library, and what does not fit is cut") {
    CrashText text;
    text.add("a ").add_number(0).add(" ").add_number(18446744073709551615u).add(" ").add_hex(0xDEADBEEF).add(nullptr);
    CHECK(std::string(text.data()) == "a 0 18446744073709551615 0xdeadbeef");
    for (int i = 0; i < 10'000; ++i) {
        text.add("x");
    }
    CHECK(text.size() == std::strlen(text.data()));
    CHECK(text.size() < 10'000);
}

TEST_CASE("a function is named from the image's bytes, also where only its neighbours are") {
    const std::unique_ptr<Library> library = opened(scene::build("plain.c"));
    const std::uintptr_t entry = address_of(*library, "hotgraft_plugin_v1");
    const std::uint64_t address = entry - library->load_address();
    const CrashFunction function = CrashNames(library->facts()).find(address);
    CHECK(std::string(function.name) == "hotgraft_plugin_v1");
    CHECK(function.begin == address);
    CHECK(function.is_inside);
    CHECK(CrashNames(library->facts()).find(0).name == nullptr); // before all of them

    const std::unique_ptr<Library> stripped = opened(scene::build("plain.c", "-s"));
    const std::uint64_t there = address_of(*stripped, "hotgraft_plugin_v1") - stripped->load_address();
    const CrashFunction behind = CrashNames(stripped->facts()).find(there + 4096);
    CHECK(std::string(behind.name) == "hotgraft_plugin_v1");
    CHECK(!behind.is_inside);
    CHECK(library->close().proven);
    CHECK(stripped->close().proven);
}

TEST_CASE("symbol tables that do not lie inside the file are left out") {
    const std::unique_ptr<Library> library = opened(scene::build("plain.c"));
    const ImageFacts &facts = library->facts();
    std::vector<std::uint8_t> bytes(facts.bytes, facts.bytes + facts.file_bytes);
    for (std::size_t size = 0; size < bytes.size(); size += 97) {
        const std::vector<std::uint8_t> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
        ImageFacts less;
        less.bytes = cut.data();
        less.file_bytes = cut.size();
        (void)CrashNames(less).find(0x1000); // AddressSanitizer would tell
    }
    CHECK(library->close().proven);
}

TEST_CASE("a reader never meets an image that is gone, while images come and go") {
    const std::unique_ptr<Library> library = opened(scene::build("plain.c"));
    const std::uintptr_t inside = library->code().front().begin;
    CrashImages images;
    std::atomic<bool> is_done{false};
    std::vector<std::thread> threads;
    for (std::uint64_t number = 1; number <= 3; ++number) {
        threads.emplace_back([&, number] {
            while (!is_done) {
                CrashImage image(*library, {"plain", number, "1.0.0", "/plain.so", &active});
                REQUIRE(images.list(&image));
                const hotgraft_table *const table = reinterpret_cast<const hotgraft_table *>(&image);
                image.note_table(table, 1, "plain/1");
                images.unlist(&image);
            }
        });
    }
    std::uint64_t seen = 0;
    std::uint64_t with_tables = 0;
    while (seen < 2'000 || with_tables == 0) {
        if (!images.begin_reading(1)) {
            continue;
        }
        const CrashImage *const image = images.find_code(inside);
        if (image != nullptr) {
            ++seen;
            REQUIRE(image->plugin == "plain");
            REQUIRE(image->source == "/plain.so");
            const CrashTable *const table = image->tables.load(std::memory_order_acquire);
            with_tables += table != nullptr && table->interface == "plain/1" ? 1u : 0u;
            (void)images.find_serving("plain"); // it may have been unlisted meanwhile
        }
        images.end_reading();
        std::this_thread::yield();
    }
    is_done = true;
    for (std::thread &thread : threads) {
        thread.join();
    }
    CHECK(images.find(inside) == nullptr);
    CHECK(library->close().proven);
}

TEST_CASE("an image that is about to be mapped is found where the loader put it") {
    const std::unique_ptr<Library> library = opened(scene::build("plain.c"));
    CrashImages images;
    CrashImage image(library->staged(), library->facts(), {"plain", 1, "", "", &active});
    REQUIRE(images.list(&image));
    const std::uintptr_t entry = address_of(*library, "hotgraft_plugin_v1");
    CHECK(images.find(entry) == nullptr);
    images.place(&find_mapped_file);
    CHECK(images.find_code(entry) == &image);
    CHECK(image.load_address == library->load_address());
    std::uint64_t offset = 0;
    CHECK(find_file_at(entry, &offset) == library->staged().path);
    CHECK(find_file_at(0, &offset) == nullptr);
    images.unlist(&image);
    CHECK(library->close().proven);
}

TEST_CASE("of two images that claim an address the one listed last is there") {
    const std::unique_ptr<Library> library = opened(scene::build("plain.c"));
    CrashImages images;
    CrashImage older(*library, {"plain", 1, "", "", &active});
    CrashImage newer(*library, {"plain", 2, "", "", &active});
    REQUIRE(images.list(&older));
    REQUIRE(images.list(&newer));
    CHECK(images.find(library->range().begin) == &newer);
    images.unlist(&newer);
    CHECK(images.find(library->range().begin) == &older);
    images.unlist(&older);
    CHECK(library->close().proven);
}

TEST_CASE("a crash is a plugin's by its program counter or by what the thread holds, and else nobody's") {
    const std::unique_ptr<Library> library = opened(scene::build("plain.c"));
    CrashImages &images = CrashImages::instance();
    CrashImage image(*library, {"plain", 3, "1.2.0", "/there/plain.so", &active});
    REQUIRE(images.list(&image));
    REQUIRE(images.begin_reading(1));

    ThreadRecord record;
    CrashScene crash;
    crash.signal = "SIGSEGV";
    crash.found = "nothing is mapped at";
    crash.has_address = true;
    crash.chain = &record;
    crash.read = &read_nothing;
    CrashFindings findings;
    crash.pc = 1;
    examine(crash, &findings);
    CHECK(findings.image == nullptr);

    crash.pc = address_of(*library, "hotgraft_plugin_v1");
    examine(crash, &findings);
    CHECK(findings.image == &image);
    CHECK(findings.is_at_pc);
    CrashText text;
    describe(text, crash, findings, false);
    CHECK(contains(text.data(), "hotgraft: SIGSEGV in plugin plain, generation 3 (version 1.2.0, active): "
                                "nothing is mapped at 0x0\n  where: hotgraft_plugin_v1+0x0 (plain.so+"));

    hotgraft_table held{sizeof(hotgraft_table), 0, 3, nullptr, 0, 0};
    image.note_table(&held, 0, "plain/1");
    record.hot.entry[0] = &held;
    record.hot.depth = 1;
    crash.pc = 1;
    examine(crash, &findings);
    CHECK(findings.image == &image);
    CHECK(!findings.is_at_pc);
    text.clear();
    describe(text, crash, findings, false);
    CHECK(contains(text.data(), "SIGSEGV in code called by plugin plain, generation 3"));
    CHECK(contains(text.data(), "call: plain/1 of plain, generation 3\n"));

    images.end_reading();
    images.unlist(&image);
    CHECK(library->close().proven);
}

TEST_CASE("a C host's crash in a plugin is told on the fd it chose, in a forked child too") {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        (void)::signal(SIGSEGV, SIG_DFL); // not doctest's
        std::unique_ptr<Library> library;
        if (!CrashHandlers::install().is_ok() || !scene::open_library(scene::build("plain.c"), &library).is_ok()) {
            ::_exit(99);
        }
        CrashHandlers::report_to(ends[1]);
        CrashImage image(*library, {"plain", 1, "", "/there/plain.so", &active});
        (void)CrashImages::instance().list(&image);
        const AddressRange &code = library->code().front();
        void *entry = nullptr;
        (void)library->symbol("hotgraft_plugin_v1", &entry);
        const std::uintptr_t page = code.begin & ~std::uintptr_t{4095};
        (void)::mprotect(reinterpret_cast<void *>(page), code.end - page, PROT_READ);
        reinterpret_cast<const void *(*)(std::uint32_t)>(entry)(0);
        ::_exit(98);
    }
    ::close(ends[1]);
    std::string said;
    char part[512];
    for (ssize_t got = 0; (got = ::read(ends[0], part, sizeof part)) > 0;) {
        said.append(part, static_cast<std::size_t>(got));
    }
    ::close(ends[0]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(!(WIFEXITED(status) && (WEXITSTATUS(status) == 98 || WEXITSTATUS(status) == 99)));
    CHECK(WTERMSIG(status) == SIGSEGV);
    CHECK_MESSAGE(contains(said,
                           "hotgraft: SIGSEGV in plugin plain, generation 1 (active): what is mapped there may not "
                           "be used so: 0x"),
                  said);
    CHECK_MESSAGE(contains(said, "where: hotgraft_plugin_v1+0x0 (plain.so+"), said);
}

TEST_CASE("the C API refuses an error of no size, and takes an fd") {
    CHECK(hotgraft_core_report_crashes(-1, nullptr) == HOTGRAFT_CORE_OK);
    CHECK(CrashHandlers::are_installed());
    hotgraft_error error{};
    CHECK(hotgraft_core_report_crashes(2, &error) == HOTGRAFT_CORE_INVALID);
    CrashHandlers::report_to(-1);
}
