// What a process refuses to load and how it says so: each rule over images compiled on the spot, judged in this
// process.
#include <doctest/doctest.h>

#include <dlfcn.h>
#include <elf.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "image.hpp"
#include "needs.hpp"
#include "needs_posix.hpp"

namespace {

using hotgraft::Environment;
using hotgraft::Finding;
using hotgraft::ImageFacts;
using hotgraft::ProviderCache;
using hotgraft::Severity;

constexpr char kNote[] = R"(
__attribute__((aligned(4), section(".note.hotgraft,\"a\",@note#"), used))
static const unsigned char note[] = {9,0,0,0, 2,0,0,0, 1,0,0,0, 'h','o','t','g','r','a','f','t',0,0,0,0, '{','}',0,0};
)";
constexpr char kEntry[] = "const void *hotgraft_plugin_v1(unsigned minor) { (void)minor; return 0; }\n";

class Folder {
public:
    Folder() { REQUIRE(::mkdtemp(path_.data()) != nullptr); }
    Folder(const Folder &) = delete;
    Folder &operator=(const Folder &) = delete;
    ~Folder() { run("rm -rf " + path_); }

    [[nodiscard]] const std::string &path() const { return path_; }
    [[nodiscard]] std::string file(const std::string &name) const { return path_ + "/" + name; }
    static void run(const std::string &command) { REQUIRE(std::system(command.c_str()) == 0); }

    // Compile `source` to `name` and return its path.
    std::string build(const std::string &name, const std::string &source, const std::string &flags = "") const {
        const std::string text = file(name + ".c");
        std::ofstream(text) << source;
        run("cc -shared -fPIC -o " + file(name) + " " + text + " " + flags);
        return file(name);
    }

private:
    std::string path_ = "/tmp/hotgraft-needs-XXXXXX";
};

std::vector<Finding> judge(const std::string &path, const std::string &origin, ProviderCache *cache) {
    ImageFacts facts;
    const hotgraft::Status status = hotgraft::inspect_image_file(path.c_str(), &facts);
    REQUIRE_MESSAGE(status.is_ok(), status.message());
    return hotgraft::check_needs(facts, cache->gather(facts, origin));
}

std::vector<Finding> judge(const Folder &folder, const std::string &path) {
    ProviderCache cache;
    return judge(path, folder.path(), &cache);
}

const Finding *find(const std::vector<Finding> &found, const std::string &rule) {
    const auto it = std::find_if(found.begin(), found.end(), [&](const Finding &r) { return r.rule == rule; });
    return it == found.end() ? nullptr : &*it;
}

std::string all_of(const std::vector<Finding> &found) {
    std::string text;
    for (const Finding &refusal : found) {
        text += (refusal.severity == Severity::kWarning ? "warning: " : "refused: ") + describe(refusal) + "\n";
    }
    return text;
}

// The sentence of the one finding of `rule`; "" and a failed check when there is none.
std::string sentence(const std::vector<Finding> &found, const std::string &rule) {
    const Finding *refusal = find(found, rule);
    const std::string text = all_of(found);
    CHECK_MESSAGE(refusal != nullptr, rule, " is not in: ", text);
    return refusal == nullptr ? "" : describe(*refusal);
}

void check_says(const std::string &text, const std::string &part) {
    CHECK_MESSAGE(text.find(part) != std::string::npos, text, " lacks: ", part);
}

TEST_CASE("a sound plugin meets no refusal") {
    const Folder folder;
    const std::vector<Finding> found = judge(folder, folder.build("p.so", std::string(kNote) + kEntry));
    CHECK_MESSAGE(found.empty(), all_of(found));
}

TEST_CASE("a sound C++ plugin that needs libstdc++ meets no refusal") {
    const Folder folder;
    std::ofstream(folder.file("p.cc")) << "#include <map>\n#include <string>\n#include <iostream>\n"
                                          "static std::map<std::string, int> m;\nextern \"C\" {"
                                       << kNote << "int use(const char *s) { std::cout << s; return ++m[s]; }\n"
                                       << kEntry << "}";
    Folder::run("c++ -shared -fPIC -fno-gnu-unique -o " + folder.file("p.so") + " " + folder.file("p.cc"));
    const std::vector<Finding> found = judge(folder, folder.file("p.so"));
    CHECK_MESSAGE(!hotgraft::has_refusal(found), all_of(found));
}

TEST_CASE("E02 another machine, class or byte order is refused by name") {
    ImageFacts facts;
    facts.machine = EM_AARCH64;
    facts.class_bits = 32;
    facts.type = hotgraft::ImageType::kSharedLibrary;
    Environment environment;
    environment.machine = EM_X86_64;
    const std::vector<Finding> found = hotgraft::check_needs(facts, environment);
    check_says(sentence(found, "machine"), "machine is AArch64; this process is x86-64");
    check_says(sentence(found, "class"), "class is 32-bit; this process is 64-bit");
    check_says(sentence(found, "byte-order"), "byte order is big-endian");
}

