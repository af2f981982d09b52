/* Preloaded: after forbid_memory() the first request for memory of that thread, or its return, ends the process
 * with 77. */
#include <stdlib.h>
#include <unistd.h>

extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *block, size_t bytes);
extern void __libc_free(void *block);

/* Of the thread that asked: others may take memory while the process ends. */
static __thread volatile int is_forbidden __attribute__((tls_model("initial-exec")));

void forbid_memory(void) {
    is_forbidden = 1;
}

static void check(void) {
    static const char text[] = "memory was asked for\n";
    if (is_forbidden) {
        _exit(write(2, text, sizeof text - 1) > 0 ? 77 : 78);
    }
}

void *malloc(size_t bytes) {
    check();
    return __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes) {
    check();
    return __libc_calloc(count, bytes);
}

void *realloc(void *block, size_t bytes) {
    check();
    return __libc_realloc(block, bytes);
}

void free(void *block) {
    check();
    __libc_free(block);
}
