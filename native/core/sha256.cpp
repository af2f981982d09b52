// Both paths of SHA-256. Names of variables and functions are those of FIPS 180-4; the order of the SHA instructions
// is the one of Intel's description of the extensions (2013).
#include "sha256.hpp"

#include <cpuid.h>
#include <immintrin.h>

#include <algorithm>
#include <cstring>

namespace hotgraft {
namespace {

using State = Sha256::State;

constexpr State kInitial = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                            0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

alignas(16) constexpr std::uint32_t kRound[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

std::uint32_t rotate(std::uint32_t value, unsigned by) noexcept {
    return value >> by | value << (32 - by);
}

std::uint32_t load_big_endian(const std::uint8_t *bytes) noexcept {
    return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 |
           std::uint32_t{bytes[3]};
}

void store_big_endian(std::uint8_t *bytes, std::uint32_t value) noexcept {
    for (unsigned i = 0; i < 4; ++i) {
        bytes[i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
    }
}

// FIPS 180-4, 6.2.2 step 1.
void fill_schedule(const std::uint8_t *block, std::uint32_t (&w)[64]) noexcept {
    for (unsigned t = 0; t < 16; ++t) {
        w[t] = load_big_endian(block + std::size_t{4} * t);
    }
    for (unsigned t = 16; t < 64; ++t) {
        const std::uint32_t s0 = rotate(w[t - 15], 7) ^ rotate(w[t - 15], 18) ^ w[t - 15] >> 3;
        const std::uint32_t s1 = rotate(w[t - 2], 17) ^ rotate(w[t - 2], 19) ^ w[t - 2] >> 10;
        w[t] = s1 + w[t - 7] + s0 + w[t - 16];
    }
}

// FIPS 180-4, 6.2.2 steps 2 to 4.
void compress_block(State *state, const std::uint8_t *block) noexcept {
    std::uint32_t w[64];
    fill_schedule(block, w);
    auto [a, b, c, d, e, f, g, h] = *state;
    for (unsigned t = 0; t < 64; ++t) {
        const std::uint32_t sum1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
        const std::uint32_t t1 = h + sum1 + ((e & f) ^ (~e & g)) + kRound[t] + w[t];
        const std::uint32_t sum0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
        const std::uint32_t t2 = sum0 + ((a & b) ^ (a & c) ^ (b & c));
        h = g;
        g = f;
        f = e;
        e = d + t1;
        d = c;
        c = b;
        b = a;
        a = t1 + t2;
    }
    const State add = {a, b, c, d, e, f, g, h};
    for (std::size_t i = 0; i < state->size(); ++i) {
        (*state)[i] += add[i];
    }
}

void compress_portable(State *state, const std::uint8_t *blocks, std::size_t count) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        compress_block(state, blocks + i * Sha256::kBlockBytes);
    }
}

#define HOTGRAFT_TARGET_SHA __attribute__((target("sha,sse4.1,ssse3")))

// The instructions keep the state as the words {a, b, e, f} and {c, d, g, h}, highest first.
struct Halves {
    __m128i abef;
    __m128i cdgh;
};

HOTGRAFT_TARGET_SHA Halves load_state(const State &state) noexcept {
    const __m128i dcba = _mm_loadu_si128(reinterpret_cast<const __m128i *>(state.data()));
    const __m128i hgfe = _mm_loadu_si128(reinterpret_cast<const __m128i *>(state.data() + 4));
    const __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1);
    const __m128i efgh = _mm_shuffle_epi32(hgfe, 0x1b);
    return {_mm_alignr_epi8(cdab, efgh, 8), _mm_blend_epi16(efgh, cdab, 0xf0)};
}

HOTGRAFT_TARGET_SHA void store_state(const Halves &halves, State *state) noexcept {
    const __m128i feba = _mm_shuffle_epi32(halves.abef, 0x1b);
    const __m128i dchg = _mm_shuffle_epi32(halves.cdgh, 0xb1);
    _mm_storeu_si128(reinterpret_cast<__m128i *>(state->data()), _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128(reinterpret_cast<__m128i *>(state->data() + 4), _mm_alignr_epi8(dchg, feba, 8));
}

// Four rounds with schedule words `w` and constants from `k` on.
HOTGRAFT_TARGET_SHA inline void four_rounds(Halves *halves, __m128i w, const std::uint32_t *k) noexcept {
    const __m128i wk = _mm_add_epi32(w, _mm_load_si128(reinterpret_cast<const __m128i *>(k)));
    halves->cdgh = _mm_sha256rnds2_epu32(halves->cdgh, halves->abef, wk);
    halves->abef = _mm_sha256rnds2_epu32(halves->abef, halves->cdgh, _mm_shuffle_epi32(wk, 0x0e));
}

HOTGRAFT_TARGET_SHA void compress_with_instructions(State *state, const std::uint8_t *blocks,
                                                    std::size_t count) noexcept {
    const __m128i byte_order = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    Halves halves = load_state(*state);
    for (; count != 0; --count, blocks += Sha256::kBlockBytes) {
        const Halves before = halves;
        __m128i w[4];
        for (std::size_t i = 0; i < 4; ++i) {
            w[i] = _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i *>(blocks + 16 * i)), byte_order);
            four_rounds(&halves, w[i], kRound + 4 * i);
        }
        for (std::size_t round = 16; round < 64; round += 4) {
            const __m128i w_t7 = _mm_alignr_epi8(w[3], w[2], 4); // words t-7 to t-4
            const __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w[0], w[1]), w_t7);
            const __m128i next = _mm_sha256msg2_epu32(sum, w[3]);
            w[0] = w[1];
            w[1] = w[2];
            w[2] = w[3];
            w[3] = next;
            four_rounds(&halves, next, kRound + round);
        }
        halves = {_mm_add_epi32(halves.abef, before.abef), _mm_add_epi32(halves.cdgh, before.cdgh)};
    }
    store_state(halves, state);
}

