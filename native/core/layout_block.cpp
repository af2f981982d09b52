#include "layout_block.hpp"

#include <string>
#include <utility>

namespace hotgraft {

namespace {

Status size_of(const CopyProgram &program, std::uint64_t old_bytes, std::uint64_t *next_bytes) {
    const std::uint64_t count = old_bytes / program.old_bytes();
    if (count == 0 || count * program.old_bytes() != old_bytes) {
        return {Code::kRefused, "a block of " + std::to_string(old_bytes) +
                                    " bytes holds no whole number of states of " + std::to_string(program.old_bytes())};
    }
    if (count > CopyProgram::kStateBytesMax / program.new_bytes()) {
        return {Code::kRefused, std::to_string(count) + " states of " + std::to_string(program.new_bytes()) +
                                    " bytes are more than a block may hold"};
    }
    *next_bytes = count * program.new_bytes();
    return {};
}

} // namespace

std::shared_ptr<const BlockConversion> conversion_by(std::shared_ptr<const CopyProgram> program,
                                                     std::shared_ptr<const CopyProgram> old_walk,
                                                     std::shared_ptr<const CopyProgram> next_walk) {
    auto conversion = std::make_shared<BlockConversion>();
    if (old_walk != nullptr || next_walk != nullptr) {
        conversion->pointed = BlockConversion::Pointed{program, std::move(old_walk), std::move(next_walk)};
    }
    conversion->size = [program](std::uint64_t old_bytes, std::uint64_t *next_bytes) {
        return size_of(*program, old_bytes, next_bytes);
    };
    conversion->convert = [program = std::move(program)](const void *old, std::uint64_t old_bytes, void *next) {
        const std::uint64_t count = old_bytes / program->old_bytes();
        return program->run(old, old_bytes, next, count * program->new_bytes(), count);
    };
    return conversion;
}

std::uint64_t likely_state_bytes(const Generation &generation, std::size_t index, const CopyProgram &program) noexcept {
    const std::uint64_t bytes = generation.likely_block_bytes(index);
    return bytes != 0 && bytes % program.old_bytes() == 0 ? bytes : program.old_bytes();
}

} // namespace hotgraft
