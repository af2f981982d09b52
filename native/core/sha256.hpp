// SHA-256 (FIPS 180-4), the name of an image's content. With the SHA instructions of x86 where the processor has
// them, about five times as fast; the result is the same.
#ifndef HOTGRAFT_CORE_SHA256_HPP
#define HOTGRAFT_CORE_SHA256_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace hotgraft {

using Sha256Digest = std::array<std::uint8_t, 32>;

enum class Sha256Path : std::uint8_t { kPortable, kShaInstructions };

// The path that this processor is best at.
[[nodiscard]] Sha256Path best_sha256_path() noexcept;

// Hashes bytes as they come. One thread at a time; finish() ends it.
class Sha256 {
public:
    Sha256() noexcept : Sha256(best_sha256_path()) {}
    // kShaInstructions only where best_sha256_path() says so.
    explicit Sha256(Sha256Path path) noexcept;

    void update(const void *data, std::size_t size) noexcept;
    [[nodiscard]] Sha256Digest finish() noexcept;

    static constexpr std::size_t kBlockBytes = 64;
    using State = std::array<std::uint32_t, 8>;

private:
    using Compress = void (*)(State *state, const std::uint8_t *blocks, std::size_t count) noexcept;

    Compress compress_;
    State state_;
    std::array<std::uint8_t, kBlockBytes> pending_{};
    std::size_t pending_bytes_ = 0;
    std::uint64_t total_bytes_ = 0;
};

[[nodiscard]] Sha256Digest sha256_of(const void *data, std::size_t size) noexcept;

// 64 lower-case digits.
[[nodiscard]] std::string hex_of(const Sha256Digest &digest);

} // namespace hotgraft

#endif // HOTGRAFT_CORE_SHA256_HPP
