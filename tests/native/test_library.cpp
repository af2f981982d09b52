// A library is what the staged copy says, only its own symbols are taken, and its leaving is proven or its staying
// named.
#include <doctest/doctest.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "generation_scene.hpp"
#include "library_maps_posix.hpp"

using namespace hotgraft;
using scene::contains;

namespace {

// As somebody else than the core sees it.
bool is_in_maps(const std::string &path) {
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        if (contains(line, path)) {
            return true;
        }
    }
    return false;
}

std::unique_ptr<Library> opened(const std::string &image) {
    std::unique_ptr<Library> library;
    const Status status = scene::open_library(image, &library);
    REQUIRE_MESSAGE(status.is_ok(), status.message());
    return library;
}

} // namespace

TEST_CASE("a library is mapped from its staged copy, leaves by proof, and takes the copy with it") {
    const std::unique_ptr<Library> library = opened(scene::build("plain.c"));
    const std::string path = library->staged().path;
    CHECK(is_in_maps(path));
    CHECK(library->descriptor() != nullptr);
    CHECK(library->range().contains(reinterpret_cast<std::uintptr_t>(library->descriptor())));

    const Proof proof = library->close();
    CHECK_MESSAGE(proof.proven, proof.reason);
    CHECK(!is_in_maps(path));
    CHECK(::access(path.c_str(), F_OK) != 0);
    CHECK(library->prove().proven); // and stays proven
}

TEST_CASE("two generations of one image live side by side with data of their own") {
    // The same path or inode twice would be one library.
    const std::unique_ptr<Library> first = opened(scene::build("hangs.c"));
    const std::unique_ptr<Library> second = opened(scene::build("hangs.c"));
    void *a = nullptr;
    void *b = nullptr;
    REQUIRE(first->symbol("let_go", &a).is_ok());
    REQUIRE(second->symbol("let_go", &b).is_ok());
    CHECK(a != b);
    CHECK(first->close().proven);
    CHECK(second->close().proven);
}

TEST_CASE("a symbol that another object of the process defines is refused, with where it was found") {
    // A host program that exports a plugin's function name would otherwise be called instead of the plugin.
    const std::unique_ptr<Library> library = opened(scene::build("plain.c"));
    void *address = nullptr;
    Status status = library->symbol("malloc", &address);
    CHECK(status.code() == Code::kRefused);
    CHECK(contains(status.message(), "outside the library"));
    status = library->symbol("no_such_thing", &address);
    CHECK(status.code() == Code::kRefused);
    CHECK(contains(status.message(), "no symbol \"no_such_thing\""));
    CHECK(address == nullptr);
    CHECK(library->close().proven);
}

TEST_CASE("a staged copy that is mapped already is not taken for a new library") {
    // The loader would answer with the old handle; two owners would close one library.
    Staged staged;
    ImageFacts facts;
    REQUIRE(stage(scene::wish_for(scene::build("plain.c")), &staged, &facts).is_ok());
    std::unique_ptr<Library> first;
    std::unique_ptr<Library> second;
    REQUIRE(Library::open(staged, facts, &first).is_ok());
    Status status = Library::open(staged, facts, &second);
    CHECK(status.code() == Code::kRefused);
    CHECK(contains(status.message(), "mapped already"));

    // By another name, but the same inode: the loader says whom it takes it for.
    Staged linked = staged;
    linked.path += ".link.so";
    REQUIRE(::link(staged.path.c_str(), linked.path.c_str()) == 0);
    status = Library::open(linked, facts, &second);
    CHECK(status.code() == Code::kRefused);
    CHECK(contains(status.message(), staged.path));
    CHECK(second == nullptr);
    CHECK(::unlink(linked.path.c_str()) == 0);
    CHECK(first->close().proven);
}

