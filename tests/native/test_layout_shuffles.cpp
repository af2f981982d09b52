// Shuffles beside what does the same without them: the bytes, and what is refused and how it is named. On a processor
// that has no permutation of bytes both ways are one.
#include <doctest/doctest.h>

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "layout_plans.hpp"

namespace {

// Bytes at whose end the mapping ends: one too far is a fault.
class EndOfPage {
public:
    explicit EndOfPage(std::size_t bytes) : page_(static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))) {
        room_ = (bytes + page_ - 1) / page_ * page_;
        void *const mapped = ::mmap(nullptr, room_ + page_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        REQUIRE(mapped != MAP_FAILED);
        begin_ = static_cast<unsigned char *>(mapped);
        REQUIRE(::mprotect(begin_ + room_, page_, PROT_NONE) == 0);
        data = begin_ + room_ - bytes;
    }
    ~EndOfPage() { ::munmap(begin_, room_ + page_); }
    EndOfPage(const EndOfPage &) = delete;
    EndOfPage &operator=(const EndOfPage &) = delete;

    unsigned char *data = nullptr;

private:
    std::size_t page_;
    std::size_t room_ = 0;
    unsigned char *begin_ = nullptr;
};

constexpr Number kIntegers[] = {Number::kI8,  Number::kU8,  Number::kI16, Number::kU16,
                                Number::kI32, Number::kU32, Number::kI64, Number::kU64};

bool is_signed(Number number) {
    return (static_cast<int>(number) & 1) == 0;
}

// A plan of random fields side by side, and states whose numbers fit.
struct Scene {
    explicit Scene(std::uint64_t seed) : random(seed) {
        std::uint64_t src = 0;
        std::uint64_t dst = 0;
        Bytes pool = pattern(64);
        for (std::uint64_t fields = 2 + below(9); fields != 0; --fields) {
            src += below(4) == 0 ? below(40) : 0; // what is left out
            add_field(&src, &dst);
        }
        const std::uint64_t old_bytes = src + below(9);
        ops = at_other_places(old_bytes);
        plan = plan_of(old_bytes, dst, ops, pool);
    }

    std::uint64_t below(std::uint64_t end) { return random() % end; }

    void add_field(std::uint64_t *src, std::uint64_t *dst) {
        const std::uint64_t bytes = 1 + below(below(3) == 0 ? 100 : 12);
        switch (below(4)) {
        case 0:
            ops.push_back(copy(*src, *dst, bytes));
            *src += bytes;
            *dst += bytes;
            return;
        case 1:
            ops.push_back(below(2) == 0 || bytes > 64 ? fill(*dst, bytes) : fill(*dst, bytes, 0, bytes));
            *dst += bytes;
            return;
        default:
            const bool is_real = below(8) == 0;
            const Number from = is_real ? Number::kF32 : kIntegers[below(8)];
            const Number into = is_real ? Number::kF64 : kIntegers[below(8)];
            const std::uint64_t count = 1 + below(4);
            if (from == into) {
                return;
            }
            ops.push_back(convert(*src, *dst, count, from, into));
            *src += count * hotgraft::bytes_of(from);
            *dst += count * hotgraft::bytes_of(into);
        }
    }

    // Now and then the fields lie in another order in the old state.
    std::vector<CopyOp> at_other_places(std::uint64_t old_bytes) {
        std::vector<CopyOp> moved = ops;
        if (below(3) == 0) {
            for (CopyOp &op : moved) {
                const std::uint64_t bytes =
                    op.kind == CopyKind::kConvert ? op.count * hotgraft::bytes_of(op.source) : op.count;
                op.src = op.kind == CopyKind::kFill ? 0 : below(old_bytes - bytes + 1);
            }
        }
        return moved;
    }

