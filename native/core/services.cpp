#include "services.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <exception>
#include <utility>

#include <hotgraft/call.h>
#include <hotgraft/serving.h>

#include "generation_text.hpp"
#include "guard_host.hpp"

namespace hotgraft {

namespace {

hotgraft_status wait_until_serving(hotgraft_ctx *ctx, std::uint64_t budget_ns) noexcept {
    return Services::of(ctx).books.serving.wait(budget_ns) ? HOTGRAFT_OK : HOTGRAFT_AGAIN;
}

constexpr hotgraft_ext_serving kServing = {sizeof(hotgraft_ext_serving), 0, wait_until_serving};

const void *get_extension(hotgraft_ctx *, const char *id) noexcept {
    if (id == nullptr) {
        return nullptr;
    }
    if (std::strcmp(id, HOTGRAFT_EXT_CALLBACKS) == 0) {
        return &kCallbacks;
    }
    if (std::strcmp(id, HOTGRAFT_EXT_THREADS) == 0) {
        return &kThreads;
    }
    return std::strcmp(id, HOTGRAFT_EXT_SERVING) == 0 ? &kServing : nullptr;
}

void log_line(hotgraft_ctx *ctx, std::int32_t level, const char *text, std::uint64_t len) noexcept {
    Services &services = Services::of(ctx);
    services.log.write(services.source, level, text == nullptr ? std::string_view() : std::string_view(text, len));
}

void *host_realloc(hotgraft_ctx *ctx, void *pointer, std::uint64_t bytes, std::uint64_t align) noexcept {
    return Ledger::reallocate(Services::of(ctx).books.ledger, pointer, bytes, align);
}

std::uint64_t add_lease(hotgraft_ctx *ctx, const char *why) noexcept {
    Services &services = Services::of(ctx);
    return services.books.leases.add(services.source.instance, why);
}

void remove_lease(hotgraft_ctx *ctx, std::uint64_t lease) noexcept {
    Services::of(ctx).books.leases.remove(lease);
}

} // namespace

std::uint64_t Leases::add(const std::string &instance, const char *why, const char *holder) noexcept {
    try {
        Lease lease;
        lease.instance = instance;
        lease.why = why == nullptr ? "no reason given" : valid_utf8(why);
        lease.holder = holder == nullptr ? "" : valid_utf8(holder);
        const std::lock_guard<std::mutex> lock(mutex_);
        lease.number = next_;
        live_.emplace(next_, std::move(lease));
        return next_++;
    } catch (const std::exception &) { // no memory
        return 0;
    }
}

bool Leases::remove(std::uint64_t number) noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    return live_.erase(number) != 0;
}

std::size_t Leases::count() const noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    return live_.size();
}

std::vector<Lease> Leases::list() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::vector<Lease> leases;
    leases.reserve(live_.size());
    for (const auto &entry : live_) {
        leases.push_back(entry.second);
    }
    return leases;
}

void Serving::set(bool serves) noexcept {
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        serves_ = serves;
    }
    changed_.notify_all();
}

bool Serving::wait(std::uint64_t budget_ns) noexcept {
    constexpr std::uint64_t kHour = 3'600'000'000'000;
    const auto budget = std::chrono::nanoseconds(std::min(budget_ns, kHour));
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, budget, [this] { return serves_; });
}

GenerationBooks::GenerationBooks(std::string folder, std::string plugin, std::uint64_t generation)
    : ledger(Ledger::make()), callbacks(std::move(folder), std::move(plugin), generation) {}

GenerationBooks::~GenerationBooks() {
    if (ledger != nullptr) {
        ledger->release();
    }
}

Services::Services(LogRing &ring, GenerationBooks &generation_books, LogSource from)
    : log(ring), books(generation_books), source(std::move(from)),
      thread_owner(
          ThreadOwner::instance(books.thread_generation, books.thread_places.fetch_add(1, std::memory_order_relaxed))) {
    host_.struct_size = sizeof(hotgraft_host);
    host_.abi_minor = HOTGRAFT_ABI_MINOR;
    host_.ctx = reinterpret_cast<hotgraft_ctx *>(this);
    host_.get_extension = get_extension;
    host_.log = log_line;
    host_.realloc = host_realloc;
    offer_guard(&host_);
    host_.lease = add_lease;
    host_.unlease = remove_lease;
}

Services &Services::of(hotgraft_ctx *ctx) noexcept {
    return *reinterpret_cast<Services *>(ctx);
}

} // namespace hotgraft
