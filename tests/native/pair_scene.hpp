// Two plugins that call each other (tests/plugins/pair_stamps.c), always of one generation: brought, swapped and rolled
// back as one set by run_swap, and judged by what their calls answer.
#ifndef HOTGRAFT_TESTS_PAIR_SCENE_HPP
#define HOTGRAFT_TESTS_PAIR_SCENE_HPP

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "guard_scene.hpp"

#include "../plugins/pair_stamps.h"
#include "control.hpp"
#include "host_import.hpp"
#include "prepare.hpp"
#include "reclaim.hpp"
#include "swap.hpp"

namespace scene {

inline const std::filesystem::path &pair_folder() {
    struct Folder {
        Folder() {
            std::string name = (std::filesystem::temp_directory_path() / "hotgraft-pair-XXXXXX").string();
            REQUIRE(::mkdtemp(name.data()) != nullptr);
            path = name;
        }
        ~Folder() {
            std::error_code ignored;
            std::filesystem::remove_all(path, ignored);
        }
        std::filesystem::path path;
    };
    static const Folder folder;
    return folder.path;
}

// The image whose code says `number`: compiled once, and its stamp written into a copy for each.
inline const std::string &pair_image(std::uint64_t number) {
    static std::array<std::string, PAIR_CODES> images = [] {
        const std::string image = (pair_folder() / "pair.so").string();
        const std::string command = "cc -std=c11 -O1 -shared -fPIC -fvisibility=hidden -I" HOTGRAFT_ABI_DIR
                                    " " HOTGRAFT_PLUGINS_DIR "/pair_stamps.c -o " +
                                    image;
        REQUIRE(std::system(command.c_str()) == 0);
        std::ifstream file(image, std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
        const std::uint64_t stamp = UINT64_C(0x5afe57a3c0de57a3);
        const std::size_t at = bytes.find(std::string(reinterpret_cast<const char *>(&stamp), sizeof stamp));
        REQUIRE(at != std::string::npos);
        std::array<std::string, PAIR_CODES> made;
        for (std::uint64_t code = 0; code < PAIR_CODES; ++code) {
            std::string stamped = bytes;
            stamped.replace(at, sizeof code, std::string(reinterpret_cast<const char *>(&code), sizeof code));
            made[code] = (pair_folder() / ("pair" + std::to_string(code) + ".so")).string();
            std::ofstream(made[code], std::ios::binary) << stamped;
        }
        return made;
    }();
    return images[number % PAIR_CODES];
}

inline bool is_whole(std::uint64_t stamp) {
    return (stamp & PAIR_RESTING) == 0 && stamp >> 8 != 0 && (stamp >> 8) % PAIR_CODES == (stamp & 0xff);
}

// What is wrong with a call of that depth; nullptr: every half of it was of one piece, and all were of one generation.
inline const char *fault_of(const pair_call &call, std::uint64_t depth) {
    for (std::uint64_t i = 0; i < call.count; ++i) {
        if ((call.stamps[i] & PAIR_RESTING) != 0) {
            return "a half was entered while it holds still";
        }
        if (!is_whole(call.stamps[i])) {
            return "code and state of one half are of two generations";
        }
        if (call.stamps[i] != call.stamps[0]) {
            return "the halves are of two generations";
        }
    }
    return call.count == 2 * depth + 1 && call.refused == 0 ? nullptr : "a half was not entered";
}

enum Half : std::size_t { kConsumer, kProvider, kHalves }; // in the order in which they are quiesced

// Thread safety
//   call(), total(), rollbacks, rolled_back: any thread. The rest: one thread.
class Duo {
public:
    // `own`: what a half's own thread does, or nullptr; the test's, which outlives this.
    explicit Duo(std::array<pair_thread *, kHalves> own = {}) : own_(own) {
        fill_host_import(*halves_[kConsumer].slot, &halves_[kConsumer].import);
        fill_host_import(*halves_[kProvider].slot, &halves_[kProvider].import);
        std::array<Candidate, kHalves> candidates = bring();
        for (std::size_t at = 0; at < kHalves; ++at) {
            REQUIRE(candidates[at].generation->start(0).is_ok());
            REQUIRE(Guards::instance().publish_open(*halves_[at].slot, candidates[at].tables[0][0].next).is_ok());
            candidates[at].generation->mark_active();
            halves_[at].active = candidates[at].generation;
        }
    }
    ~Duo() {
        for (Member &half : halves_) {
            CHECK(Guards::instance().publish_open(*half.slot, nullptr).is_ok());
            half.active->mark_held();
            CHECK(Reaper::instance().retire(half.active).is_ok());
        }
        commit();
        const Status idle = Reaper::instance().wait_idle(in_seconds(60));
        CHECK_MESSAGE(idle.is_ok(), idle.message());
    }
    Duo(const Duo &) = delete;
    Duo &operator=(const Duo &) = delete;

    // --- calls ---

    void call(Half half, pair_call *call, std::uint64_t depth) const {
        hotgraft_guard guard;
        const hotgraft_table *table = hotgraft_enter(&halves_[half].import, &guard);
        if (table == nullptr) {
            call->refused += 1;
            return;
        }
        HOTGRAFT_INTERFACE(pair_v1, table)->ask(table->self, call, depth);
        hotgraft_leave(&guard);
    }
    [[nodiscard]] std::uint64_t total(Half half, std::uint64_t lane) const {
        hotgraft_guard guard;
        const hotgraft_table *table = hotgraft_enter(&halves_[half].import, &guard);
        const std::uint64_t count = HOTGRAFT_INTERFACE(pair_v1, table)->total(table->self, lane);
        hotgraft_leave(&guard);
        return count;
    }

    // What own thread the next versions of a half have.
    void set_own(Half half, pair_thread *own) { own_[half] = own; }

    // --- replacing ---

    // Both halves of the next serial, created; `fails`: the function that fails in the half `failing`. No library
    // leaves meanwhile: ThreadSanitizer does not see the loader's own lock.
    std::array<Candidate, kHalves> bring(Half failing = kHalves, const std::string &fails = "") {
        REQUIRE(Reaper::instance().wait_idle(in_seconds(60)).is_ok());
        ++serial_;
        return {bring_half(kConsumer, failing == kConsumer ? fails : ""),
                bring_half(kProvider, failing == kProvider ? fails : "")};
    }

    // As one set: what the project promises.
    SwapRecord swap(const std::array<Candidate, kHalves> &candidates, std::int64_t budget_s = 60) {
        SwapRequest request = request_of(
            {member_of(kConsumer, candidates[kConsumer]), member_of(kProvider, candidates[kProvider])}, budget_s);
        SwapRecord record = run_swap(request);
        if (record.is_published) {
            serve(kConsumer, candidates[kConsumer]);
            serve(kProvider, candidates[kProvider]);
        }
        return record;
    }
    // One half alone, in a swap of its own.
    SwapRecord swap_half(Half half, const Candidate &candidate) {
        SwapRecord record = run_swap(request_of({member_of(half, candidate)}, 60));
        if (record.is_published) {
            serve(half, candidate);
        }
        return record;
    }
    // Both go back to what is held, as one set; then that which was replaced is held.
    SwapRecord roll_back() {
        rollbacks.fetch_add(1);
        SwapRequest request = request_of({back_member(kConsumer), back_member(kProvider)}, 60);
        SwapRecord record = run_swap(request);
        if (record.is_published) {
            std::swap(halves_[kConsumer].active, halves_[kConsumer].held);
            std::swap(halves_[kProvider].active, halves_[kProvider].held);
        }
        rolled_back.fetch_add(1);
        return record;
    }
    // What is held goes.
    void commit() {
        for (Member &half : halves_) {
            if (half.held != nullptr) {
                CHECK(Reaper::instance().retire(half.held).is_ok());
                half.held = nullptr;
            }
        }
    }

    [[nodiscard]] Slot &slot(Half half) { return *halves_[half].slot; }
    [[nodiscard]] std::shared_ptr<Slot> shared_slot(Half half) const { return halves_[half].slot; }
    [[nodiscard]] std::shared_ptr<Generation> shared_active(Half half) const { return halves_[half].active; }
    [[nodiscard]] Generation &active(Half half) { return *halves_[half].active; }

    std::atomic<std::uint64_t> rollbacks{0};   // begun so far
    std::atomic<std::uint64_t> rolled_back{0}; // over, however they went

private:
    struct Member {
        std::shared_ptr<Slot> slot;
        hotgraft_import import{};
        std::shared_ptr<Generation> active;
        std::shared_ptr<Generation> held;
    };

    static std::string thread_config(const pair_thread *own) {
        return ",\"thread\":" + std::to_string(reinterpret_cast<std::uintptr_t>(own));
    }

    Candidate bring_half(Half half, const std::string &fails) {
        static std::uint64_t number = 0;
        CandidateWish wish;
        wish.staging = {pair_image(serial_), (pair_folder() / "staged").string(),
                        half == kConsumer ? "consumer" : "provider", ++number};
        InterfaceWish interface;
        interface.id = "pair/1";
        interface.version = 1U << 16;
        const std::string config = "{\"serial\":" + std::to_string(serial_) + ",\"fail\":\"" + fails + "\"" +
                                   (own_[half] == nullptr ? std::string() : thread_config(own_[half])) + "}";
        wish.instances.push_back({"", config, {{halves_[half].slot, interface}}});
        wish.imports.emplace_back("other", halves_[half == kConsumer ? kProvider : kConsumer].slot.get());
        wish.deadline_ns = in_seconds(60);
        Candidate candidate;
        const Status status = prepare(wish, &candidate);
        REQUIRE_MESSAGE(status.is_ok(), status.message());
        return candidate;
    }

    SwapMember member_of(Half half, const Candidate &candidate) {
        return {halves_[half].active,
                candidate.generation,
                {{0, 0, StateWay::kHandOver}},
                candidate.tables[0],
                PinRule::kWait};
    }

    SwapMember back_member(Half half) {
        InterfaceWish wish;
        wish.id = "pair/1";
        wish.version = 1U << 16;
        wish.padded_bytes = halves_[half].slot->padded_bytes();
        const hotgraft_table *table = nullptr;
        const Status status = halves_[half].held->make_table(0, wish, &table);
        REQUIRE_MESSAGE(status.is_ok(), status.message());
        SwapMember member{halves_[half].active,
                          halves_[half].held,
                          {{0, 0, StateWay::kHandOver, true}},
                          {{halves_[half].slot, table}},
                          PinRule::kWait};
        member.is_recalled = true;
        return member;
    }

    static SwapRequest request_of(std::vector<SwapMember> members, std::int64_t budget_s) {
        SwapRequest request;
        request.members = std::move(members);
        request.deadline_ns = in_seconds(budget_s);
        return request;
    }

    void serve(Half half, const Candidate &candidate) {
        if (halves_[half].held != nullptr) {
            CHECK(Reaper::instance().retire(halves_[half].held).is_ok());
        }
        halves_[half].held = halves_[half].active;
        halves_[half].active = candidate.generation;
    }

    std::array<Member, kHalves> halves_{{{std::make_shared<Slot>("consumer/1"), {}, nullptr, nullptr},
                                         {std::make_shared<Slot>("provider/1"), {}, nullptr, nullptr}}};
    std::array<pair_thread *, kHalves> own_{};
    std::uint64_t serial_ = 0;
};

} // namespace scene

#endif // HOTGRAFT_TESTS_PAIR_SCENE_HPP
