/* The core for programs without Python: facts of an image, load, replace, call, unload proof. Version 0.x: names may
 * still change.
 *
 * A hotgraft_core_plugin is a named, replaceable unit. It owns one slot per interface, so an import that was filled
 * once stays good over every replacement. Link with libhotgraft.so.1; a process has one core, whoever loads it first.
 *
 * Thread safety: calls through an import from any thread, any time. The functions here from any thread; those that
 * change one plugin take turns, and a second one waits for the first. None may be called from inside a plugin's
 * function. Errors: every function that can fail answers a hotgraft_core_code and fills `error` (may be NULL) with what
 * was tried, on what, and what was found; what ran before still runs.
 */
#ifndef HOTGRAFT_CORE_H
#define HOTGRAFT_CORE_H

#include <stdint.h>

#include <hotgraft/call.h>
#include <hotgraft/hotgraft.h>

HOTGRAFT_EXTERN_C_BEGIN

#define HOTGRAFT_CORE_API __attribute__((visibility("default")))

/* One code per decision a caller can take; the numbers never change. */
typedef int32_t hotgraft_core_code;
#define HOTGRAFT_CORE_OK           0
#define HOTGRAFT_CORE_INVALID      1  /* the caller broke a rule of this API */
#define HOTGRAFT_CORE_MALFORMED    2  /* the bytes of an image are not what their format promises */
#define HOTGRAFT_CORE_REFUSED      3  /* well-formed, and refused before any of its code ran */
#define HOTGRAFT_CORE_IO           4  /* the operating system said no */
#define HOTGRAFT_CORE_NOMEM        5  /* memory, fds or disk ran out */
#define HOTGRAFT_CORE_TIMED_OUT    6  /* a deadline passed; the swap was called off */
#define HOTGRAFT_CORE_PLUGIN       7  /* the plugin's own code answered with an error */
#define HOTGRAFT_CORE_ABANDONED    8  /* the plugin's own code did not return by its deadline */
#define HOTGRAFT_CORE_BUSY         9  /* too many abandoned threads, or asked for from inside a plugin call */
#define HOTGRAFT_CORE_STUCK        10 /* a library cannot leave memory */
#define HOTGRAFT_CORE_FORKED       11 /* off in a child forked after a load; calls work */
#define HOTGRAFT_CORE_WRONG_STAGE  12
#define HOTGRAFT_CORE_BACKPRESSURE 13 /* a call was turned away before it entered: a closed gate's queue is full */

/* "0.1.0": of the package it was built with (static). */
HOTGRAFT_CORE_API const char *hotgraft_core_version(void);

/* What the file of an image says. Text is terminated and cut to fit. */
typedef struct hotgraft_core_image {
    uint32_t struct_size; /* bytes; set by the caller to sizeof(hotgraft_core_image) */
    uint32_t is_position_independent_executable;
    char soname[128];
    char build_id[64];       /* hexadecimal, empty when there is none */
    uint64_t exported_count; /* symbols */
    uint64_t needed_count;   /* libraries */
    uint64_t descriptor_len; /* bytes of the embedded note; 0: none */
    uint64_t refusal_count;  /* reasons for which load would refuse it here and now */
} hotgraft_core_image;

/* Read the facts of the image at `path`; none of its code runs. */
HOTGRAFT_CORE_API hotgraft_core_code hotgraft_core_inspect(const char *path, hotgraft_core_image *facts,
                                                           hotgraft_error *error);

typedef struct hotgraft_core_plugin hotgraft_core_plugin;

/* Make an empty plugin. `folder`: private place of the staged copies, made with mode 0700 if it is not there.
 * `interfaces`: `count` ids ("counter/1") that it will provide. Release with hotgraft_core_close. */
HOTGRAFT_CORE_API hotgraft_core_code hotgraft_core_open(const char *name, const char *folder,
                                                        const char *const *interfaces, uint64_t count,
                                                        hotgraft_core_plugin **plugin, hotgraft_error *error);

/* Let import `id` of `plugin` ("codec") lead to interface `interface` ("codec/1") of `provider`, which must outlive it.
 * Before the first load; holds for every generation. */
HOTGRAFT_CORE_API hotgraft_core_code hotgraft_core_require(hotgraft_core_plugin *plugin, const char *id,
                                                           hotgraft_core_plugin *provider, const char *interface,
                                                           hotgraft_error *error);

