#include "fallback.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <mutex>
#include <type_traits>
#include <utility>

#include "guard.hpp"
#include "table.hpp"

namespace hotgraft {

namespace {

static_assert(sizeof(FallbackAnswer) == 16 && std::is_trivially_copyable_v<FallbackAnswer>,
              "two eightbytes, INTEGER and SSE: returned in rax and xmm0");

constexpr std::size_t kMostFallbacks = 1024; // slots, and tables of before that somebody still holds
constexpr std::uint32_t kFirstOfTable = sizeof(void *);

// What `self` of a fallback's table points to.
struct FallbackSelf {
    const FallbackAnswer *answers = nullptr; // nullptr: free
};
FallbackSelf pool[kMostFallbacks + 1]; // one more for the refusing table

template <std::size_t Place> FallbackAnswer answer_at(FallbackSelf *self) noexcept {
    return self->answers[Place];
}
using Stub = FallbackAnswer (*)(FallbackSelf *) noexcept;

template <std::size_t... Place> constexpr std::array<Stub, sizeof...(Place)> stubs(std::index_sequence<Place...>) {
    return {{&answer_at<Place>...}};
}
constexpr std::array<Stub, kMostAnswers> kStubs = stubs(std::make_index_sequence<kMostAnswers>());

struct Fallback {
    ~Fallback() {
        if (self != nullptr) {
            self->answers = nullptr;
        }
    }
    std::weak_ptr<Slot> slot;
    std::vector<FallbackAnswer> answers;
    FallbackSelf *self = nullptr;
    std::unique_ptr<Table> table;

    [[nodiscard]] bool is_in_its_slot() const noexcept {
        const std::shared_ptr<Slot> it = slot.lock();
        return it != nullptr && it->held() == table->get();
    }
};

// All that are not freed. The mutex guards the pool's answers too.
struct Fallbacks {
    std::mutex mutex;
    std::vector<std::unique_ptr<Fallback>> all;

    static Fallbacks &instance() {
        static auto *const it = new Fallbacks(); // never destroyed: a daemon thread may still call
        return *it;
    }

    // Under the mutex: invariant (1).
    void sweep() {
        std::vector<Fallback *> out;
        for (const std::unique_ptr<Fallback> &one : all) {
            one->is_in_its_slot() ? void() : out.push_back(one.get());
        }
        if (out.empty()) {
            return;
        }
        Guards::instance().barrier();
        const auto is_free = [&out](const std::unique_ptr<Fallback> &one) {
            const hotgraft_table *const table = one->table->get();
            return std::find(out.begin(), out.end(), one.get()) != out.end() && !Guards::instance().is_held(&table, 1);
        };
        all.erase(std::remove_if(all.begin(), all.end(), is_free), all.end());
    }

    // Under the mutex.
    [[nodiscard]] static FallbackSelf *free_self() noexcept {
        FallbackSelf *const end = pool + kMostFallbacks;
        FallbackSelf *const found =
            std::find_if(pool, end, [](const FallbackSelf &one) { return one.answers == nullptr; });
        return found == end ? nullptr : found;
    }
};

Status check_answers(std::uint32_t bytes, const std::vector<AnsweredFunction> &answers) {
    if (answers.size() > kMostAnswers) {
        return {Code::kInvalid, "a fallback answers at most " + std::to_string(kMostAnswers) +
                                    " functions of an interface, and these are " + std::to_string(answers.size())};
    }
    for (const AnsweredFunction &one : answers) {
        if (one.offset < kFirstOfTable || one.offset % sizeof(Stub) != 0 || one.offset + sizeof(Stub) > bytes) {
            return {Code::kInvalid, "no function lies at byte " + std::to_string(one.offset) + " of an interface of " +
                                        std::to_string(bytes) + " bytes"};
        }
    }
    return {};
}

// The interface struct: a stub for each function that answers; the others are NULL, so that the table fills them.
std::vector<std::uint64_t> interface_of(std::uint32_t bytes, const std::vector<AnsweredFunction> &answers) {
    std::vector<std::uint64_t> words(bytes / sizeof(std::uint64_t), 0);
    std::memcpy(words.data(), &bytes, sizeof bytes);
    for (std::size_t i = 0; i < answers.size(); ++i) {
        std::memcpy(&words[answers[i].offset / sizeof(Stub)], &kStubs[i], sizeof(Stub));
    }
    return words;
}

} // namespace

bool is_fallback(const void *self) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(self); // compared as a number: it may be any plugin's
    const auto begin = reinterpret_cast<std::uintptr_t>(&pool[0]);
    return address - begin < sizeof pool;
}

const hotgraft_table *refusing_table() noexcept {
    static std::atomic<const Table *> made{nullptr};        // never destroyed, and found by a leak checker
    const Table *it = made.load(std::memory_order_acquire); // pairs with the exchange of whoever made it
    if (it == nullptr) {                                    // also where there was no memory the time before
        const std::uint64_t empty = kFirstOfTable;          // an interface struct of no functions: all are stubs
        std::unique_ptr<const Table> fresh = Table::make(&empty, Table::kMostBytes, 0, 0, pool + kMostFallbacks, 0);
        if (fresh != nullptr && made.compare_exchange_strong(it, fresh.get(), std::memory_order_acq_rel)) {
            it = fresh.release();
        }
    }
    return it == nullptr ? nullptr : it->get();
}

Status publish_fallback(const std::shared_ptr<Slot> &slot, std::uint32_t interface_bytes, std::uint32_t version,
                        const std::vector<AnsweredFunction> &answers) {
    if (Status status = check_answers(interface_bytes, answers); !status.is_ok()) {
        return status;
    }
    Fallbacks &it = Fallbacks::instance();
    const std::lock_guard<std::mutex> lock(it.mutex);
    it.sweep();
    auto made = std::make_unique<Fallback>();
    made->slot = slot;
    for (const AnsweredFunction &one : answers) {
        made->answers.push_back(one.answer);
    }
    made->answers.emplace_back(); // so that data() is never nullptr, which means free
    made->self = Fallbacks::free_self();
    if (made->self == nullptr) {
        return {Code::kNoMemory, std::to_string(kMostFallbacks) + " fallbacks are in use or still held by callers"};
    }
    made->self->answers = made->answers.data();
    const std::vector<std::uint64_t> words = interface_of(interface_bytes, answers);
    made->table = Table::make(words.data(), slot->padded_bytes(), version, 0, made->self, 0, slot->name());
    if (made->table == nullptr) {
        return {Code::kNoMemory, "no memory for the fallback's table of " + slot->name()};
    }
    it.all.reserve(it.all.size() + 1);
    if (Status status = Guards::instance().publish_open(*slot, made->table->get()); !status.is_ok()) {
        return status;
    }
    it.all.push_back(std::move(made));
    return {};
}

std::size_t count_fallbacks() {
    Fallbacks &it = Fallbacks::instance();
    const std::lock_guard<std::mutex> lock(it.mutex);
    it.sweep();
    return it.all.size();
}

} // namespace hotgraft
