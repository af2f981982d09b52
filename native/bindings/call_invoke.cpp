#include "call_invoke.hpp"

namespace hotgraft {
namespace {

template <typename Callee> Callee as(const void *function) {
    return reinterpret_cast<Callee>(const_cast<void *>(function));
}

Returned with_few_words(const void *function, const RegisterFile &r) {
    using Callee = Returned (*)(Word, Word, Word, Word, Word, Word, Word, Word, Word, Word);
    const Word *const i = r.integer;
    const Word *const s = r.stack;
    return as<Callee>(function)(i[0], i[1], i[2], i[3], i[4], i[5], s[0], s[1], s[2], s[3]);
}

Returned with_registers(const void *function, const RegisterFile &r) {
    using Callee = Returned (*)(Word, Word, Word, Word, Word, Word, double, double, double, double, double, double,
                                double, double);
    const Word *const i = r.integer;
    const double *const f = r.real;
    return as<Callee>(function)(i[0], i[1], i[2], i[3], i[4], i[5], f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7]);
}

Returned with_all(const void *function, const RegisterFile &r) {
    using Callee =
        Returned (*)(Word, Word, Word, Word, Word, Word, double, double, double, double, double, double, double, double,
                     Word, Word, Word, Word, Word, Word, Word, Word, Word, Word, Word, Word, Word, Word, Word, Word);
    const Word *const i = r.integer;
    const double *const f = r.real;
    const Word *const s = r.stack;
    return as<Callee>(function)(i[0], i[1], i[2], i[3], i[4], i[5], f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7],
                                s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8], s[9], s[10], s[11], s[12], s[13],
                                s[14], s[15]);
}

} // namespace

Returned invoke_further(const void *function, const RegisterFile &registers, Reach reach) {
    if (reach == Reach::kRegisters) {
        return with_registers(function, registers);
    }
    return reach == Reach::kAll ? with_all(function, registers) : with_few_words(function, registers);
}

} // namespace hotgraft
