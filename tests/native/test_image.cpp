// The image reader over images made on the spot: the facts it must see and the damage it must name.
//
// pyelftools judges the facts of every library of the machine (tests/unit/test_image_oracle.py), and mutated images
// judge the checks (tests/faults/test_image_mutants.py); here stands what each single check is for.
#include <doctest/doctest.h>

#include <elf.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "image.hpp"

namespace {

using hotgraft::Code;
using hotgraft::ImageFacts;
using hotgraft::ImageSymbol;
using hotgraft::Status;
using Bytes = std::vector<std::uint8_t>;

constexpr char kSource[] = R"(
#include <string.h>
__attribute__((aligned(4), section(".note.hotgraft,\"a\",@note#"), used))
static const unsigned char note[] = {9,0,0,0, 2,0,0,0, 1,0,0,0, 'h','o','t','g','r','a','f','t',0,0,0,0, '{','}',0,0};
_Thread_local int per_thread[4];
int counter = 3;
int *pointer = &counter;
void *resolve_me(const char *s) { return strchr(s, per_thread[0]); }
__attribute__((weak)) int weak_one(void) { return 1; }
__attribute__((constructor)) static void begin(void) { counter = 4; }
)";

class Folder {
public:
    Folder() { REQUIRE(::mkdtemp(path_.data()) != nullptr); }
    Folder(const Folder &) = delete;
    Folder &operator=(const Folder &) = delete;
    ~Folder() { run("rm -rf " + path_); }

    [[nodiscard]] std::string file(const std::string &name) const { return path_ + "/" + name; }
    static void run(const std::string &command) { REQUIRE(std::system(command.c_str()) == 0); }

private:
    std::string path_ = "/tmp/hotgraft-image-XXXXXX";
};

Bytes read_file(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void write_file(const std::string &path, const std::string &text) {
    std::ofstream(path, std::ios::binary) << text;
}

Bytes compile(const std::string &flags) {
    const Folder folder;
    write_file(folder.file("p.c"), kSource);
    Folder::run("cc -shared -fPIC -O1 " + flags + " -o " + folder.file("p.so") + " " + folder.file("p.c"));
    return read_file(folder.file("p.so"));
}

const Bytes &plain() {
    static const Bytes bytes = compile("-Wl,-soname,libp.so -Wl,--build-id=0xabcd");
    return bytes;
}

template <class T> T at(const Bytes &bytes, std::size_t offset) {
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof(T));
    return value;
}

template <class T> void put(Bytes *bytes, std::size_t offset, const T &value) {
    std::memcpy(bytes->data() + offset, &value, sizeof(T));
}

std::size_t find_program_header(const Bytes &bytes, std::uint32_t type) {
    const auto header = at<Elf64_Ehdr>(bytes, 0);
    for (std::size_t i = 0; i < header.e_phnum; ++i) {
        const std::size_t offset = header.e_phoff + i * sizeof(Elf64_Phdr);
        if (at<Elf64_Phdr>(bytes, offset).p_type == type) {
            return offset;
        }
    }
    FAIL("no such program header");
    return 0;
}

std::size_t find_dynamic(const Bytes &bytes, std::int64_t tag) {
    const auto header = at<Elf64_Phdr>(bytes, find_program_header(bytes, PT_DYNAMIC));
    for (std::size_t offset = header.p_offset; offset < header.p_offset + header.p_filesz; offset += 16) {
        if (at<Elf64_Dyn>(bytes, offset).d_tag == tag) {
            return offset;
        }
    }
    FAIL("no such dynamic entry");
    return 0;
}

void put_dynamic(Bytes *bytes, std::int64_t tag, std::uint64_t value) {
    put(bytes, find_dynamic(*bytes, tag) + 8, value);
}

std::string refusal_of(const Bytes &bytes) {
    ImageFacts facts;
    const Status status = hotgraft::inspect_image(bytes.data(), bytes.size(), &facts);
    CHECK(facts.file_bytes == 0); // untouched on failure
    return status.is_ok() ? "accepted" : status.message();
}

