// Room for what the pointers of a state lead to: it is made before the gates close, also where nobody has looked how
// much that is, so that no caller waits for a page that is touched for the first time.
#include <doctest/doctest.h>

#include <sys/resource.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "layout_block.hpp"
#include "pointed_steps.hpp"
#include "steps_host.hpp"

using namespace hotgraft;

namespace {

constexpr const char *kOld = "-DSTEPS_POINTED -DSTEPS_NUMBERS=500000";
constexpr const char *kNew = "-DSTEPS_POINTED -DSTEPS_NUMBERS=500000 -DSTEPS_STEP=10";
constexpr long kPages = 500'000 * 8 / 4096; // that the numbers take

struct Faults {
    long at_convert = 0;
    long during = -1;
};

long faults_now() {
    rusage usage{};
    REQUIRE(::getrusage(RUSAGE_SELF, &usage) == 0);
    return usage.ru_minflt;
}

StepSeam count_faults(StepKind kind, void *ctx) {
    auto &faults = *static_cast<Faults *>(ctx);
    if (kind == StepKind::kConvert) {
        faults.at_convert = faults_now();
    } else if (kind == StepKind::kTake) {
        faults.during = faults_now() - faults.at_convert;
    }
    return StepSeam::kRun;
}

InstanceMove conversion(bool is_recalled, std::vector<std::uint64_t> expected) {
    InstanceMove move{0, 0, StateWay::kConvert, is_recalled};
    move.conversion = conversion_by(walk_of_steps(), walk_of_steps(), walk_of_steps());
    move.expected_bytes = sizeof(PointedState);
    move.expected_pointed = std::move(expected);
    return move;
}

// Pages touched for the first time while the state was converted.
long faults_of(SwapMember member, StepsHost &host) {
    Faults faults;
    set_step_hook(count_faults, &faults);
    SwapRequest request;
    request.members.push_back(std::move(member));
    request.deadline_ns = monotonic_ns() + 5 * kSecond;
    const SwapRecord record = run_swap(request);
    set_step_hook(nullptr, nullptr);
    REQUIRE_MESSAGE(record.is_published, record.failure.message());
    std::swap(host.active_, host.replaced_);
    host.active_ = request.members.front().next;
    host.replaced_ = request.members.front().old_generation;
    return faults.during;
}

long swap_faults(StepsHost &host, std::vector<std::uint64_t> expected = {}) {
    const Candidate candidate = host.bring(kNew, "{}");
    return faults_of({host.active_,
                      candidate.generation,
                      {conversion(false, std::move(expected))},
                      candidate.tables[0],
                      PinRule::kWait},
                     host);
}

long rollback_faults(StepsHost &host) {
    InterfaceWish wish;
    wish.id = "steps/1";
    wish.version = 1U << 16;
    wish.padded_bytes = host.slot_->padded_bytes();
    const hotgraft_table *table = nullptr;
    REQUIRE(host.replaced_->make_table(0, wish, &table).is_ok());
    SwapMember member;
    member.old_generation = host.active_;
    member.next = host.replaced_;
    member.instances.push_back(conversion(true, {}));
    member.slots.push_back({host.slot_, table});
    member.pins = PinRule::kWait;
    member.is_recalled = true;
    return faults_of(std::move(member), host);
}

// Room that was made for what is not there: what there was before it was made for all that may be.
std::string without_room() {
    StepsHost host(kOld);
    (void)swap_faults(host);
    const long faults = swap_faults(host, {1});
    return faults >= kPages ? std::to_string(faults) + " pages were touched first while callers waited" : "";
}

} // namespace

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kCountsFaults = false; // the sanitizer's own memory is touched first then, too
#else
constexpr bool kCountsFaults = true;
#endif

TEST_CASE("no page is touched first while callers wait, on the way there and on the way back, whoever looked before") {
    StepsHost host(kOld);
    host.call(&StepsInterface::next);
    (void)swap_faults(host); // what runs for the first time is touched by that
    CHECK(host.call(&StepsInterface::next) == 11);
    CHECK((swap_faults(host) < kPages / 16 || !kCountsFaults));
    CHECK(host.call(&StepsInterface::next) == 21);
    CHECK((rollback_faults(host) < kPages / 16 || !kCountsFaults));
    CHECK(host.call(&StepsInterface::next) == 31);
}

TEST_CASE("blocks that were cut from one room are freed, moved and billed each by itself") {
    Ledger *const ledger = Ledger::make();
    REQUIRE(ledger != nullptr);
    auto room = std::make_unique<BlockRoom>();
    room->make(BlockRoom::bytes_for(3, 3000));
    std::vector<void *> blocks;
    for (const std::uint64_t align : {0U, 64U, 32U}) {
        void *const block = room->cut(ledger, 1000, align);
        REQUIRE(block != nullptr);
        CHECK(Ledger::block_bytes(block) == 1000);
        CHECK(reinterpret_cast<std::uintptr_t>(block) % (align == 0 ? 16 : align) == 0);
        std::memset(block, 0x5a, 1000);
        blocks.push_back(block);
    }
    CHECK(room->cut(ledger, 1000, 0) == nullptr);
    CHECK(ledger->live_bytes() == 3000);
    room.reset(); // its blocks keep it
    Ledger::free_block(blocks[0]);
    auto *const moved = static_cast<unsigned char *>(Ledger::reallocate(ledger, blocks[1], 2000, 0));
    REQUIRE(moved != nullptr);
    CHECK(moved != blocks[1]);
    CHECK(moved[999] == 0x5a);
    CHECK(ledger->live_bytes() == 3000);
    CHECK(Ledger::lend(blocks[2]));
    Ledger::settle(blocks[2]);
    Ledger::free_block(moved);
    Ledger::free_block(blocks[2]);
    CHECK(ledger->live_blocks() == 0);
    ledger->release();
}

TEST_CASE("what is too much for a room stays without one") {
    Ledger *const ledger = Ledger::make();
    REQUIRE(ledger != nullptr);
    BlockRoom room;
    CHECK(BlockRoom::bytes_for(~std::uint64_t{0}, 1) > BlockRoom::kBytesMax);
    CHECK(BlockRoom::bytes_for(1, ~std::uint64_t{0}) > BlockRoom::kBytesMax);
    room.make(BlockRoom::kBytesMax + 1);
    CHECK(room.cut(ledger, 8, 0) == nullptr);
    const auto program = walk_of_steps();
    CHECK(PointedRooms::bytes_after(*program, ~std::uint64_t{0} - 1, 8) > BlockRoom::kBytesMax);
    CHECK(PointedRooms::bytes_after(*program, 2, ~std::uint64_t{0}) >= BlockRoom::kBytesMax);
    CHECK(PointedRooms::bytes_after(*program, 2, 4096) < 8192);
    ledger->release();
}

int main(int argc, char **argv) {
    doctest::Context context(argc, argv);
    if (argc == 3 && std::strcmp(argv[1], "--control") == 0) {
        context.setAsDefaultForAssertsOutOfTestCases();
        const std::string seen = without_room();
        std::printf("control %s: %s%s\n", argv[2], seen.empty() ? "NOT seen" : "seen: ", seen.c_str());
        return seen.empty() ? 1 : 0;
    }
    return context.run();
}
