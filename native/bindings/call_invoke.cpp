#include "call_invoke.hpp"

namespace hotgraft {

Returned invoke_all(const void *function, const RegisterFile &r, bool has_stack) {
    const Word *const i = r.integer;
    const double *const f = r.real;
    if (!has_stack) {
        using Callee = Returned (*)(Word, Word, Word, Word, Word, Word, double, double, double, double, double, double,
                                    double, double);
        return reinterpret_cast<Callee>(const_cast<void *>(function))(i[0], i[1], i[2], i[3], i[4], i[5], f[0], f[1],
                                                                      f[2], f[3], f[4], f[5], f[6], f[7]);
    }
    using Callee =
        Returned (*)(Word, Word, Word, Word, Word, Word, double, double, double, double, double, double, double, double,
                     Word, Word, Word, Word, Word, Word, Word, Word, Word, Word, Word, Word, Word, Word, Word, Word);
    const Word *const s = r.stack;
    return reinterpret_cast<Callee>(const_cast<void *>(function))(
        i[0], i[1], i[2], i[3], i[4], i[5], f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7], s[0], s[1], s[2], s[3],
        s[4], s[5], s[6], s[7], s[8], s[9], s[10], s[11], s[12], s[13], s[14], s[15]);
}

} // namespace hotgraft