TEST_CASE("E03 an executable, an object and a PIE are refused as what they are") {
    const Folder folder;
    std::ofstream(folder.file("m.c")) << "int main(void) { return 0; }";
    Folder::run("cc -c -o " + folder.file("m.o") + " " + folder.file("m.c"));
    Folder::run("cc -no-pie -o " + folder.file("exe") + " " + folder.file("m.c"));
    Folder::run("cc -pie -fPIE -o " + folder.file("pie") + " " + folder.file("m.c"));
    check_says(sentence(judge(folder, folder.file("m.o")), "type"), "is a relocatable object");
    check_says(sentence(judge(folder, folder.file("exe")), "type"), "is an executable");
    check_says(sentence(judge(folder, folder.file("pie")), "type"), "is a position-independent executable");
}

TEST_CASE("E09 a missing needed file is refused with every place that was searched") {
    const Folder folder;
    folder.build("libgone.so", "int gone(void) { return 1; }", "-Wl,-soname,libgone.so");
    const std::string path =
        folder.build("p.so", std::string("int gone(void); int f(void) { return gone(); }") + kEntry,
                     folder.file("libgone.so") + " -Wl,-rpath,'$ORIGIN/sub'");
    Folder::run("rm " + folder.file("libgone.so"));
    const std::vector<Finding> found = judge(folder, path);
    check_says(sentence(found, "needed-file"), "libgone.so is needed and was not found");
    check_says(sentence(found, "needed-file"), "it is not in " + folder.path() + "/sub, ");
    check_says(sentence(found, "needed-file"), ", /usr/lib/x86_64-linux-gnu");
    check_says(sentence(found, "symbol"), "gone");
}

TEST_CASE("a needed file beside the image is found through $ORIGIN, and its own needs are followed") {
    const Folder folder;
    folder.build("libinner.so", "int inner(void) { return 1; }", "-Wl,-soname,libinner.so");
    folder.build("libouter.so", "int inner(void); int outer(void) { return inner(); }",
                 "-Wl,-soname,libouter.so " + folder.file("libinner.so") + " -Wl,-rpath,'$ORIGIN'");
    const std::string path =
        folder.build("p.so", std::string(kNote) + kEntry + "int outer(void); int f(void) { return outer(); }",
                     folder.file("libouter.so") + " -Wl,-rpath,'$ORIGIN'");
    CHECK_FALSE(hotgraft::has_refusal(judge(folder, path)));
    Folder::run("rm " + folder.file("libinner.so"));
    check_says(sentence(judge(folder, path), "needed-file"), "libinner.so is needed by libouter.so and was not found");
}

TEST_CASE("E10 a version above what the provider defines is refused with both") {
    const Folder folder;
    std::ofstream(folder.file("new.map")) << "V_2.9 {global: *;};";
    folder.build("libv.so", "int v(void) { return 1; }",
                 "-Wl,-soname,libv.so -Wl,--version-script=" + folder.file("new.map"));
    const std::string path = folder.build("p.so", std::string(kEntry) + "int v(void); int f(void) { return v(); }",
                                          folder.file("libv.so") + " -Wl,-rpath,'$ORIGIN'");
    std::ofstream(folder.file("old.map")) << "V_1.10 {global: *;}; V_1.9 {};";
    folder.build("libv.so", "int v(void) { return 1; }",
                 "-Wl,-soname,libv.so -Wl,--version-script=" + folder.file("old.map"));
    check_says(sentence(judge(folder, path), "version"), "V_2.9 is needed from libv.so");
    check_says(sentence(judge(folder, path), "version"), "defines up to V_1.10");
}

TEST_CASE("E11 a versioned need met by a file without versions is refused") {
    const Folder folder;
    std::ofstream(folder.file("v.map")) << "V_1 {global: *;};";
    folder.build("libv.so", "int v(void) { return 1; }",
                 "-nostdlib -Wl,-soname,libv.so -Wl,--version-script=" + folder.file("v.map"));
    const std::string path = folder.build("p.so", std::string(kEntry) + "int v(void); int f(void) { return v(); }",
                                          folder.file("libv.so") + " -Wl,-rpath,'$ORIGIN'");
    folder.build("libv.so", "int v(void) { return 1; }", "-nostdlib -Wl,-soname,libv.so");
    const std::vector<Finding> found = judge(folder, path);
    check_says(sentence(found, "unversioned-provider"), "V_1 is needed from libv.so");
    CHECK(find(found, "unversioned-provider")->severity == Severity::kRefusal);
}

TEST_CASE("E12 every undefined symbol is listed, weak ones and the host's own are not") {
    const Folder folder;
    const std::vector<Finding> found = judge(
        folder, folder.build("p.so", std::string(kNote) + kEntry +
                                         "void alpha(void); extern int beta; void *malloc(unsigned long);"
                                         "__attribute__((weak)) void gamma_(void);"
                                         "int f(void) { if (gamma_) gamma_(); alpha(); return beta + !malloc(1); }"));
    check_says(sentence(found, "symbol"), "2 undefined symbols");
    check_says(sentence(found, "symbol"), "alpha");
    check_says(sentence(found, "symbol"), "beta");
    CHECK(describe(*find(found, "symbol")).find("gamma_") == std::string::npos);
}