// Keeps a copy of the bytes that the facts point into.
ImageFacts facts_of(const Bytes &bytes) {
    const auto owned = std::make_shared<const Bytes>(bytes);
    ImageFacts facts;
    const Status status = hotgraft::inspect_image(owned->data(), owned->size(), &facts);
    REQUIRE_MESSAGE(status.is_ok(), status.message());
    facts.bytes_owner = owned;
    return facts;
}

const ImageSymbol *find(const std::vector<ImageSymbol> &symbols, std::string_view name) {
    const auto found = std::find_if(symbols.begin(), symbols.end(), [&](const auto &s) { return s.name == name; });
    return found == symbols.end() ? nullptr : &*found;
}

bool says(const std::string &text, const std::string &part) {
    const bool is_said = text.find(part) != std::string::npos;
    CHECK_MESSAGE(is_said, text);
    return is_said;
}

TEST_CASE("the facts of a small plugin are all there") {
    const ImageFacts facts = facts_of(plain());
    CHECK(facts.is_fully_read);
    CHECK(facts.class_bits == 64);
    CHECK(facts.machine == EM_X86_64);
    CHECK(facts.soname == "libp.so");
    CHECK(std::count(facts.needed.begin(), facts.needed.end(), "libc.so.6") == 1);
    CHECK(facts.build_id == "\xab\xcd");
    CHECK(facts.tls.bytes == 16);
    CHECK_FALSE(facts.has_executable_stack);
    CHECK_FALSE(facts.is_pie);
    CHECK(facts.segments.size() >= 2);
    const ImageSymbol *weak = find(facts.exported, "weak_one");
    REQUIRE(weak != nullptr);
    CHECK(weak->is_weak);
    CHECK(weak->kind == hotgraft::SymbolKind::kFunction);
    const ImageSymbol *needed = find(facts.imported, "strchr");
    REQUIRE(needed != nullptr);
    CHECK(needed->version == "GLIBC_2.2.5");
    CHECK(needed->file == "libc.so.6");
}

TEST_CASE("the descriptor note is found without section headers") {
    Bytes bytes = plain();
    put<std::uint64_t>(&bytes, offsetof(Elf64_Ehdr, e_shoff), 0);
    put<std::uint16_t>(&bytes, offsetof(Elf64_Ehdr, e_shnum), 0);
    put<std::uint16_t>(&bytes, offsetof(Elf64_Ehdr, e_shstrndx), 0);
    const ImageFacts facts = facts_of(bytes);
    CHECK_FALSE(facts.has_section_table);
    REQUIRE(facts.descriptor.has_value());
    CHECK(facts.descriptor->bytes == 2);
    CHECK(std::memcmp(bytes.data() + facts.descriptor->offset, "{}", 2) == 0);
}

TEST_CASE("every linker at hand makes an image that is read") {
    for (const char *linker : {"bfd", "gold", "lld", "mold"}) {
        const std::string name = linker == std::string("lld")    ? "ld.lld"
                                 : linker == std::string("mold") ? "mold"
                                                                 : std::string("ld.") + linker;
        if (std::system(("command -v " + name + " > /dev/null").c_str()) != 0) {
            continue;
        }
        for (const char *more : {"", " -s", " -Wl,-z,now", " -Wl,--gc-sections", " -Wl,--hash-style=both"}) {
            const ImageFacts facts = facts_of(compile("-fuse-ld=" + std::string(linker) + more));
            CHECK(facts.descriptor.has_value());
            CHECK(find(facts.exported, "weak_one") != nullptr);
        }
    }
}

TEST_CASE("hazards are facts") {
    CHECK(facts_of(compile("-z execstack")).has_executable_stack);
    CHECK(facts_of(compile("-Wl,-z,nodelete")).is_nodelete);
    CHECK(facts_of(compile("-ftls-model=initial-exec")).uses_static_tls);
    CHECK(facts_of(compile("-Wl,-rpath,/opt/x -Wl,--enable-new-dtags")).runpath == "/opt/x");
    CHECK(facts_of(compile("-Wl,-rpath,/opt/x -Wl,--disable-new-dtags")).rpath == "/opt/x");
    CHECK(facts_of(compile("-march=x86-64-v3 -Wl,-z,x86-64-v3")).isa_level_needed == 3);
}

