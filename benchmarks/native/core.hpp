// What the programs that measure parts of the core share: failures end the program, times are printed by measure.h.
#ifndef BENCHMARKS_CORE_HPP
#define BENCHMARKS_CORE_HPP

#include "measure.h"
#include "status.hpp"

inline void check(const hotgraft::Status &status) {
    if (!status.is_ok()) {
        fail(status.message().c_str());
    }
}

#endif // BENCHMARKS_CORE_HPP
