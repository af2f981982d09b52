#include "layout.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <utility>

#include "layout_check.hpp"

namespace hotgraft {

namespace {

// What is read and written in one go stays in the first cache, however many operations pass over it.
constexpr std::size_t kTileBytes = 4096;
// Of fewer states than so many, kernels are done before shuffles have begun.
constexpr std::size_t kFewStates = 4;

// Which operation refused what; `value` is nullptr where nothing was refused.
struct Refused {
    std::size_t op = 0;
    const unsigned char *value = nullptr;
};

// A pointer on the way from the state to what was refused, and the block that it leads to.
struct Followed {
    const unsigned char *at;
    const unsigned char *block;
};

// Operations are independent of each other: each byte is written by one of them, and the old block only read. So a
// strip may be passed over by one operation after another, and loops may be turned inside out.
class Run {
public:
    Run(const std::vector<CopyOp> &ops, const std::vector<PreparedOp> &prepared, const std::vector<CopyBody> &bodies,
        const BlockMaker *make) noexcept
        : ops_(ops), prepared_(prepared), bodies_(bodies), make_(make) {}

    // One body on a strip, a tile at a time where several operations pass over it. At most kNestingMax calls deep.
    Refused pass(const CopyBody &body, Strip strip) noexcept {
        const bool is_shuffled = body.shuffles.are_there() && strip.count >= kFewStates;
        const bool is_one_pass = is_shuffled ? body.shuffles.are_all() : body.is_one_pass;
        const std::size_t tile = is_one_pass ? strip.count : tile_of(strip);
        while (strip.count != 0) {
            Strip part = strip;
            part.count = std::min(tile, strip.count);
            const Refused refused = is_shuffled ? shuffled_pass(body, part) : tile_pass(body, part);
            if (refused.value != nullptr) {
                return refused;
            }
            strip.src += part.count * strip.src_stride;
            strip.dst += part.count * strip.dst_stride;
            strip.count -= part.count;
        }
        return {};
    }

    [[nodiscard]] bool lacks_memory() const noexcept { return lacks_memory_; }
    // From the state on. Of what is beyond their number there is none.
    [[nodiscard]] std::vector<Followed> followed() const {
        return {followed_.rend() - static_cast<std::ptrdiff_t>(followed_count_), followed_.rend()};
    }

private:
    // A number that does not fit is found again by its own kernel, which says which it is.
    Refused shuffled_pass(const CopyBody &body, const Strip &strip) noexcept {
        if (!body.shuffles.make(strip)) {
            return tile_pass(body, strip);
        }
        for (std::size_t at = body.begin; at < body.end; ++at) {
            const bool has_inner = has_body(ops_[at].kind);
            if (!body.shuffles.makes(at)) {
                const Refused refused = own_pass(at, strip);
                if (refused.value != nullptr) {
                    return refused;
                }
            }
            at += has_inner ? static_cast<std::size_t>(ops_[at].data) : 0;
        }
        return {};
    }

    Refused own_pass(std::size_t at, const Strip &strip) noexcept {
        return has_body(ops_[at].kind) ? inner_pass(at, strip)
                                       : Refused{at, prepared_[at].kernel(prepared_[at], strip)};
    }

    static std::size_t tile_of(const Strip &strip) noexcept {
        return std::max<std::size_t>(1, kTileBytes / std::max<std::size_t>({strip.src_stride, strip.dst_stride, 1}));
    }

    Refused tile_pass(const CopyBody &body, const Strip &strip) noexcept {
        const bool is_moved = body.moves.suit(strip);
        Strip last = strip;
        if (is_moved) {
            body.moves.make(strip);
            last.src += (strip.count - 1) * strip.src_stride;
            last.dst += (strip.count - 1) * strip.dst_stride;
            last.count = 1;
        }
        for (std::size_t at = body.begin; at < body.end; ++at) {
            const bool has_inner = has_body(ops_[at].kind);
            const Strip &left = is_moved && is_move(ops_[at].kind) ? last : strip;
            const Refused refused = own_pass(at, left);
            if (refused.value != nullptr) {
                return refused;
            }
            at += has_inner ? static_cast<std::size_t>(ops_[at].data) : 0;
        }
        return {};
    }

    Refused inner_pass(std::size_t at, const Strip &strip) noexcept {
        return ops_[at].kind == CopyKind::kLoop      ? loop(at, strip)
               : ops_[at].kind == CopyKind::kPointed ? pointed(at, strip)
                                                     : choose(at, strip);
    }

    Refused pointed(std::size_t at, const Strip &strip) noexcept {
        for (std::size_t i = 0; i < strip.count; ++i) {
            const unsigned char *const begin = strip.src + i * strip.src_stride;
            if (const Refused refused = one_pointed(at, begin, strip.dst + i * strip.dst_stride);
                refused.value != nullptr) {
                return refused;
            }
        }
        return {};
    }