TEST_CASE("a segment that is writable and executable is a fact") {
    Bytes bytes = plain();
    const std::size_t load = find_program_header(bytes, PT_LOAD);
    CHECK_FALSE(facts_of(bytes).has_writable_code);
    put<std::uint32_t>(&bytes, load + offsetof(Elf64_Phdr, p_flags), PF_R | PF_W | PF_X);
    CHECK(facts_of(bytes).has_writable_code);
}

TEST_CASE("what is not a shared library for x86-64 is told by its header alone") {
    Bytes bytes = plain();
    put<std::uint16_t>(&bytes, offsetof(Elf64_Ehdr, e_machine), EM_AARCH64);
    CHECK(facts_of(bytes).machine == EM_AARCH64);
    CHECK_FALSE(facts_of(bytes).is_fully_read);
    bytes = plain();
    put<std::uint16_t>(&bytes, offsetof(Elf64_Ehdr, e_type), ET_REL);
    CHECK(facts_of(bytes).type == hotgraft::ImageType::kObject);
    bytes = plain();
    bytes[EI_CLASS] = ELFCLASS32;
    CHECK(facts_of(bytes).class_bits == 32);
}

TEST_CASE("what is not ELF is refused by name") {
    says(refusal_of({}), "the file is empty");
    says(refusal_of({'M', 'Z', 0, 0}), "not an ELF image");
    says(refusal_of(Bytes(plain().begin(), plain().begin() + 40)), "takes 64 bytes of a file of 40 bytes");
}

TEST_CASE("every truncation is refused") {
    for (std::size_t size = 0; size < plain().size(); size += size < 1024 ? 1 : 61) {
        const Bytes bytes(plain().begin(), plain().begin() + static_cast<std::ptrdiff_t>(size));
        CHECK(refusal_of(bytes) != "accepted");
        if (size >= sizeof(Elf64_Ehdr)) {
            CHECK_FALSE(hotgraft::check_complete(bytes.data(), 64, size).is_ok());
        }
    }
    CHECK(hotgraft::check_complete(plain().data(), 64, plain().size()).is_ok());
}

TEST_CASE("a segment beyond the end of the file is named with both numbers") {
    Bytes bytes = plain();
    const std::size_t load = find_program_header(bytes, PT_LOAD);
    put<std::uint64_t>(&bytes, load + offsetof(Elf64_Phdr, p_filesz), 1'000'000);
    says(refusal_of(bytes), "segment ends at byte 1000000 of a file of " + std::to_string(plain().size()) + " bytes");
}

TEST_CASE("numbers that wrap around do not get through") {
    for (const std::size_t field : {offsetof(Elf64_Phdr, p_offset), offsetof(Elf64_Phdr, p_filesz),
                                    offsetof(Elf64_Phdr, p_memsz), offsetof(Elf64_Phdr, p_vaddr)}) {
        for (const std::uint64_t value : {~std::uint64_t{0}, ~std::uint64_t{4095}, std::uint64_t{1} << 63}) {
            for (const std::uint32_t type :
                 {std::uint32_t{PT_LOAD}, std::uint32_t{PT_DYNAMIC}, std::uint32_t{PT_NOTE}}) {
                Bytes bytes = plain();
                put(&bytes, find_program_header(bytes, type) + field, value);
                if (type == PT_LOAD || field != offsetof(Elf64_Phdr, p_memsz)) {
                    CHECK(refusal_of(bytes) != "accepted");
                }
            }
        }
    }
    Bytes bytes = plain();
    put(&bytes, offsetof(Elf64_Ehdr, e_shoff), ~std::uint64_t{63});
    says(refusal_of(bytes), "section table");
}

