// Shuffles by the permutation of bytes that x86-64 processors with AVX-512 VBMI have (Intel SDM vol. 2, VPERMB).
// Whether this one has it is asked when a plan is made. Loads and stores have masks: what is masked out is not touched,
// and may not be there.
#include <immintrin.h>

#include <atomic>

#include "layout_shuffles.hpp"

// Such code is compiled for these processors, whatever the rest of the library is compiled for.
#define HOTGRAFT_VBMI __attribute__((target("avx512f,avx512bw,avx512vbmi")))

namespace hotgraft {

namespace {

constexpr std::size_t kPiecesMax = 4; // what they need stays in registers
// A state is made sooner than its bytes come: they are asked for before.
constexpr std::size_t kAheadBytes = 1024;

std::atomic<bool> may_shuffle{true};

// A piece in registers: as long as it lies in memory, every store might have changed it.
struct Loaded {
    std::size_t src, dst;
    __mmask64 read, written, copied, drops;
    __m512i from, fill, sign, signs, dropped, kept, repeats, positive;
};

HOTGRAFT_VBMI inline Loaded load(const Shuffle &piece) noexcept {
    return {piece.src,
            piece.dst,
            piece.read,
            piece.written,
            piece.copied,
            piece.drops,
            _mm512_loadu_si512(piece.from.data()),
            _mm512_loadu_si512(piece.fill.data()),
            _mm512_loadu_si512(piece.sign.data()),
            _mm512_movm_epi8(piece.signs),
            _mm512_loadu_si512(piece.dropped.data()),
            _mm512_loadu_si512(piece.kept.data()),
            _mm512_movm_epi8(piece.repeats),
            _mm512_movm_epi8(piece.positive)};
}

// Of the old bytes by `indexes`, which are alike for the two of a pair: all ones where the byte is that of a number
// below zero. There is no such shift of single bytes.
HOTGRAFT_VBMI inline __m512i signs_of(__m512i indexes, __m512i old) noexcept {
    return _mm512_srai_epi16(_mm512_maskz_permutexvar_epi8(~__mmask64{0}, indexes, old), 15);
}

struct Misfits { // two: neither waits for the other
    __m512i dropped;
    __m512i negative;
};

// `Fills`: something is filled in, or a sign repeated. `Checks`: numbers may not fit. `IsLoose`: without masks, so that
// what is around a piece is read and written with it.
template <std::size_t Count, bool Fills, bool Checks, bool IsLoose>
HOTGRAFT_VBMI inline void make_states(const Loaded (&pieces)[Count], Strip *strip, std::size_t count,
                                      Misfits *misfits) noexcept {
    const unsigned char *src = strip->src;
    unsigned char *dst = strip->dst;
    const std::size_t src_stride = strip->src_stride;
    const std::size_t dst_stride = strip->dst_stride;
    Misfits found = *misfits;
    for (; count != 0; --count) {
        for (std::size_t p = 0; p < Count; ++p) {
            const Loaded &piece = pieces[p];
            const __m512i old =
                IsLoose ? _mm512_loadu_si512(src + piece.src) : _mm512_maskz_loadu_epi8(piece.read, src + piece.src);
            __m512i made = _mm512_maskz_permutexvar_epi8(piece.copied, piece.from, old);
            if constexpr (Fills) {
                made = _mm512_mask_permutexvar_epi8(piece.fill, piece.copied, piece.from, old);
                made = _mm512_or_si512(made, _mm512_and_si512(signs_of(piece.sign, old), piece.signs));
            }
            if constexpr (Checks) {
                const __m512i signs = signs_of(piece.kept, old);
                const __m512i dropped = _mm512_maskz_permutexvar_epi8(piece.drops, piece.dropped, old);
                const __m512i differs = _mm512_xor_si512(dropped, _mm512_and_si512(signs, piece.repeats));
                found.dropped = _mm512_or_si512(found.dropped, differs);
                found.negative = _mm512_or_si512(found.negative, _mm512_and_si512(signs, piece.positive));
            }
            if constexpr (IsLoose) {
                _mm512_storeu_si512(dst + piece.dst, made);
            } else {
                _mm512_mask_storeu_epi8(dst + piece.dst, piece.written, made);
            }
        }
        __builtin_prefetch(src + kAheadBytes);
        __builtin_prefetch(dst + kAheadBytes, 1);
        src += src_stride;
        dst += dst_stride;
    }
    strip->src = src;
    strip->dst = dst;
    *misfits = found;
}

template <std::size_t Count, bool Fills, bool Checks>
HOTGRAFT_VBMI bool make(const Shuffle *shuffles, const Strip &strip, std::size_t loose) noexcept {
    Loaded pieces[Count];
    for (std::size_t p = 0; p < Count; ++p) {
        pieces[p] = load(shuffles[p]);
    }
    Misfits misfits{_mm512_setzero_si512(), _mm512_setzero_si512()};
    Strip rest = strip;
    make_states<Count, Fills, Checks, true>(pieces, &rest, loose, &misfits);
    make_states<Count, Fills, Checks, false>(pieces, &rest, strip.count - loose, &misfits);
    const __m512i any = _mm512_or_si512(misfits.dropped, misfits.negative);
    return _mm512_test_epi8_mask(any, any) == 0;
}

template <std::size_t Count> ShuffleKernel kernel_for(std::size_t count, bool fills, bool checks) noexcept {
    if (count == Count) {
        return fills ? (checks ? &make<Count, true, true> : &make<Count, true, false>)
                     : (checks ? &make<Count, false, true> : &make<Count, false, false>);
    }
    if constexpr (Count > 1) {
        return kernel_for<Count - 1>(count, fills, checks);
    } else {
        return nullptr;
    }
}

} // namespace

void allow_shuffles(bool are_allowed) noexcept {
    may_shuffle = are_allowed;
}

ShuffleKernel shuffle_kernel(const std::vector<Shuffle> &pieces) noexcept {
    if (!may_shuffle || __builtin_cpu_supports("avx512vbmi") == 0 || __builtin_cpu_supports("avx512bw") == 0) {
        return nullptr;
    }
    bool fills = false;
    bool checks = false;
    for (const Shuffle &piece : pieces) {
        fills = fills || piece.signs != 0 || piece.fill != Shuffle::Indexes{};
        checks = checks || (piece.drops | piece.positive) != 0;
    }
    return kernel_for<kPiecesMax>(pieces.size(), fills, checks);
}

} // namespace hotgraft