TEST_CASE("a symbol that only the process itself offers is not missing") {
    const Folder folder;
    const std::string library = folder.build("libg.so", "int from_global(void) { return 1; }");
    const std::string path = folder.build("p.so", std::string(kNote) + kEntry +
                                                      "int from_global(void); int f(void) { return from_global(); }");
    CHECK(hotgraft::has_refusal(judge(folder, path)));
    void *handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL);
    REQUIRE(handle != nullptr);
    CHECK_FALSE(hotgraft::has_refusal(judge(folder, path)));
    ::dlclose(handle);
}

TEST_CASE("E15 executable stack and writable code are refused; static TLS, NODELETE and GNU_UNIQUE warn") {
    const Folder folder;
    const std::string source = std::string(kNote) + kEntry + "_Thread_local int t; int *f(void) { return &t; }";
    CHECK(find(judge(folder, folder.build("s.so", source, "-z execstack")), "execstack") != nullptr);
    ImageFacts merged;
    REQUIRE(hotgraft::inspect_image_file(folder.build("w.so", source).c_str(), &merged).is_ok());
    merged.has_writable_code = true;
    CHECK(find(hotgraft::check_needs(merged, Environment()), "writable-code") != nullptr);
    const std::vector<Finding> found =
        judge(folder, folder.build("n.so", source, "-Wl,-z,nodelete -ftls-model=initial-exec"));
    CHECK_FALSE(hotgraft::has_refusal(found));
    sentence(found, "nodelete");
    sentence(found, "static-tls");
}

TEST_CASE("a sanitizer's runtime that the process did not start with is refused") {
    const Folder folder;
    const std::string path = folder.build("a.so", std::string(kNote) + kEntry, "-fsanitize=address");
    ProviderCache cache;
    ImageFacts facts;
    REQUIRE(hotgraft::inspect_image_file(path.c_str(), &facts).is_ok());
    Environment environment = cache.gather(facts, folder.path());
    environment.resident.clear(); // also when this test itself runs under the sanitizer
    check_says(sentence(hotgraft::check_needs(facts, environment), "runtime"), "AddressSanitizer");
}

TEST_CASE("an instruction set above this processor's is refused") {
    const Folder folder;
    ImageFacts facts;
    const std::string path = folder.build("v.so", std::string(kNote) + kEntry, "-Wl,-z,x86-64-v3");
    REQUIRE(hotgraft::inspect_image_file(path.c_str(), &facts).is_ok());
    Environment environment;
    environment.machine = EM_X86_64;
    environment.isa_level = 2;
    check_says(sentence(hotgraft::check_needs(facts, environment), "isa-level"), "needs x86-64-v3");
}

TEST_CASE("C01 C02 C06 a missing entry, an entry that is data and a missing descriptor are refused together") {
    const Folder folder;
    const std::vector<Finding> none = judge(folder, folder.build("n.so", "int x;"));
    check_says(sentence(none, "entry"), "hotgraft_plugin_v1 is not exported");
    check_says(sentence(none, "descriptor"), "is missing");
    const std::vector<Finding> data = judge(folder, folder.build("d.so", "int hotgraft_plugin_v1 = 3;"));
    check_says(sentence(data, "entry"), "is not a function");
}

TEST_CASE("a needed file that changes on disk is read again") {
    const Folder folder;
    folder.build("libc1.so", "int one(void) { return 1; }", "-Wl,-soname,libc1.so");
    const std::string path =
        folder.build("p.so", std::string(kNote) + kEntry + "int one(void); int f(void) { return one(); }",
                     folder.file("libc1.so") + " -Wl,-rpath,'$ORIGIN'");
    ProviderCache cache;
    CHECK_FALSE(hotgraft::has_refusal(judge(path, folder.path(), &cache)));
    folder.build("libc1.so", "int two(void) { return 1; } int more = 3;", "-Wl,-soname,libc1.so");
    check_says(sentence(judge(path, folder.path(), &cache), "symbol"), "one");
}

TEST_CASE("a repeated question costs microseconds") {
    const Folder folder;
    const std::string path =
        folder.build("p.so",
                     std::string(kNote) + kEntry +
                         "double sin(double); int puts(const char *); int f(void) { return puts(\"\") + sin(1); }",
                     "-lm -fno-builtin");
    ImageFacts facts;
    REQUIRE(hotgraft::inspect_image_file(path.c_str(), &facts).is_ok());
    ProviderCache cache;
    std::vector<double> us;
    for (int i = 0; i < 51; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        const Environment environment = cache.gather(facts, folder.path());
        CHECK(hotgraft::check_needs(facts, environment).empty());
        us.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
    }
    std::nth_element(us.begin() + 1, us.begin() + 25, us.end());
    std::printf("needs: %.0f us the first time, %.1f us again\n", us[0], us[25]);
    CHECK(us[25] < 5'000);
}

} // namespace
