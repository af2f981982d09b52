// Swap after swap of plugins with state, by every way across and called off in between: no generation leaves a byte in
// its books when it is reclaimed, and the heap does not grow. Under a sanitizer the end of the process says the same.
#include <doctest/doctest.h>

#include <malloc.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "guard_scene.hpp"
#include "steps_host.hpp"

using namespace hotgraft;

namespace {

constexpr std::uint64_t kBytes = sizeof(std::int64_t);
constexpr std::uint64_t kAtOnce = 64; // generations on their way out
constexpr std::int64_t kHeapBytesPerSwap = 8;

std::shared_ptr<const BlockConversion> copying() {
    auto made = std::make_shared<BlockConversion>();
    made->size = [](std::uint64_t, std::uint64_t *next_bytes) {
        *next_bytes = kBytes;
        return Status();
    };
    made->convert = [](const void *old, std::uint64_t, void *next) {
        std::memcpy(next, old, kBytes);
        return Status();
    };
    return made;
}

std::int64_t heap_bytes() {
#if defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 33)
    return static_cast<std::int64_t>(mallinfo2().uordblks); // 0 under a sanitizer, which has its own heap
#endif
#endif
    return 0;
}

// What was replaced or dropped, until it has left memory.
class Leaving {
public:
    void retire(const std::shared_ptr<Generation> &generation) {
        REQUIRE(Reaper::instance().retire(generation).is_ok());
        add(generation);
    }
    void drop(const Candidate &candidate) {
        drop_candidate(candidate);
        add(candidate.generation);
    }
    void check() {
        const Status idle = Reaper::instance().wait_idle(monotonic_ns() + 60 * kSecond);
        REQUIRE_MESSAGE(idle.is_ok(), idle.message());
        for (const std::shared_ptr<Generation> &generation : generations_) {
            REQUIRE(generation->stage() == Stage::kUnloaded);
            REQUIRE(generation->live_bytes() == 0);
        }
        generations_.clear();
    }

private:
    void add(const std::shared_ptr<Generation> &generation) {
        generations_.push_back(generation);
        if (generations_.size() == kAtOnce) {
            check();
        }
    }
    std::vector<std::shared_ptr<Generation>> generations_;
};

SwapRecord carry(StepsHost &host, const Candidate &candidate, StateWay way) {
    static const std::shared_ptr<const BlockConversion> conversion = copying();
    const InstanceMove move{0, 0, way, false, way == StateWay::kConvert ? conversion : nullptr, kBytes};
    SwapRequest request;
    request.members.push_back({host.active_, candidate.generation, {move}, candidate.tables[0], PinRule::kWait});
    request.deadline_ns = monotonic_ns() + 60 * kSecond;
    return run_swap(request);
}

// One turn: swaps that are called off, then one that is not. Answers how many.
std::uint64_t turn(StepsHost &host, Leaving &leaving, const std::string &flags, StateWay way,
                   const std::vector<const char *> &failing) {
    for (const char *step : failing) {
        const Candidate candidate = host.bring(flags, std::string("{\"fail\": \"") + step + "\"}");
        REQUIRE_FALSE(carry(host, candidate, way).is_published);
        leaving.drop(candidate);
    }
    const Candidate candidate = host.bring(flags, "{}");
    const SwapRecord record = carry(host, candidate, way);
    REQUIRE_MESSAGE(record.is_published, record.failure.message());
    leaving.retire(std::exchange(host.active_, candidate.generation));
    return failing.size() + 1;
}

} // namespace

TEST_CASE("no stateful swap leaves a byte behind, by whatever way and however it ends") {
    const std::uint64_t most = scene::sized(40, 10'000);
    StepsHost blocks("-DSTEPS_LAYOUT=11");
    StepsHost values("-DSTEPS_SAVES");
    Leaving leaving;
    std::uint64_t swaps = 0;
    std::int64_t turns = 0;
    std::uint64_t warm_swaps = 0;
    std::int64_t warm_bytes = 0;
    while (swaps < most) {
        swaps += turn(blocks, leaving, "-DSTEPS_LAYOUT=11", StateWay::kHandOver, {"take", "start"});
        swaps += turn(blocks, leaving, "-DSTEPS_LAYOUT=12", StateWay::kConvert, {"take"});
        swaps += turn(blocks, leaving, "-DSTEPS_LAYOUT=11", StateWay::kConvert, {"start"});
        swaps += turn(values, leaving, "-DSTEPS_SAVES", StateWay::kSaveRestore, {"restore", "start"});
        turns += 1;
        REQUIRE(blocks.call(&StepsInterface::next) == turns);
        REQUIRE(values.call(&StepsInterface::next) == turns);
        REQUIRE(blocks.active_->live_bytes() == kBytes);
        REQUIRE(values.active_->live_bytes() == kBytes);
        if (warm_swaps == 0 && swaps >= most / 5) { // until here caches fill: the loader's, malloc's
            leaving.check();
            warm_swaps = swaps;
            warm_bytes = heap_bytes();
        }
    }
    leaving.check();
    const std::int64_t grown = heap_bytes() - warm_bytes;
    if (most >= 1000) { // of a few, one table that doubled is all there is to see
        CHECK(grown <= kHeapBytesPerSwap * static_cast<std::int64_t>(swaps - warm_swaps));
    }
    MESSAGE(swaps << " swaps; the heap grew by " << grown << " bytes in the last " << swaps - warm_swaps);
}

TEST_CASE("what nobody frees stands in the books of who had it when that is gone") {
    std::shared_ptr<Generation> forgetful;
    Block block;
    {
        StepsHost host;
        forgetful = host.active_;
        REQUIRE(forgetful->surrender(0, &block).is_ok());
    }
    CHECK(forgetful->stage() == Stage::kUnloaded);
    CHECK(forgetful->live_bytes() == kBytes);
    Ledger::free_block(block.data);
    CHECK(forgetful->live_bytes() == 0);
}
