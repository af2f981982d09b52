/* Crashes on demand, one way per function: in its own code, in code it calls, on threads it starts, and in create.
 *
 * Descriptors come from sample_plugins.py.
 */
#include <hotgraft/hotgraft.h>

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "counter_descriptor.h"

#define NOT_INLINED __attribute__((noinline))

typedef struct crashes_v1 {
    uint32_t struct_size;
    hotgraft_status (*crash)(void *self, uint32_t how);
    hotgraft_status (*crash_slowly)(void *self, uint32_t how); /* HOTGRAFT_BLOCKING */
    hotgraft_status (*wait)(void *self);                       /* for ever, HOTGRAFT_BLOCKING */
    int64_t (*build)(void *self);
} crashes_v1;

static volatile int zero, seven = 7;
static volatile size_t many = 64;
static int *volatile nowhere;
static void (*volatile no_function)(void);

NOT_INLINED static void write_to_null(void) {
    *nowhere = 1;
}

NOT_INLINED static int divide_by_zero(void) {
    return seven / zero;
}

NOT_INLINED static int overflow_stack(volatile const char *above) {
    volatile char here[256];
    here[0] = above[0];
    return overflow_stack(here) + here[0];
}

NOT_INLINED static void jump_to_null(void) {
    no_function();
    zero = 0; /* not a tail call: the return address is what tells who jumped */
}

NOT_INLINED static void give_up(void) {
    abort();
}

NOT_INLINED static void run_no_instruction(void) {
    __asm__ volatile("ud2");
}

NOT_INLINED static void touch_cut_file(void) {
    char name[] = "/tmp/hotgraft-cut-XXXXXX";
    const int fd = mkstemp(name);
    unlink(name);
    if (ftruncate(fd, 4096) == 0) {
        volatile char *const bytes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (ftruncate(fd, 0) == 0) {
            bytes[0] = 1;
        }
    }
}

/* The C library finds it while it holds the lock of its heap, and aborts: whoever asks for memory now waits for ever.
 */
NOT_INLINED static void free_twice(void) {
    char *volatile block = malloc(4096);
    free(block);
    free(block);
}

NOT_INLINED static void copy_from_null(void) {
    char *volatile into = malloc(64);
    memcpy(into, nowhere, many);
    zero = into[0];
}

static void *thread_main(void *how) {
    if ((uintptr_t)how == 0) {
        write_to_null();
    }
    give_up();
    return NULL;
}

NOT_INLINED static void crash_on_a_thread(uintptr_t how) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, thread_main, (void *)how) == 0) {
        pthread_join(thread, NULL);
    }
}

/* From here on whoever asks for memory ends the process: forbids_memory.c is preloaded. */
NOT_INLINED static void crash_without_memory(void) {
    void (*forbid)(void) = (void (*)(void))dlsym(RTLD_DEFAULT, "forbid_memory");
    if (forbid != NULL) {
        forbid();
        write_to_null();
    }
}

static hotgraft_status crash(void *self, uint32_t how) {
    (void)self;
    switch (how) {
    case 1:
        write_to_null();
        break;
    case 2:
        zero = divide_by_zero();
        break;
    case 3:
        zero = overflow_stack("");
        break;
    case 4:
        jump_to_null();
        break;
    case 5:
        give_up();
        break;
    case 6:
        run_no_instruction();
        break;
    case 7:
        touch_cut_file();
        break;
    case 8:
        free_twice();
        break;
    case 9:
        copy_from_null();
        break;
    case 10:
        crash_on_a_thread(0);
        break;
    case 11:
        crash_on_a_thread(1);
        break;
    case 12:
        crash_without_memory();
        break;
    case 13:
        raise(SIGSEGV);
        break;
    default:
        return HOTGRAFT_OK;
    }
    return HOTGRAFT_E_FAILED;
}

static hotgraft_status wait_for_ever(void *self) {
    (void)self;
    for (;;) {
        pause();
    }
}

static int64_t build(void *self) {
    (void)self;
    return COUNTER_BUILD;
}

static const crashes_v1 functions = {sizeof(crashes_v1), crash, crash, wait_for_ever, build};

#ifdef CRASHES_IN_CONSTRUCTOR
__attribute__((constructor)) static void begin(void) {
    give_up();
}
#endif

struct hotgraft_instance {
    int unused;
};

static hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config, hotgraft_instance **out,
                              hotgraft_error *error) {
    static hotgraft_instance instance;
    (void)host;
    (void)error;
    if (config->len >= 7 && memmem(config->ptr, config->len, "\"crash\"", 7) != NULL) {
        write_to_null();
    }
    *out = &instance;
    return HOTGRAFT_OK;
}

static void destroy(hotgraft_instance *instance) {
    (void)instance;
}

static const void *get_interface(hotgraft_instance *instance, const char *id, void **self) {
    *self = instance;
    return strncmp(id, "crashes/", 8) == 0 ? &functions : NULL;
}

static const hotgraft_plugin plugin = {
    .struct_size = sizeof(hotgraft_plugin),
    .abi_minor = HOTGRAFT_ABI_MINOR,
    .descriptor = counter_descriptor,
    .descriptor_len = sizeof counter_descriptor_note.text,
    .create = create,
    .destroy = destroy,
    .get_interface = get_interface,
};

const hotgraft_plugin *hotgraft_plugin_v1(uint32_t host_abi_minor) {
    (void)host_abi_minor;
    return &plugin;
}
