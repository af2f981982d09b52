// libFuzzer target: any bytes are read as a saved state and, where they are one, walked through and written again.
//
//   clang++ -std=c++17 -g -O1 -fsanitize=fuzzer,address,undefined -Iabi -Inative/core tests/native/fuzz_state.cpp \
//       native/core/{byte_chunks,generation_text,key_set,keyed_*,msgpack}.cpp -o fuzz_state
//   ./fuzz_state -max_total_time=60
#include <cstddef>
#include <cstdint>

#include "keyed_bytes.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    (void)read_any(data, size);
    return 0;
}
