/* A wall clock that jumps: LD_PRELOAD of this, and jump_clock(SECONDS) sets it that far off. Other clocks stay. */
#define _GNU_SOURCE
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long long off_s;

__attribute__((visibility("default"))) void jump_clock(long long seconds) {
    __atomic_store_n(&off_s, seconds, __ATOMIC_RELAXED);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    const int failed = (int)syscall(SYS_clock_gettime, clock, now);
    if (failed == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        now->tv_sec += __atomic_load_n(&off_s, __ATOMIC_RELAXED);
    }
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec real;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &real) != 0) {
        return -1;
    }
    now->tv_sec = real.tv_sec;
    now->tv_usec = real.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out) {
    struct timespec real;
    if (clock_gettime(CLOCK_REALTIME, &real) != 0) {
        return -1;
    }
    if (out != NULL) {
        *out = real.tv_sec;
    }
    return real.tv_sec;
}