    // What is beyond the count holds nothing, and the new block has room for it all the same.
    Refused one_pointed(std::size_t at, const unsigned char *from, unsigned char *into) noexcept {
        const CopyOp &op = ops_[at];
        const unsigned char *old = nullptr;
        std::memcpy(&old, from + op.src, sizeof old);
        MadeBlock made;
        if (old != nullptr) {
            made = (*make_)(old, op.src_stride, op.dst_stride);
            const std::uint64_t count = integer_at(op.source, from + op.count);
            lacks_memory_ = made.data == nullptr || count > made.bytes / op.dst_stride;
            if (lacks_memory_) {
                return {at, from + op.src};
            }
            const std::uint64_t used = count * op.dst_stride;
            std::memset(made.data + used, 0, made.bytes - used);
            const Strip elements{old, made.data, count, op.src_stride, op.dst_stride};
            if (const Refused refused = pass(bodies_[prepared_[at].body], elements); refused.value != nullptr) {
                followed_[followed_count_++] = {from + op.src, old}; // no deeper than bodies are
                return refused;
            }
        }
        std::memcpy(into + op.dst, &made.data, sizeof made.data);
        return {};
    }

    // As many at once as have the same tag.
    Refused choose(std::size_t at, const Strip &strip) noexcept {
        const CopyOp &op = ops_[at];
        const auto tag_of = [&](std::size_t i) {
            return integer_at(op.source, strip.src + i * strip.src_stride + op.src);
        };
        for (std::size_t i = 0, end = 0; i < strip.count; i = end) {
            const std::uint64_t tag = tag_of(i);
            for (end = i + 1; end < strip.count && tag_of(end) == tag; ++end) {
            }
            const std::size_t found = case_of(ops_, at, tag);
            if (found == at) {
                return {at, strip.src + i * strip.src_stride + op.src};
            }
            const Strip alike{strip.src + i * strip.src_stride + ops_[found].src,
                              strip.dst + i * strip.dst_stride + op.dst, end - i, strip.src_stride, strip.dst_stride};
            if (const Refused refused = pass(bodies_[prepared_[found].body], alike); refused.value != nullptr) {
                return refused;
            }
        }
        return {};
    }

    Refused loop(std::size_t at, const Strip &strip) noexcept {
        const CopyOp &op = ops_[at];
        const unsigned char *const src = strip.src + op.src;
        unsigned char *const dst = strip.dst + op.dst;
        // The longer way round is the inner one: along the array, or along the strip.
        const bool is_along_array = op.count >= strip.count;
        const std::size_t rounds = is_along_array ? strip.count : op.count;
        const std::size_t src_step = is_along_array ? strip.src_stride : op.src_stride;
        const std::size_t dst_step = is_along_array ? strip.dst_stride : op.dst_stride;
        const Strip inner = is_along_array ? Strip{src, dst, op.count, op.src_stride, op.dst_stride}
                                           : Strip{src, dst, strip.count, strip.src_stride, strip.dst_stride};
        for (std::size_t i = 0; i < rounds; ++i) {
            Strip turn = inner;
            turn.src += i * src_step;
            turn.dst += i * dst_step;
            if (const Refused refused = pass(bodies_[prepared_[at].body], turn); refused.value != nullptr) {
                return refused;
            }
        }
        return {};
    }