TEST_CASE("dynamic entries the loader would follow out of the image are refused") {
    struct Damage {
        std::int64_t tag;
        std::uint64_t value;
        const char *says;
    };
    constexpr Damage kDamages[] = {
        {DT_STRTAB, 0x7fffffff, "string table"}, {DT_SYMTAB, 0x7fffffff, "symbol table"},
        {DT_GNU_HASH, 0x7fffffff, "GNU hash"},   {DT_RELA, 0x7fffffff, "relocations"},
        {DT_RELASZ, 23, "whole number"},         {DT_RELAENT, 8, "must be 24"},
        {DT_PLTREL, DT_REL, "must be 7"},        {DT_RELACOUNT, 9999, "promised"},
        {DT_INIT, 0, "where no code is"},        {DT_FINI, 0x7fffffff, "where no code is"},
        {DT_INIT_ARRAYSZ, 24, "init_array"},     {DT_SONAME, 0x7fffffff, "name at byte"},
        {DT_NEEDED, 0x7fffffff, "name at byte"}, {DT_VERNEED, 0x7fffffff, "version needs"},
        {DT_VERNEEDNUM, 7, "version needs"},     {DT_VERSYM, 0x7fffffff, "symbol versions"},
    };
    for (const Damage &damage : kDamages) {
        Bytes bytes = plain();
        put_dynamic(&bytes, damage.tag, damage.value);
        says(refusal_of(bytes), damage.says);
    }
}

TEST_CASE("a relocation that would write outside of writable memory is refused") {
    const Bytes &original = plain();
    const auto table = at<Elf64_Dyn>(original, find_dynamic(original, DT_RELA)).d_un.d_ptr;
    const auto dynamic = at<Elf64_Phdr>(original, find_program_header(original, PT_DYNAMIC)).p_vaddr;
    for (const std::uint64_t target : {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{1} << 40, dynamic}) {
        Bytes bytes = original;
        put(&bytes, table + offsetof(Elf64_Rela, r_offset), target); // first segment: address is offset
        says(refusal_of(bytes), "relocations: entry 0: target");
    }
    Bytes bytes = original;
    put(&bytes, table + offsetof(Elf64_Rela, r_info), std::uint64_t{99});
    says(refusal_of(bytes), "type 99");
}

TEST_CASE("a renamed symbol does not fit its hash") {
    Bytes bytes = plain();
    const std::string name = "weak_one";
    const auto strings = at<Elf64_Dyn>(bytes, find_dynamic(bytes, DT_STRTAB)).d_un.d_ptr;
    const auto found =
        std::search(bytes.begin() + static_cast<std::ptrdiff_t>(strings), bytes.end(), name.begin(), name.end());
    REQUIRE(found != bytes.end());
    *found = 'W';
    says(refusal_of(bytes), "its name \"Weak_one\" hashes to");
}

TEST_CASE("two descriptors are one too many") {
    const Folder folder;
    std::string source = kSource;
    source +=
        "__attribute__((aligned(4), section(\".note.hotgraft,\\\"a\\\",@note#\"), used)) static const unsigned char "
        "again[] = {9,0,0,0, 2,0,0,0, 1,0,0,0, 'h','o','t','g','r','a','f','t',0,0,0,0, '{','}',0,0};";
    write_file(folder.file("p.c"), source);
    Folder::run("cc -shared -fPIC -o " + folder.file("p.so") + " " + folder.file("p.c"));
    says(refusal_of(read_file(folder.file("p.so"))), "hotgraft note: one at byte");
}

TEST_CASE("files that are no regular file, too large or absent are refused without waiting") {
    const Folder folder;
    ImageFacts facts;
    CHECK(hotgraft::inspect_image_file(folder.file("absent").c_str(), &facts).code() == Code::kIo);
    CHECK(hotgraft::inspect_image_file("/tmp", &facts).code() == Code::kRefused);
    Folder::run("mkfifo " + folder.file("fifo"));
    CHECK(hotgraft::inspect_image_file(folder.file("fifo").c_str(), &facts).code() == Code::kRefused);
    Folder::run("truncate -s 4G " + folder.file("sparse"));
    says(hotgraft::inspect_image_file(folder.file("sparse").c_str(), &facts).message(), "the cap is 1073741824");
}

} // namespace
