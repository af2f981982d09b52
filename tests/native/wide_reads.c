/* Widens the time in which a file is read: LD_PRELOAD of this. One time in three that a file's first bytes are read,
 * drawn by lot so that no number of reads to a try falls in step with it, the next look at it comes only when the
 * attacker has flipped once more: it counts its flips in the file FLIPS names.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_S 5 /* with an attacker that has ended */
#define HEAD_MAX   4096

static const uint64_t *flips;

__attribute__((constructor)) static void find_flips(void) {
    const char *const path = getenv("FLIPS");
    const int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    void *const found = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *flips, PROT_READ, MAP_SHARED, fd, 0);
    flips = found == MAP_FAILED ? NULL : found;
    if (fd >= 0) {
        close(fd);
    }
}

static void wait_for_flip(void) {
    const uint64_t before = __atomic_load_n(flips, __ATOMIC_ACQUIRE);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    const time_t until = now.tv_sec + PATIENCE_S;
    while (__atomic_load_n(flips, __ATOMIC_ACQUIRE) < before + 2 && now.tv_sec < until) { /* one may be half done */
        sched_yield();
        clock_gettime(CLOCK_MONOTONIC, &now);
    }
}

ssize_t pread(int fd, void *into, size_t bytes, off_t from) {
    static uint32_t lot = 1;
    const ssize_t got = syscall(SYS_pread64, fd, into, bytes, from);
    if (flips != NULL && from == 0 && bytes > HEAD_MAX) {
        lot = lot * 1664525u + 1013904223u; /* two threads at once would only draw the same */
        if ((lot >> 16) % 3 == 0) {
            wait_for_flip();
        }
    }
    return got;
}

ssize_t pread64(int fd, void *into, size_t bytes, off64_t from) {
    return pread(fd, into, bytes, from);
}
