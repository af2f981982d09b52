// Staging: what is copied is what was checked, and nothing else is ever opened, waited for or left behind.
#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <thread>
#include <vector>

#include "generation_scene.hpp"
#include "trust_posix.hpp"

using namespace hotgraft;
using scene::contains;

namespace {

std::string read_file(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::string &path, const std::string &bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

std::string path_of(const char *name) {
    return (scene::folder() / name).string();
}

Status stage_now(const std::string &source, Staged *out, const char *folder = "staged") {
    return stage(source, path_of(folder), "gain", scene::next_number(), out);
}

} // namespace

TEST_CASE("the staged copy has the source's bytes, its hash, a name of its own and nobody else's write access") {
    // The bytes that were checked are the bytes that get mapped.
    const std::string image = scene::build("plain.c");
    Staged staged;
    ImageFacts facts;
    const StagingWish wish = {image, path_of("staged"), "gain", scene::next_number()};
    REQUIRE(stage(wish, &staged, &facts).is_ok());

    CHECK(read_file(staged.path) == read_file(image));
    CHECK(staged.bytes == std::filesystem::file_size(image));
    const std::string bytes = read_file(image);
    CHECK(staged.sha256 == sha256_of(bytes.data(), bytes.size()));
    CHECK(contains(staged.path,
                   "/gain.g" + std::to_string(wish.generation) + "." + hex_of(staged.sha256).substr(0, 8) + ".so"));
    struct stat file {};
    struct stat folder {};
    REQUIRE(::stat(staged.path.c_str(), &file) == 0);
    REQUIRE(::stat(path_of("staged").c_str(), &folder) == 0);
    CHECK((file.st_mode & 0777) == 0500);
    CHECK((folder.st_mode & 0777) == 0700);
    CHECK(file.st_ino == staged.ino);
    CHECK(file.st_dev == staged.dev);
    CHECK(file.st_nlink == 1);
    CHECK(facts.descriptor.has_value());
    CHECK(remove_staged(staged).is_ok());
    CHECK(::access(staged.path.c_str(), F_OK) != 0);
    CHECK(remove_staged(staged).is_ok()); // already gone counts as deleted
}

TEST_CASE("equal bytes staged twice, even under one number, are two inodes") {
    // A loader answers a known inode with the library it already has.
    const std::string image = scene::build("plain.c");
    Staged first;
    Staged second;
    const std::uint64_t number = scene::next_number();
    REQUIRE(stage(image, path_of("staged"), "gain", number, &first).is_ok());
    REQUIRE(stage(image, path_of("staged"), "gain", number, &second).is_ok());
    CHECK(first.ino != second.ino);
    CHECK(first.path != second.path);
    CHECK(remove_staged(first).is_ok());
    CHECK(remove_staged(second).is_ok());
}

TEST_CASE("F02: a FIFO, a folder, a device and a socket are refused without waiting") {
    const std::string fifo = path_of("fifo.so");
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    Staged staged;
    for (const std::string &path : {fifo, path_of("."), std::string("/dev/null")}) {
        const Status status = stage_now(path, &staged);
        CHECK(status.code() == Code::kRefused);
        CHECK(contains(status.message(), "not a regular file"));
        CHECK(settle(path, scene::in_seconds(3600)).code() == Code::kRefused); // no test may wait that long
    }
    CHECK(staged.path.empty());
    CHECK(::unlink(fifo.c_str()) == 0);
}

TEST_CASE("F01, E01: what is no image is refused before anything is written") {
    const std::string path = path_of("text.so");
    write_file(path, "");
    const std::size_t before = scene::staged_files();
    for (const std::string &bytes : {std::string(), std::string("#!/bin/sh\n"), std::string(300, '\0')}) {
        write_file(path, bytes);
        Staged staged;
        ImageFacts facts;
        const Status status = stage({path, path_of("staged"), "gain", scene::next_number()}, &staged, &facts);
        CHECK(status.code() == Code::kMalformed);
        CHECK(contains(status.message(), path));
    }
    CHECK(scene::staged_files() == before);
}

TEST_CASE("a source that is written to while it is read is refused, never half taken") {
    // Torn copies would pass for images; the writer here never stops, so each attempt either saw one state or none. One
    // that lies still in the middle of its write for all of the reading shows in nothing; settle waits for that.
    const std::string path = path_of("busy.bin");
    const std::size_t bytes = 8u << 20;
    write_file(path, std::string(bytes, 'a'));
    std::atomic<bool> stop{false};
    std::atomic<int> begun{0};
    std::thread writer([&] {
        const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
        for (char letter = 'b'; !stop; letter = letter == 'z' ? 'a' : static_cast<char>(letter + 1)) {
            const std::string block(bytes, letter);
            ++begun;
            CHECK(::pwrite(fd, block.data(), bytes, 0) == static_cast<ssize_t>(bytes));
        }
        ::close(fd);
    });
    int refused = 0;
    for (int i = 0; i < 20; ++i) {
        Staged staged;
        const int before = begun;
        const Status status = stage_now(path, &staged);
        const bool lay_still = begun - before < 2; // times of files are coarse: one write may bear the time of the last
        if (status.is_ok()) {
            const std::string copy = read_file(staged.path);
            const bool is_whole = copy == std::string(bytes, copy[0]); // not in CHECK, which would print it
            CHECK((is_whole || lay_still));
            CHECK(remove_staged(staged).is_ok());
        } else {
            CHECK(status.code() == Code::kRefused);
            CHECK(contains(status.message(), "changed while it was read"));
            ++refused;
        }
    }
    stop = true;
    writer.join();
    CHECK(refused > 0);
}

TEST_CASE("a source that loses another of its names while it is read is taken all the same") {
    // The image before is a second name of a staged copy; the first goes whenever its library has left memory.
    const std::string path = path_of("named.bin");
    write_file(path, std::string(8u << 20, 'a'));
    for (int i = 0; i < 20; ++i) {
        const std::string other = path_of("other.bin");
        REQUIRE(::link(path.c_str(), other.c_str()) == 0);
        std::atomic<bool> begins{false};
        std::thread leaves([&] {
            while (!begins) {
            }
            std::this_thread::sleep_for(std::chrono::microseconds(300 * i));
            CHECK(::unlink(other.c_str()) == 0);
        });
        begins = true;
        Staged staged;
        const Status status = stage_now(path, &staged);
        leaves.join();
        CHECK(status.is_ok());
        CHECK(remove_staged(staged).is_ok());
    }
}

TEST_CASE("F10, F11: a folder that others can write to is refused, and a name that is none") {
    const std::string image = scene::build("plain.c");
    const std::string open = path_of("open");
    REQUIRE(::mkdir(open.c_str(), 0700) == 0);
    REQUIRE(::chmod(open.c_str(), 0777) == 0);
    Staged staged;
    Status status = stage_now(image, &staged, "open");
    CHECK(status.code() == Code::kRefused);
    CHECK(contains(status.message(), "others can write"));
    for (const char *name : {"", "../up", "a/b", ".hidden", "new\nline"}) {
        status = stage(image, path_of("staged"), name, 1, &staged);
        CHECK(status.code() == Code::kRefused);
    }
    CHECK(stage(image + std::string(1, '\0') + "x", path_of("staged"), "gain", 1, &staged).code() == Code::kRefused);
}

TEST_CASE("F10, F11: who may write to a file or replace it decides whether it is trusted") {
    struct stat facts {};
    facts.st_mode = S_IFREG | 0775;
    facts.st_uid = 1000;
    CHECK(distrust_of_file(facts, 1000).empty()); // group rights are the owner's business
    CHECK(contains(distrust_of_file(facts, 1001), "belongs to user 1000, this process runs as 1001"));
    CHECK(contains(distrust_of_file(facts, 0), "belongs to user 1000")); // root is to be fooled like anybody
    facts.st_uid = 0;
    CHECK(distrust_of_file(facts, 1000).empty());
    facts.st_mode = S_IFREG | 0646;
    CHECK(contains(distrust_of_file(facts, 1000), "everybody can write to it (mode 0646)"));
    facts.st_mode = S_IFDIR | 0777;
    CHECK(contains(distrust_of_parent(facts), "everybody can replace files in it"));
    facts.st_mode = S_IFDIR | S_ISVTX | 0777; // as /tmp
    CHECK(distrust_of_parent(facts).empty());
    CHECK(contains(distrust_of_search_folder("/tmp/nobody-made-this/lib"), "is not there, and in /tmp"));
    CHECK(contains(distrust_of_search_folder("lib"), "is relative"));
    CHECK(distrust_of_search_folder("/usr/lib").empty());
}

TEST_CASE("F11: the folders a path leads through are judged, however it is written") {
    const std::string open = path_of("open-to-all");
    const std::string home = path_of("closed");
    REQUIRE((::mkdir(open.c_str(), 0700) == 0 && ::chmod(open.c_str(), 0777) == 0));
    REQUIRE((::mkdir((open + "/in").c_str(), 0700) == 0 && ::mkdir(home.c_str(), 0700) == 0));
    std::ofstream(open + "/in/file") << "x";
    REQUIRE(::symlink((open + "/in/file").c_str(), (home + "/to-file").c_str()) == 0);
    REQUIRE(::symlink((open + "/in").c_str(), (home + "/to-folder").c_str()) == 0);
    std::ofstream(home + "/file") << "x";
    // Whoever can replace a link decides what is read, wherever it leads now.
    REQUIRE(::symlink((home + "/file").c_str(), (open + "/to-closed").c_str()) == 0);
    REQUIRE(::symlink((open + "/to-closed").c_str(), (home + "/through-open").c_str()) == 0);
    REQUIRE(::symlink("loop", (home + "/loop").c_str()) == 0);
    for (const std::string &path :
         {open + "/in/file", home + "/to-file", home + "/to-folder/file", home + "/../open-to-all//in/./file",
          open + "/in/../in/file", open + "/to-closed", home + "/through-open"}) {
        CAPTURE(path);
        CHECK(find_distrust(path).culprit == open);
    }
    for (const std::string &path : {home + "/file", home + "//../closed/file"}) {
        CAPTURE(path);
        CHECK(find_distrust(path).culprit.empty());
    }
    CHECK(find_distrust(home + "/nothing").culprit.empty());
    CHECK(find_distrust(home + "/loop").culprit.empty());
}

TEST_CASE("a file that is not there, or a folder that cannot be made, says so with its path") {
    Staged staged;
    Status status = stage_now(path_of("nothing.so"), &staged);
    CHECK(status.code() == Code::kIo);
    CHECK(contains(status.message(), "nothing.so"));
    CHECK(contains(status.message(), "No such file"));
    status = stage(scene::build("plain.c"), path_of("no/such/place"), "gain", 1, &staged);
    CHECK(status.code() == Code::kIo);
    CHECK(contains(status.message(), "no/such/place"));
}

TEST_CASE("R03: no fds left is a clear answer, at each of the fds staging needs, and nothing is left on disk") {
    const std::string image = scene::build("plain.c");
    Staged staged;
    REQUIRE(stage_now(image, &staged).is_ok());
    REQUIRE(remove_staged(staged).is_ok());
    const std::size_t before = scene::staged_files();
    rlimit limit{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
    const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::close(next);
    // The limit is on the number an fd may have: none, then one (the source; then the folder and not the copy).
    for (int room = 0; room < 2; ++room) {
        rlimit low = limit;
        low.rlim_cur = static_cast<rlim_t>(next + room);
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
        const Status status = stage_now(image, &staged);
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
        CHECK(status.code() == Code::kNoMemory);
        CHECK(contains(status.message(), "no fds left"));
    }
    CHECK(scene::staged_files() == before);
}

TEST_CASE("R01: a full disk is a clear answer and leaves no piece of a copy") {
    // RLIMIT_FSIZE stands for the disk here: write fails half-way either way.
    const std::string image = path_of("large.bin");
    write_file(image, std::string(1u << 20, 'x'));
    const std::size_t before = scene::staged_files();
    const pid_t child = ::fork();
    if (child == 0) {
        ::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{4096, 4096};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        Staged staged;
        const Status status = stage(image, path_of("staged"), "gain", 77, &staged);
        ::_exit(status.code() == Code::kIo && contains(status.message(), "cannot write") ? 0 : 1);
    }
    int result = 0;
    REQUIRE(::waitpid(child, &result, 0) == child);
    CHECK(WIFEXITED(result));
    CHECK(WEXITSTATUS(result) == 0);
    CHECK(scene::staged_files() == before);
}

TEST_CASE("F03, F04: settle waits for the last byte, then for the file to hold still, and names what was missing") {
    const std::string image = read_file(scene::build("plain.c"));
    const std::string path = path_of("growing.so");
    write_file(path, image.substr(0, image.size() / 2));
    Status status = settle(path, monotonic_ns() + scene::kSecond / 20);
    CHECK(status.code() == Code::kTimedOut);
    CHECK(contains(status.message(), path));

    std::thread writer([&] { write_file(path, image); });
    status = settle(path, scene::in_seconds(10));
    writer.join();
    CHECK_MESSAGE(status.is_ok(), status.message());
    CHECK(read_file(path) == image);

    status = settle(path_of("never.so"), monotonic_ns() + scene::kSecond / 20);
    CHECK(status.code() == Code::kTimedOut);
    CHECK(contains(status.message(), "not there"));
}

TEST_CASE("E01: settle refuses at once what no further write makes an image, and waits for what may still become one") {
    // The deadlines decide, not a clock: a refusal that waited would be a kTimedOut.
    const std::string image = read_file(scene::build("plain.c"));
    const std::string path = path_of("magic.so");
    for (const std::string &bytes : {std::string("#"), std::string("# hotgraft\n"), std::string{'\x7f', 'E', 'L', 'K'},
                                     std::string("!<arch>\n") + std::string(300, '\0')}) {
        write_file(path, bytes);
        const Status status = settle(path, scene::in_seconds(3600));
        CHECK(status.code() == Code::kMalformed);
        CHECK(contains(status.message(), path));
        CHECK(contains(status.message(), "not an ELF image"));
    }
    for (const std::string &bytes :
         {std::string(), image.substr(0, 1), image.substr(0, 3), std::string(image.size(), '\0')}) {
        write_file(path, bytes);
        CHECK(settle(path, monotonic_ns() + scene::kSecond / 50).code() == Code::kTimedOut);
    }
    // The last of them: a linker that maps its output leaves the header's place empty until the end.
    std::thread writer([&] {
        std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
        file.seekp(64).write(image.data() + 64, static_cast<std::streamsize>(image.size() - 64));
        file.seekp(0).write(image.data(), 64);
    });
    const Status status = settle(path, scene::in_seconds(60));
    writer.join();
    CHECK_MESSAGE(status.is_ok(), status.message());
    CHECK(read_file(path) == image);
}

TEST_CASE("settle accepts a file that is long finished at once, and times out on one that never rests") {
    const std::string path = path_of("old.so");
    std::filesystem::copy_file(scene::build("plain.c"), path);
    const timespec times[2] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
    REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
    std::atomic<bool> stop{false};
    std::thread toucher([&] {
        while (!stop) {
            ::utimensat(AT_FDCWD, path.c_str(), nullptr, 0);
        }
    });
    const Status status = settle(path, monotonic_ns() + scene::kSecond / 5);
    stop = true;
    toucher.join();
    CHECK(status.code() == Code::kTimedOut);
    CHECK(contains(status.message(), "kept changing"));
}

TEST_CASE("only an image that names $ORIGIN must lie in its source's folder") {
    ImageFacts facts;
    REQUIRE(inspect_image_file(scene::build("plain.c").c_str(), &facts).is_ok());
    CHECK(!needs_source_folder(facts));
    REQUIRE(inspect_image_file(scene::build("plain.c", "-Wl,-rpath,'$ORIGIN/lib'").c_str(), &facts).is_ok());
    CHECK(needs_source_folder(facts));
}
