// Prints what the image reader finds, one JSON line per image, for tests that compare it with another reader.
//
// Paths come one per line on standard input. `--brief` leaves out symbols; bytes that are not ASCII are written as
// \u00XX, one per byte, so that the reader of the JSON gets them back as Latin-1. "ns" is processor time of the reader
// alone.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "image.hpp"

namespace {

using hotgraft::ImageFacts;
using hotgraft::ImageSymbol;

void print_text(std::string_view text) {
    std::putchar('"');
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte > 0x7e || byte == '"' || byte == '\\') {
            std::printf("\\u%04x", byte);
        } else {
            std::putchar(byte);
        }
    }
    std::putchar('"');
}

void print_key(const char *key) {
    std::printf(", \"%s\": ", key);
}

void print_field(const char *key, std::string_view value) {
    print_key(key);
    print_text(value);
}

void print_number(const char *key, std::uint64_t value) {
    print_key(key);
    std::printf("%llu", static_cast<unsigned long long>(value));
}

void print_flag(const char *key, bool value) {
    print_key(key);
    std::fputs(value ? "true" : "false", stdout);
}

void print_list(const char *key, const std::vector<std::string_view> &values) {
    print_key(key);
    const char *separator = "[";
    for (const std::string_view value : values) {
        std::fputs(separator, stdout);
        print_text(value);
        separator = ", ";
    }
    std::fputs(values.empty() ? "[]" : "]", stdout);
}

// [name, version, file, kind, value, size, weak, unique, default]
void print_symbols(const char *key, const std::vector<ImageSymbol> &symbols) {
    static constexpr const char *kKinds[] = {"none", "object", "function", "tls", "ifunc", "common", "other"};
    print_key(key);
    const char *separator = "[";
    for (const ImageSymbol &symbol : symbols) {
        std::printf("%s[", separator);
        print_text(symbol.name);
        std::fputs(", ", stdout);
        print_text(symbol.version);
        std::fputs(", ", stdout);
        print_text(symbol.file);
        std::printf(", \"%s\", %llu, %llu, %d, %d, %d]", kKinds[static_cast<int>(symbol.kind)],
                    static_cast<unsigned long long>(symbol.value), static_cast<unsigned long long>(symbol.bytes),
                    symbol.is_weak, symbol.is_unique, symbol.is_default_version);
        separator = ", ";
    }
    std::fputs(symbols.empty() ? "[]" : "]", stdout);
}

void print_segments(const ImageFacts &facts) {
    print_key("segments");
    const char *separator = "[";
    for (const hotgraft::ImageSegment &segment : facts.segments) {
        std::printf("%s[%llu, %llu, %llu, %llu]", separator, static_cast<unsigned long long>(segment.vaddr),
                    static_cast<unsigned long long>(segment.offset),
                    static_cast<unsigned long long>(segment.file_bytes),
                    static_cast<unsigned long long>(segment.memory_bytes));
        separator = ", ";
    }
    std::fputs(facts.segments.empty() ? "[]" : "]", stdout);
}

void print_version_needs(const ImageFacts &facts) {
    print_key("version_needs");
    const char *separator = "[";
    for (const hotgraft::VersionNeed &need : facts.version_needs) {
        std::printf("%s[", separator);
        print_text(need.file);
        std::fputs(", ", stdout);
        print_text(need.version);
        std::printf(", %d]", need.is_weak);
        separator = ", ";
    }
    std::fputs(facts.version_needs.empty() ? "[]" : "]", stdout);
}

void print_flags(const ImageFacts &facts) {
    print_flag("little_endian", facts.is_little_endian);
    print_flag("fully_read", facts.is_fully_read);
    print_flag("sections", facts.has_section_table);
    print_flag("static_tls", facts.uses_static_tls);
    print_flag("nodelete", facts.is_nodelete);
    print_flag("no_open", facts.forbids_open);
    print_flag("interposer", facts.is_interposer);
    print_flag("pie", facts.is_pie);
    print_flag("interpreter", facts.has_interpreter);
    print_flag("execstack", facts.has_executable_stack);
    print_flag("textrel", facts.has_text_relocations);
    print_flag("writable_code", facts.has_writable_code);
    print_flag("go", facts.has_go_runtime);
    print_flag("tls_destructor", facts.imports_tls_destructor);
}

void print_facts(const ImageFacts &facts, bool is_brief) {
    print_number("machine", facts.machine);
    print_number("class", static_cast<std::uint64_t>(facts.class_bits));
    print_number("type", static_cast<std::uint64_t>(facts.type));
    print_flags(facts);
    print_field("soname", facts.soname);
    print_list("needed", facts.needed);
    print_field("rpath", facts.rpath);
    print_field("runpath", facts.runpath);
    print_list("version_definitions", facts.version_definitions);
    print_version_needs(facts);
    print_field("build_id", facts.build_id);
    print_number("tls_bytes", facts.tls.bytes);
    print_number("tls_align", facts.tls.align);
    print_number("gnu_unique", facts.gnu_unique);
    print_number("isa_level", static_cast<std::uint64_t>(facts.isa_level_needed));
    print_segments(facts);
    if (facts.descriptor) {
        print_number("descriptor_offset", facts.descriptor->offset);
        print_number("descriptor_vaddr", facts.descriptor->vaddr);
        print_number("descriptor_bytes", facts.descriptor->bytes);
    }
    if (!is_brief) {
        print_symbols("exported", facts.exported);
        print_symbols("imported", facts.imported);
    }
}

std::uint64_t cpu_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

// Exactly as long as the file, so that a sanitizer sees the first byte read beyond its end.
std::vector<std::uint8_t> read_file(const std::string &path) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(std::max<std::streamoff>(file.tellg(), 0)));
    file.seekg(0);
    file.read(reinterpret_cast<char *>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return bytes;
}

void dump(const std::string &path, bool is_brief) {
    ImageFacts facts;
    const std::vector<std::uint8_t> bytes = read_file(path);
    const std::uint64_t begin = cpu_ns();
    const hotgraft::Status status = hotgraft::inspect_image(bytes.data(), bytes.size(), &facts);
    const std::uint64_t end = cpu_ns();
    std::fputs("{\"path\": ", stdout);
    print_text(path);
    print_number("code", static_cast<std::uint64_t>(status.code()));
    print_field("message", status.message());
    print_number("ns", end - begin);
    if (status.is_ok()) {
        print_facts(facts, is_brief);
    }
    std::puts("}");
}

} // namespace

int main(int argc, char **argv) {
    const bool is_brief = argc > 1 && std::strcmp(argv[1], "--brief") == 0;
    for (std::string path; std::getline(std::cin, path);) {
        dump(path, is_brief);
    }
    return 0;
}
