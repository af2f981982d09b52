// libFuzzer target: any bytes go through the image reader and, when it accepts them, through every fact it gave.
//
//   clang++ -std=c++17 -g -O1 -fsanitize=fuzzer,address,undefined -Inative/core \
//       tests/native/fuzz_image.cpp native/core/image_elf*.cpp -o fuzz_image
//   ./fuzz_image -max_total_time=60 tests/native/corpus
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "image.hpp"

namespace {

// A view that leaves the input is found by AddressSanitizer here, not where a test happens to look.
std::size_t touch(std::string_view text) {
    std::size_t sum = 0;
    for (const char c : text) {
        sum += static_cast<unsigned char>(c);
    }
    return sum;
}

std::size_t touch_all(const hotgraft::ImageFacts &facts) {
    std::size_t sum = touch(facts.soname) + touch(facts.rpath) + touch(facts.runpath) + touch(facts.build_id);
    for (const std::string_view needed : facts.needed) {
        sum += touch(needed);
    }
    for (const auto *symbols : {&facts.exported, &facts.imported}) {
        for (const hotgraft::ImageSymbol &symbol : *symbols) {
            sum += touch(symbol.version) + touch(symbol.file);
            sum += symbol.name.size(); // may be shared by many symbols: reading each would not be linear
        }
    }
    for (const std::string_view version : facts.version_definitions) {
        sum += touch(version);
    }
    return sum;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    hotgraft::ImageFacts facts;
    if (!hotgraft::inspect_image(data, size, &facts).is_ok()) {
        if (facts.file_bytes != 0) {
            std::abort(); // out-parameters are untouched on failure
        }
        return 0;
    }
    if (facts.descriptor) {
        const std::uint64_t end = facts.descriptor->offset + facts.descriptor->bytes;
        if (end < facts.descriptor->offset || end > size) {
            std::abort();
        }
        touch({reinterpret_cast<const char *>(data) + facts.descriptor->offset,
               static_cast<std::size_t>(facts.descriptor->bytes)});
    }
    static volatile std::size_t sink;
    sink = touch_all(facts);
    return 0;
}
