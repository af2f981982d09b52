// The authors' converters on their way through a swap: a library's own, read with suspicion (abi convert.h), and the
// way over several of them as one step of the window.
//
// A converter works on a copy: whoever runs it holds nothing of a live state. So one that does not return is left
// behind with that copy, and what served has its state as it was.
#ifndef HOTGRAFT_CORE_CONVERTERS_HPP
#define HOTGRAFT_CORE_CONVERTERS_HPP

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <hotgraft/convert.h>

#include "keyed_state.hpp"
#include "library.hpp"
#include "status.hpp"

namespace hotgraft {

class CopyProgram;
class Generation;

// One row of a library's table.
struct ConverterRow {
    std::uint32_t from_schema = 0;
    std::uint32_t to_schema = 0;
    decltype(hotgraft_converter::convert) convert = nullptr;
};

inline constexpr std::uint32_t kConvertersMax = 256;

// "converter 2→3".
[[nodiscard]] std::string title_of(const ConverterRow &row);

// Check what get_extension(HOTGRAFT_EXT_CONVERT) answered. kRefused lists every violation. Runs no plugin code.
[[nodiscard]] Status read_converters(const Library &library, const void *answer, std::vector<ConverterRow> *out);

// A copy of what is alive in one instance, in neither generation: an image of its block and of those that it leads to
// (layout_pointed.hpp), or what it saved.
struct LooseState {
    std::vector<std::vector<unsigned char>> blocks;
    KeyedState values = KeyedState();
};

// The way over converters, of all instances of one plugin.
struct StateConverters {
    bool from_block = false; // the block is surrendered and copied; else the state is saved
    bool to_block = false;   // a block is made of what comes out, and taken; else values are restored
    std::uint32_t to_schema = 0;
    // What finds the blocks that a block leads to; nullptr: it leads to none.
    std::shared_ptr<const CopyProgram> old_walk{};
    std::shared_ptr<const CopyProgram> next_walk{};
    // Carry out all of it, by `deadline_ns`, for the swap of this number (GateSet::swap). kRefused: a converter failed,
    // or its values will not do; kTimedOut, kAbandoned: one did not return. Called by one thread at a time.
    std::function<Status(LooseState from, std::int64_t deadline_ns, std::uint64_t swap, LooseState *to)> run;
};

// One step over a library's own converter.
struct ConverterStep {
    std::shared_ptr<Generation> generation;
    std::uint32_t from_schema = 0;
    std::uint32_t to_schema = 0;
};

// A way over libraries' own converters alone, from saved values to values to restore: on a control thread of its own,
// which is up when this returns. A generation whose converter does not return is abandoned.
[[nodiscard]] std::shared_ptr<StateConverters> native_converters(std::vector<ConverterStep> steps);

} // namespace hotgraft

#endif // HOTGRAFT_CORE_CONVERTERS_HPP