    const std::vector<CopyOp> &ops_;
    const std::vector<PreparedOp> &prepared_;
    const std::vector<CopyBody> &bodies_;
    const BlockMaker *make_;
    bool lacks_memory_ = false;
    std::array<Followed, CopyProgram::kNestingMax> followed_{}; // the innermost first
    std::size_t followed_count_ = 0;
};

CopyRefusal describe(const CopyPlan &plan, const Refused &refused, const void *block,
                     const std::vector<Followed> &followed) {
    const auto *begin = static_cast<const unsigned char *>(block);
    const auto offset_to = [&](const unsigned char *at) { return static_cast<std::uint64_t>(at - begin); };
    CopyRefusal refusal;
    refusal.path = plan.ops[refused.op].path;
    refusal.offset = offset_to(followed.empty() ? refused.value : followed.front().at);
    refusal.element = refusal.offset / plan.old_bytes;
    std::vector<std::uint64_t> offsets;
    for (const Followed &one : followed) {
        offsets.push_back(offset_to(one.at));
        begin = one.block;
    }
    offsets.push_back(offset_to(refused.value));
    offsets.front() %= plan.old_bytes;
    refusal.field = field_at(plan, refused.op, refusal.path, offsets);
    refusal.value = value_text(plan.ops[refused.op], refused.value);
    return refusal;
}

bool do_overlap(const void *one, std::uint64_t one_bytes, const void *other, std::uint64_t other_bytes) noexcept {
    const auto a = reinterpret_cast<std::uintptr_t>(one);
    const auto b = reinterpret_cast<std::uintptr_t>(other);
    return a < b ? b - a < one_bytes : a - b < other_bytes;
}

// Without a division by zero and without a product that overflows.
bool is_block_of(std::uint64_t bytes, std::uint64_t count, std::uint64_t state_bytes) noexcept {
    return bytes % state_bytes == 0 && bytes / state_bytes == count;
}

std::string sentence_of(const CopyRefusal &refusal, const CopyOp &op, std::uint64_t count) {
    std::string text = refusal.field + " holds " + refusal.value + ", " + why_refused(op);
    if (count > 1) {
        text += ", in state " + std::to_string(refusal.element) + " of 0 to " + std::to_string(count - 1);
    }
    return text;
}

} // namespace

Status CopyProgram::make(CopyPlan plan, std::shared_ptr<const CopyProgram> *made) noexcept {
    return or_no_memory([&]() -> Status {
        if (Status status = check_plan(plan); !status.is_ok()) {
            return status;
        }
        *made = prepared_of(std::move(plan));
        return {};
    });
}

std::shared_ptr<const CopyProgram> CopyProgram::prepared_of(CopyPlan plan) {
    std::shared_ptr<CopyProgram> program(new CopyProgram(std::move(plan)));
    program->prepare();
    return program;
}

void CopyProgram::prepare() {
    const std::vector<CopyOp> &ops = plan_.ops;
    prepared_.reserve(ops.size());
    for (const CopyOp &op : ops) {
        const bool has_data = !has_body(op.kind) && op.data_bytes != 0;
        has_blocks_ = has_blocks_ || op.kind == CopyKind::kPointed;
        prepared_.push_back(prepare_op(op, has_data ? plan_.pool.data() + op.data : nullptr));
    }
    const auto body_of = [&](std::size_t begin, std::size_t end, std::size_t src_bytes, std::size_t dst_bytes) {
        CopyBody body;
        body.begin = begin;
        body.end = end;
        body.moves = Moves(ops, prepared_, begin, end, src_bytes, dst_bytes);
        body.shuffles = Shuffles(ops, prepared_, begin, end, dst_bytes);
        const bool is_one = end - begin == 1 && !has_body(ops[begin].kind);
        body.is_one_pass = is_one || body.moves.are_all_of(end - begin);
        bodies_.push_back(body);
    };
    body_of(0, ops.size(), plan_.old_bytes, plan_.new_bytes);
    for (std::size_t at = 0; at < ops.size(); ++at) {
        if (has_body(ops[at].kind) && ops[at].kind != CopyKind::kChoose) { // that one's are its cases
            prepared_[at].body = bodies_.size();
            body_of(at + 1, at + 1 + static_cast<std::size_t>(ops[at].data), ops[at].src_stride, ops[at].dst_stride);
        }
    }
}

Status CopyProgram::run(const void *old_block, std::uint64_t old_bytes, void *new_block, std::uint64_t new_bytes,
                        std::uint64_t count, CopyRefusal *refusal, const BlockMaker *make) const noexcept {
    if (!is_block_of(old_bytes, count, plan_.old_bytes) || !is_block_of(new_bytes, count, plan_.new_bytes)) {
        return or_no_memory([&]() -> Status {
            return {Code::kInvalid, std::to_string(count) + " states of " + std::to_string(plan_.old_bytes) + " and " +
                                        std::to_string(plan_.new_bytes) + " bytes do not lie in blocks of " +
                                        std::to_string(old_bytes) + " and " + std::to_string(new_bytes)};
        });
    }
    if (do_overlap(old_block, old_bytes, new_block, new_bytes)) {
        return or_no_memory([]() -> Status { return {Code::kInvalid, "the two blocks overlap"}; });
    }
    if (has_blocks_ && make == nullptr) {
        return or_no_memory([]() -> Status { return {Code::kInvalid, "it leads to other blocks, and none are made"}; });
    }
    const auto *const src = static_cast<const unsigned char *>(old_block);
    const Strip whole{src, static_cast<unsigned char *>(new_block), count, plan_.old_bytes, plan_.new_bytes};
    Run run(plan_.ops, prepared_, bodies_, make);
    const Refused refused = run.pass(bodies_.front(), whole);
    if (refused.value == nullptr) {
        return {};
    }
    return or_no_memory([&]() -> Status {
        CopyRefusal found = describe(plan_, refused, src, run.followed());
        if (run.lacks_memory()) {
            return {Code::kNoMemory, "no memory for what " + found.field + " leads to"};
        }
        Status status(Code::kRefused, sentence_of(found, plan_.ops[refused.op], count));
        if (refusal != nullptr) {
            *refusal = std::move(found);
        }
        return status;
    });
}

} // namespace hotgraft