    // Bytes of few values, so that many numbers fit, or all of them of small ones.
    Bytes states(std::uint64_t count, bool are_fitting) {
        Bytes made(plan.old_bytes * count);
        const unsigned char some[] = {0x00, 0xff, 0x7f, 0x80};
        for (unsigned char &byte : made) {
            byte = below(4) == 0 ? static_cast<unsigned char>(below(256)) : some[below(4)];
        }
        for (std::uint64_t at = 0; are_fitting && at < made.size(); at += plan.old_bytes) {
            for (const CopyOp &op : plan.ops) {
                for (std::uint64_t i = 0; op.kind == CopyKind::kConvert && i < op.count; ++i) {
                    const bool is_below = is_signed(op.source) && is_signed(static_cast<Number>(op.target));
                    const std::int64_t number =
                        op.source == Number::kF32 ? 0 : static_cast<std::int64_t>(below(128)) - (is_below ? 64 : 0);
                    std::memcpy(made.data() + at + op.src + i * hotgraft::bytes_of(op.source), &number,
                                hotgraft::bytes_of(op.source));
                }
            }
        }
        return made;
    }

    std::mt19937_64 random;
    std::vector<CopyOp> ops;
    CopyPlan plan;
};

struct Made {
    Status status;
    Bytes bytes;
};

Made run(const CopyPlan &plan, const Bytes &states, std::uint64_t count, bool is_shuffled) {
    hotgraft::allow_shuffles(is_shuffled);
    const EndOfPage from(states.size());
    const EndOfPage into(plan.new_bytes * count);
    std::memcpy(from.data, states.data(), states.size());
    std::memset(into.data, 0xA5, plan.new_bytes * count);
    Made made;
    made.status = program_of(plan)->run(from.data, states.size(), into.data, plan.new_bytes * count, count);
    made.bytes.assign(into.data, into.data + plan.new_bytes * count);
    CHECK(std::memcmp(from.data, states.data(), states.size()) == 0);
    hotgraft::allow_shuffles(true);
    return made;
}

void compare(const CopyPlan &plan, const Bytes &states, std::uint64_t count) {
    const Made plain = run(plan, states, count, false);
    const Made shuffled = run(plan, states, count, true);
    CHECK(shuffled.status.code() == plain.status.code());
    CHECK(shuffled.status.message() == plain.status.message());
    if (plain.status.is_ok()) {
        CHECK(shuffled.bytes == plain.bytes);
    }
}

} // namespace

TEST_CASE("random plans make the same of random states with shuffles and without") {
    int made = 0;
    for (std::uint64_t seed = 1; seed <= 1500; ++seed) {
        CAPTURE(seed);
        Scene scene(seed);
        if (scene.plan.new_bytes == 0 || scene.plan.old_bytes == 0) {
            continue;
        }
        const std::uint64_t count = 1 + scene.below(40);
        compare(scene.plan, scene.states(count, true), count);
        compare(scene.plan, scene.states(count, false), count);
        ++made;
    }
    CHECK(made > 1000);
}

TEST_CASE("every conversion of integers agrees about every number that is near an end of a range") {
    std::vector<std::uint64_t> numbers;
    for (const int bits : {0, 7, 8, 15, 16, 31, 32, 63}) {
        for (const std::int64_t near : {-2, -1, 0, 1}) {
            numbers.push_back((std::uint64_t{1} << bits) + static_cast<std::uint64_t>(near));
            numbers.push_back(~numbers.back());
        }
    }
    for (const Number from : kIntegers) {
        for (const Number into : kIntegers) {
            if (from == into) {
                continue;
            }
            const std::uint64_t old_bytes = hotgraft::bytes_of(from);
            const CopyPlan plan =
                plan_of(8 + old_bytes, 3 + hotgraft::bytes_of(into), {copy(0, 0, 3), convert(8, 3, 1, from, into)});
            for (const std::uint64_t number : numbers) {
                Bytes states = Bytes(5 * plan.old_bytes, 0);
                std::memcpy(states.data() + 2 * plan.old_bytes + 8, &number, old_bytes);
                CAPTURE(static_cast<int>(from));
                CAPTURE(static_cast<int>(into));
                CAPTURE(number);
                compare(plan, states, 5);
            }
        }
    }
}