TEST_CASE("a staged copy that was replaced by another file is not what was checked, and is refused") {
    // Equal bytes even: what counts is that nobody looked at that inode.
    Staged staged;
    ImageFacts facts;
    REQUIRE(stage(scene::wish_for(scene::build("plain.c")), &staged, &facts).is_ok());
    std::filesystem::copy_file(scene::build("plain.c"), staged.path + ".new");
    std::filesystem::rename(staged.path + ".new", staged.path);
    std::unique_ptr<Library> library;
    const Status status = Library::open(staged, facts, &library);
    CHECK(status.code() == Code::kRefused);
    CHECK(contains(status.message(), "inode"));
    CHECK(library == nullptr);
    CHECK(!is_in_maps(staged.path));
}

TEST_CASE("C06: a descriptor that changes while the image is loaded is found") {
    // A constructor ran by then; what counts is that nothing more of it does.
    std::unique_ptr<Library> library;
    const Status status = scene::open_library(scene::build("descriptor_changed_at_load.c"), &library);
    CHECK(status.code() == Code::kRefused);
    CHECK(contains(status.message(), "descriptor in memory differs"));
    CHECK(library == nullptr);
}

TEST_CASE("E14: a library linked with nodelete stays, and the proof says so") {
    const std::unique_ptr<Library> library = opened(scene::build("plain.c", "-Wl,-z,nodelete"));
    const Proof proof = library->close();
    CHECK(!proof.proven);
    CHECK(contains(proof.reason, "nodelete"));
    CHECK(is_in_maps(library->staged().path));
    CHECK(::access(library->staged().path.c_str(), F_OK) == 0); // kept: debuggers need it
}

TEST_CASE("E14: a unique symbol keeps a C++ library, and the proof names it") {
    const std::unique_ptr<Library> library = opened(scene::build("cxx_unique.cpp"));
    scene::function_of<int (*)()>(*library, "touch")();
    const Proof proof = library->close();
    CHECK(!proof.proven);
    CHECK(contains(proof.reason, "STB_GNU_UNIQUE"));
    CHECK(contains(proof.reason, "-fno-gnu-unique"));
    CHECK(!proof.symbol.empty());
    CHECK(contains(proof.reason, proof.symbol));

    const std::unique_ptr<Library> mended = opened(scene::build("cxx_unique.cpp", "-fno-gnu-unique"));
    scene::function_of<int (*)()>(*mended, "touch")();
    CHECK(mended->close().proven); // the advice in the message works
}

TEST_CASE("D07: a pending thread_local destructor keeps a library until its thread has ended") {
    std::unique_ptr<Library> library = opened(scene::build("cxx_thread_local.cpp", "-fno-gnu-unique"));
    std::mutex mutex;
    std::condition_variable changed;
    bool has_touched = false;
    bool may_end = false;
    std::thread toucher([&] {
        scene::function_of<int (*)()>(*library, "touch")();
        std::unique_lock<std::mutex> lock(mutex);
        has_touched = true;
        changed.notify_all();
        changed.wait(lock, [&] { return may_end; });
    });
    {
        std::unique_lock<std::mutex> lock(mutex);
        changed.wait(lock, [&] { return has_touched; });
    }
    const Proof proof = library->close();
    CHECK(!proof.proven);
    CHECK(contains(proof.reason, "thread_local"));
    {
        const std::lock_guard<std::mutex> lock(mutex);
        may_end = true;
        changed.notify_all();
    }
    toucher.join();
    // The loader collects what has become free when the next library leaves.
    CHECK(opened(scene::build("plain.c"))->close().proven);
    const Proof later = library->prove();
    CHECK_MESSAGE(later.proven, later.reason);
}

TEST_CASE("a handle that somebody else holds keeps a library, and the proof does not guess") {
    const std::unique_ptr<Library> library = opened(scene::build("plain.c"));
    void *const other = ::dlopen(library->staged().path.c_str(), RTLD_NOW | RTLD_NOLOAD);
    REQUIRE(other != nullptr);
    const Proof proof = library->close();
    CHECK(!proof.proven);
    CHECK(contains(proof.reason, "holds a handle"));
    CHECK(::dlclose(other) == 0);
    CHECK(library->prove().proven);
}

