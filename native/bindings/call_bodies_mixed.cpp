// The shape of two or three numbers, integers and reals mixed: each goes straight to the register it belongs in.
#include <utility>

#include "call_bodies.hpp"
#include "call_convert.hpp"
#include "call_guarded.hpp"

namespace hotgraft {
namespace {

// Bit i of Mask: argument i is a real number. Known when compiled, so that its register is too.
template <unsigned Mask> constexpr bool is_real(std::size_t index) {
    return (Mask >> index & 1u) != 0;
}

// How many of the first `index` arguments are of the same class as argument `index`: its place among the registers.
template <unsigned Mask> constexpr std::size_t rank(std::size_t index) {
    std::size_t before = 0;
    for (std::size_t i = 0; i < index; ++i) {
        before += is_real<Mask>(i) == is_real<Mask>(index) ? 1 : 0;
    }
    return before;
}

constexpr std::size_t count_reals(unsigned mask) {
    return mask == 0 ? 0 : (mask & 1u) + count_reals(mask >> 1);
}

struct Numbers {
    Word word[2];
    double real[2];
};

// IsPlain: the short way alone, which calls nobody.
template <unsigned Mask, std::size_t Index, bool IsPlain>
inline bool take(const Cell &cell, const Parameter &parameter, PyObject *argument, Numbers &taken) {
    if constexpr (is_real<Mask>(Index)) {
        Word bits = 0;
        const bool is_taken = IsPlain ? take_plain_real(parameter, argument, &bits)
                                      : take_real(*cell.function, parameter, argument, &bits);
        std::memcpy(&taken.real[rank<Mask>(Index)], &bits, sizeof(bits));
        return is_taken;
    } else {
        Word *const word = &taken.word[rank<Mask>(Index)];
        return IsPlain ? take_plain_integer(parameter, argument, word)
                       : take_integer(*cell.function, parameter, argument, word);
    }
}

// The order among integers and the order among reals is all that a callee can see (System V ABI, 3.2.3).
template <std::size_t Words, std::size_t Reals>
inline Returned invoke(const void *callee, void *self, const Numbers &n) {
    if constexpr (Words == 1 && Reals == 1) {
        return as<Returned (*)(void *, Word, double)>(callee)(self, n.word[0], n.real[0]);
    } else if constexpr (Words == 2) {
        return as<Returned (*)(void *, Word, Word, double)>(callee)(self, n.word[0], n.word[1], n.real[0]);
    } else {
        return as<Returned (*)(void *, Word, double, double)>(callee)(self, n.word[0], n.real[0], n.real[1]);
    }
}

template <Returns R, unsigned Mask, std::size_t... Index>
inline PyObject *call(const Cell &cell, PyObject *const *args, const Numbers &taken, std::index_sequence<Index...>) {
    constexpr std::size_t kReals = count_reals(Mask);
    return call_guarded<R, sizeof...(Index)>(cell, args, [&taken](const void *callee, void *self) {
        return invoke<sizeof...(Index) - kReals, kReals>(callee, self, taken);
    });
}

template <Returns R, unsigned Mask, std::size_t... Index>
__attribute__((noinline)) PyObject *run_slowly(const Cell &cell, PyObject *const *args,
                                               std::index_sequence<Index...> sequence) {
    const Parameter *const parameters = cell.function->parameters.data();
    Numbers taken;
    return (take<Mask, Index, false>(cell, parameters[Index], args[Index], taken) && ...)
               ? call<R, Mask>(cell, args, taken, sequence)
               : nullptr;
}

template <Returns R, unsigned Mask, std::size_t... Index>
inline PyObject *run(const Cell &cell, PyObject *const *args, std::index_sequence<Index...> sequence) {
    const Parameter *const parameters = cell.function->parameters.data();
    Numbers taken;
    const bool is_plain = (take<Mask, Index, true>(cell, parameters[Index], args[Index], taken) && ...);
    return __builtin_expect(is_plain, 1) ? call<R, Mask>(cell, args, taken, sequence)
                                         : run_slowly<R, Mask>(cell, args, sequence);
}

} // namespace

template <Returns R, std::size_t N, unsigned Mask>
PyObject *run_mixed(const Cell &cell, PyObject *const *args, Py_ssize_t count) {
    return __builtin_expect(count == static_cast<Py_ssize_t>(N), 1)
               ? run<R, Mask>(cell, args, std::make_index_sequence<N>())
               : wrong_argument_count(cell, count);
}

#define HOTGRAFT_MIXED(N, MASK)                                                                                        \
    template PyObject *run_mixed<Returns::kStatus, N, MASK>(const Cell &, PyObject *const *, Py_ssize_t);              \
    template PyObject *run_mixed<Returns::kReal64, N, MASK>(const Cell &, PyObject *const *, Py_ssize_t);              \
    template PyObject *run_mixed<Returns::kOther, N, MASK>(const Cell &, PyObject *const *, Py_ssize_t);
HOTGRAFT_MIXED_SHAPES(HOTGRAFT_MIXED)

} // namespace hotgraft