/* How one load or replacement went. Times in nanoseconds. */
typedef struct hotgraft_core_report {
    uint32_t struct_size; /* bytes; set by the caller to sizeof(hotgraft_core_report) */
    uint32_t is_published;
    uint64_t generation; /* of what serves now; 0: nothing */
    uint64_t prepare_ns; /* stage, inspect, map, create: callers noticed nothing */
    uint64_t pause_ns;   /* gates closed → open; 0: no gate was needed */
    /* Of a replacement, what the pause is made of; what is left of it are the plugins' quiesce and start. */
    uint64_t publish_ns;  /* closing the gates, the drain, and publishing: with nobody inside, the core's own share */
    uint64_t transfer_ns; /* the state's way across: surrender and take, or save and restore */
} hotgraft_core_report;

/* Load the image at `image`, or replace what runs by it, its state carried over. `config_json`: an object, NULL for
 * "{}". `deadline_ns`: from now, for all of it. Whatever the answer, the report says what serves, as far
 * as its struct_size reaches. */
HOTGRAFT_CORE_API hotgraft_core_code hotgraft_core_load(hotgraft_core_plugin *plugin, const char *image,
                                                        const char *config_json, uint64_t deadline_ns,
                                                        hotgraft_core_report *report, hotgraft_error *error);

/* Fill an import that leads to interface `id` of `plugin`: then hotgraft_enter(&import, &guard) from any thread. The
 * import is good until hotgraft_core_close. */
HOTGRAFT_CORE_API hotgraft_core_code hotgraft_core_import(hotgraft_core_plugin *plugin, const char *id,
                                                          hotgraft_import *import, hotgraft_error *error);

/* What became of the generations of `plugin` that were replaced. `reason` (may be NULL, `reason_size` bytes): why the
 * newest stuck one is stuck. Waits up to `wait_ns` for those that are still on their way out. */
HOTGRAFT_CORE_API hotgraft_core_code hotgraft_core_unloaded(hotgraft_core_plugin *plugin, uint64_t wait_ns,
                                                            uint64_t *proven, uint64_t *stuck, char *reason,
                                                            uint64_t reason_size);

/* What the meter of the generation that serves says. */
typedef struct hotgraft_core_meter {
    uint32_t struct_size; /* bytes; set by the caller to sizeof(hotgraft_core_meter) */
    uint32_t is_metered;  /* 0: more generations are in memory than there are meters, and this one went without */
    uint64_t generation;  /* whose; 0: nothing serves, all else is 0 too */
    uint64_t calls;       /* guards of call.h, by all callers; not those of guard protocol 1, nor of host->enter */
    uint64_t samples;     /* calls that were timed, undisturbed */
    uint64_t p50_ns;      /* of the samples, within 3.2 %: the lower edge of their bucket; 0 without samples */
    uint64_t p99_ns;
    uint64_t pushed_off; /* timed calls left out of the samples: the scheduler took the caller's processor away */
} hotgraft_core_meter;

/* Read it, stopping no caller; a change of the plugin that is under way is waited for. A call's status is its caller's:
 * failures are not counted here. */
HOTGRAFT_CORE_API hotgraft_core_code hotgraft_core_read_meter(hotgraft_core_plugin *plugin, hotgraft_core_meter *meter,
                                                              hotgraft_error *error);

/* Time calls of every plugin in this process, drawn by chance: at least `per_second` of each, if it is called that
 * often; at most 100,000. 0, as at the start: none. */
HOTGRAFT_CORE_API hotgraft_core_code hotgraft_core_set_sampling(uint32_t per_second, hotgraft_error *error);

/* Turn callers away, drain, unload and free. Timed out: nothing was freed and the plugin serves on. */
HOTGRAFT_CORE_API hotgraft_core_code hotgraft_core_close(hotgraft_core_plugin *plugin, uint64_t deadline_ns,
                                                         hotgraft_error *error);

/* From now on, when this process is about to die of SIGSEGV, SIGBUS, SIGFPE, SIGILL or SIGABRT in a plugin's code, say
 * on `fd` (2: stderr) which plugin, generation, image and function that was; then the handler that was there at the
 * first of these calls gets the signal, as if it had come to it. A crash that no plugin has part in is passed on in
 * silence. `fd` < 0: say nothing. The calling thread gets an alternate stack, and so does every further one with its
 * first call of a plugin, unless it has one: without it, the overflow of a thread's stack ends the process unreported.
 */
HOTGRAFT_CORE_API hotgraft_core_code hotgraft_core_report_crashes(int32_t fd, hotgraft_error *error);

HOTGRAFT_EXTERN_C_END

#endif /* HOTGRAFT_CORE_H */