TEST_CASE("a piece that stays mapped after the loader forgot the library is found in the map lines") {
    // Half of the proof alone would call it gone.
    const std::unique_ptr<Library> library = opened(scene::build("plain.c"));
    const int fd = ::open(library->staged().path.c_str(), O_RDONLY | O_CLOEXEC);
    REQUIRE(fd >= 0);
    void *const piece = ::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    REQUIRE(piece != MAP_FAILED);
    ::close(fd);
    const Proof proof = library->close();
    CHECK(!proof.proven);
    CHECK(contains(proof.reason, "still mapped"));
    ::munmap(piece, 4096);
    CHECK(library->prove().proven);
}

TEST_CASE("an fd that is open on the staged copy is no mapping") {
    // The lease is refused then; the map lines have the last word.
    const std::unique_ptr<Library> library = opened(scene::build("plain.c"));
    const int fd = ::open(library->staged().path.c_str(), O_RDONLY | O_CLOEXEC);
    REQUIRE(fd >= 0);
    CHECK(ask_open_state(library->staged().path) != OpenState::kNowhere);
    CHECK(library->close().proven);
    ::close(fd);
}

TEST_CASE("the three ways of asking the kernel agree, for a mapped file and for one that is not") {
    Staged staged;
    const std::unique_ptr<Library> library = [&] {
        std::unique_ptr<Library> made;
        REQUIRE(scene::open_library(scene::build("plain.c"), &made, &staged).is_ok());
        return made;
    }();
    FileIdentity file;
    REQUIRE(identity_of_file(staged, &file).is_ok());
    for (const MapsWay way : {MapsWay::kBest, MapsWay::kQuery, MapsWay::kText}) {
        FileIdentity at;
        AddressRange line;
        const Status status = identity_at(library->range().begin, &at, way);
        if (way == MapsWay::kQuery && !status.is_ok()) {
            MESSAGE("this kernel has no PROCMAP_QUERY: ", status.message());
            continue;
        }
        REQUIRE(status.is_ok());
        CHECK(at == file);
        REQUIRE(find_line_of(file, &line, way).is_ok());
        CHECK(line.begin == library->range().begin);
        REQUIRE(find_line_of({file.dev_major, file.dev_minor, file.ino + 1'000'000'000}, &line, way).is_ok());
        CHECK(line.begin == 0);
    }
    CHECK(ask_open_state(staged.path) != OpenState::kNowhere);
    CHECK(library->close().proven);
}

TEST_CASE("E12: what the loader refuses is told in its words, and nothing stays mapped") {
    std::unique_ptr<Library> library;
    Staged staged;
    const Status status = scene::open_library(scene::build("symbol_missing.c"), &library, &staged);
    CHECK(status.code() == Code::kRefused);
    CHECK(contains(status.message(), "nobody_defines_this"));
    CHECK(!is_in_maps(staged.path));
    CHECK(remove_staged(staged).is_ok());
}

TEST_CASE("libgomp becomes resident before the plugin that needs it, and outlives it") {
    // Its threads run on after the plugin: unmapping it crashes them.
    if (is_in_maps("libgomp")) {
        MESSAGE("libgomp is part of this process already: nothing to see");
        return;
    }
    const std::unique_ptr<Library> library = opened(scene::build("uses_openmp.c", "-fopenmp"));
    CHECK(is_in_maps("libgomp"));
    CHECK(scene::function_of<int (*)(int)>(*library, "touch")(1000) == 499500);
    const Proof proof = library->close();
    CHECK_MESSAGE(proof.proven, proof.reason);
    CHECK(is_in_maps("libgomp"));
}

TEST_CASE("plain C++ stays for ever where libstdc++ comes after it, and leaves where it was resident first") {
    // The hazard and what mends it, in a process that has no libstdc++ of its own.
    const std::string program = scene::build("cxx_before_libstdcxx.c", "", true);
    const std::string library = scene::build("cxx_plain.cpp", "-fno-gnu-unique");
    const auto run = [&](const std::string &more) {
        const int result = std::system((program + " " + library + more).c_str());
        return WIFEXITED(result) ? WEXITSTATUS(result) : -1;
    };
    CHECK(run("") == 3);          // control: without the mitigation it stays
    CHECK(run(" resident") == 0); // with it, it leaves
}

TEST_CASE("a C++ library loaded by the core leaves") {
    const std::unique_ptr<Library> library = opened(scene::build("cxx_plain.cpp", "-fno-gnu-unique"));
    CHECK(scene::function_of<int (*)()>(*library, "touch")() == 2);
    const Proof proof = library->close();
    CHECK_MESSAGE(proof.proven, proof.reason);
}

TEST_CASE("an address is named by the function it lies in") {
    const std::unique_ptr<Library> library = opened(scene::build("leaves_thread.c"));
    void *address = nullptr;
    REQUIRE(library->symbol("leaves_thread_loop", &address).is_ok());
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    CHECK(library->name_of(at) == "leaves_thread_loop");
    CHECK(library->name_of(at + 4) == "leaves_thread_loop+0x4");
    CHECK(contains(library->name_of(library->range().begin), ".so+0x0"));
    CHECK(library->holds_code(at));
    CHECK(!library->holds_code(library->range().begin));
    CHECK(library->close().proven);
}

namespace {

// The fds of this process that are its maps file.
std::vector<int> maps_fds() {
    const std::string maps = "/proc/" + std::to_string(::getpid()) + "/maps";
    std::vector<int> found;
    for (int fd = 0; fd < 256; ++fd) {
        char target[64];
        const ssize_t length = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), target, sizeof target);
        if (length > 0 && std::string(target, static_cast<std::size_t>(length)) == maps) {
            found.push_back(fd);
        }
    }
    return found;
}

} // namespace

TEST_CASE("one maps file is kept open while libraries are mapped, and none afterwards") {
    REQUIRE(maps_fds().empty());
    const std::unique_ptr<Library> first = opened(scene::build("plain.c"));
    const std::unique_ptr<Library> second = opened(scene::build("plain.c"));
    FileIdentity found;
    const bool can_query = // or nothing is kept
        identity_at(first->range().begin, &found, MapsWay::kQuery).is_ok();
    CHECK(maps_fds().size() == (can_query ? 1 : 0));
    CHECK(second->close().proven);
    CHECK(maps_fds().size() == (can_query ? 1 : 0));
    CHECK(first->close().proven);
    CHECK(maps_fds().empty());
}

TEST_CASE("a kept maps file that somebody closed is not asked, and whatever has its number now is left alone") {
    const std::unique_ptr<Library> library = opened(scene::build("plain.c"));
    const std::vector<int> kept = maps_fds();
    if (!kept.empty()) {
        const int other = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
        REQUIRE(::dup3(other, kept.front(), O_CLOEXEC) == kept.front());
        ::close(other);
    }
    FileIdentity found;
    CHECK(identity_at(library->range().begin, &found).is_ok());
    CHECK(found == identity_from_stat(library->staged().dev, library->staged().ino));
    CHECK(library->close().proven);
    CHECK(maps_fds().empty());
    if (!kept.empty()) {
        CHECK(::close(kept.front()) == 0); // still the other file's
    }
}

TEST_CASE("a forked child asks for its own maps, not for those of its parent that it has inherited") {
    const std::unique_ptr<Library> library = opened(scene::build("plain.c"));
    const pid_t child = ::fork();
    if (child == 0) {
        const FileIdentity file = identity_from_stat(library->staged().dev, library->staged().ino);
        for (const AddressRange &range : library->code()) {
            (void)::munmap(reinterpret_cast<void *>(range.begin & ~std::uintptr_t{4095}), 4096);
        }
        FileIdentity found;
        const bool is_right = identity_at(library->code().front().begin, &found).is_ok();
        ::_exit(is_right && !(found == file) ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK(library->close().proven);
}

TEST_CASE("a hundred loads leave no line, no file and no fd behind") {
    const std::string image = scene::build("plain.c");
    CHECK(opened(image)->close().proven);
    const std::size_t files = scene::staged_files();
    const std::size_t fds = scene::count_of("/proc/self/fd");
    for (int i = 0; i < 100; ++i) {
        const std::unique_ptr<Library> library = opened(image);
        CHECK(library->close().proven);
        CHECK(!is_in_maps(library->staged().path));
    }
    CHECK(scene::staged_files() == files);
    CHECK(scene::count_of("/proc/self/fd") == fds);
}