// __builtin_cpu_supports() of gcc 12 does not know "sha". Intel SDM vol. 2, CPUID leaf 7: EBX bit 29.
bool has_sha_instructions() noexcept {
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || (b >> 29 & 1) == 0) {
        return false;
    }
    return __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("ssse3");
}

} // namespace

Sha256Path best_sha256_path() noexcept {
    static const bool has_instructions = has_sha_instructions(); // CPUID traps in a virtual machine: ask once
    return has_instructions ? Sha256Path::kShaInstructions : Sha256Path::kPortable;
}

Sha256::Sha256(Sha256Path path) noexcept
    : compress_(path == Sha256Path::kShaInstructions ? compress_with_instructions : compress_portable),
      state_(kInitial) {}

void Sha256::update(const void *data, std::size_t size) noexcept {
    const auto *bytes = static_cast<const std::uint8_t *>(data);
    total_bytes_ += size;
    if (pending_bytes_ != 0) {
        const std::size_t taken = std::min(size, kBlockBytes - pending_bytes_);
        std::memcpy(pending_.data() + pending_bytes_, bytes, taken);
        pending_bytes_ += taken;
        bytes += taken;
        size -= taken;
        if (pending_bytes_ < kBlockBytes) {
            return;
        }
        compress_(&state_, pending_.data(), 1);
        pending_bytes_ = 0;
    }
    compress_(&state_, bytes, size / kBlockBytes);
    pending_bytes_ = size % kBlockBytes;
    if (pending_bytes_ != 0) {
        std::memcpy(pending_.data(), bytes + (size - pending_bytes_), pending_bytes_);
    }
}

Sha256Digest Sha256::finish() noexcept {
    const std::uint64_t bits = total_bytes_ * 8;
    static constexpr std::uint8_t kPadding[kBlockBytes] = {0x80};
    const std::size_t room = pending_bytes_ < 56 ? 56 : 120;
    update(kPadding, room - pending_bytes_);
    std::uint8_t length[8];
    store_big_endian(length, static_cast<std::uint32_t>(bits >> 32));
    store_big_endian(length + 4, static_cast<std::uint32_t>(bits));
    update(length, sizeof(length));
    Sha256Digest digest;
    for (std::size_t i = 0; i < state_.size(); ++i) {
        store_big_endian(digest.data() + 4 * i, state_[i]);
    }
    return digest;
}

Sha256Digest sha256_of(const void *data, std::size_t size) noexcept {
    Sha256 hash;
    hash.update(data, size);
    return hash.finish();
}

std::string hex_of(const Sha256Digest &digest) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text(digest.size() * 2, '0');
    for (std::size_t i = 0; i < digest.size(); ++i) {
        text[2 * i] = kDigits[digest[i] >> 4];
        text[2 * i + 1] = kDigits[digest[i] & 15];
    }
    return text;
}

} // namespace hotgraft
