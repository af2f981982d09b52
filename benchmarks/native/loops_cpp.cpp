// The loops in C++: hotgraft::Batch as a guard of one call, and as one guard over 64.
#include <cstdint>
#include <cstdlib>

#include "loops.h"

std::int64_t run_guarded_cpp(std::int64_t rounds) {
    std::int64_t sum = 0;
    for (std::int64_t i = 0; i < rounds; ++i) {
        const hotgraft::Batch batch(provider);
        if (!batch) {
            std::abort();
        }
        sum += batch.as<provider_v1>()->add(batch.self(), i, 1);
        __asm__ volatile("" ::: "memory");
    }
    return sum;
}

std::int64_t run_batch(std::int64_t rounds) {
    std::int64_t sum = 0;
    for (std::int64_t i = 0; i < rounds; i += 64) {
        const hotgraft::Batch batch(provider);
        if (!batch) {
            std::abort();
        }
        for (std::int64_t k = 0; k < 64; ++k) {
            sum += batch.as<provider_v1>()->add(batch.self(), i + k, 1);
            __asm__ volatile("" ::: "memory");
        }
    }
    return sum;
}
