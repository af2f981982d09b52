// membarrier(2) by its number: glibc 2.31 has no wrapper.
#include "membarrier.hpp"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace hotgraft {

namespace {
bool membarrier(int command) noexcept {
    return ::syscall(SYS_membarrier, command, 0, 0) == 0;
}
} // namespace

bool membarrier_register() noexcept {
    return membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
}

bool membarrier_all() noexcept {
    return membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

} // namespace hotgraft
