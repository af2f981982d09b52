/* Guard protocol 2: how a thread holds a table while it uses it, inlined, and how its calls are counted. For plugins
 * that call plugins, and for hosts.
 *
 *     static hotgraft_import codec = HOTGRAFT_IMPORT("codec", "^1.2", 0);
 *     ...
 *     hotgraft_guard guard;
 *     const hotgraft_table *table = hotgraft_enter(&codec, &guard);
 *     if (table != NULL) {
 *         status = HOTGRAFT_INTERFACE(codec_v1, table)->encode(table->self, ...);
 *         hotgraft_leave(&guard);
 *     }
 *
 * A guard belongs to the thread that made it, is given up last in first out, and never outlives the function that made
 * it. Do not hold one while waiting for another thread that may call: that wait ends only at the drain's deadline. No
 * longjmp over it.
 *
 * Enter announces the table in this thread's record, then looks at the slot's second word. The order of these two is
 * kept by the compiler barrier here and by the membarrier of whoever closes the gate (tests/model, rule M1); no fence
 * is paid per call. Everything unusual (no record yet, record full, gate closed, swapped meanwhile, no membarrier) goes
 * through one cold branch.
 *
 * Protocol 2 is protocol 1 and a count of every guard, by the meter of the generation it holds. The counter itself says
 * which call is timed: while latency is sampled it is below zero and reaches zero at the call that was drawn, so that
 * every call is as likely as any other, however long it or the one before it takes. When nothing is sampled that is one
 * jump in enter and one test of a register in leave. Batch counts, and times, as one call.
 *
 * A plugin that defines HOTGRAFT_GUARD_PROTOCOL as 1u, in all of its sources alike, gets the guard without the count:
 * three to six instructions less, and it runs in hosts of before meters too. Nobody sees its calls in a meter.
 */
#ifndef HOTGRAFT_CALL_H
#define HOTGRAFT_CALL_H

#include <stddef.h>
#include <stdint.h>

#include "plugin.h"

HOTGRAFT_EXTERN_C_BEGIN

#if !defined(HOTGRAFT_GUARD_PROTOCOL)
#define HOTGRAFT_GUARD_PROTOCOL 2u
#endif
#define HOTGRAFT_RECORD_ENTRIES 15

/* A thread's record: what it holds now, innermost last. Host memory, two cache lines, reused and never freed. */
typedef struct hotgraft_record {
    uint32_t depth; /* entries in use; stored before the entry, so that a signal handler may call too */
    uint32_t limit; /* depth at which the cold branch is taken; 0 sends every call there */
    const hotgraft_table *entry[HOTGRAFT_RECORD_ENTRIES];
} hotgraft_record;

/* What lies behind a record, from protocol 2 on: the head of its counters, which follow it. As many counters as there
 * are meters: an index from a table (hotgraft_table.meter) always has one. */
typedef struct hotgraft_counts {
    /* The counter of the table in `record`'s entry `depth` has reached zero. Returns `depth`, with HOTGRAFT_TIMED added
     * if this call is timed. [any, the record's thread] */
    uint64_t(HOTGRAFT_CALL *reached)(hotgraft_record *record, uint64_t depth) HOTGRAFT_NOTHROW;

    /* Leave a guard whose depth says HOTGRAFT_TIMED. [any, the record's thread] */
    void(HOTGRAFT_CALL *leave_timed)(hotgraft_record *record, uint64_t depth) HOTGRAFT_NOTHROW;
} hotgraft_counts;

#define HOTGRAFT_TIMED (UINT64_C(1) << 63)

typedef struct hotgraft_guard {
    hotgraft_record *record;
    uint64_t depth; /* index of the entry this guard fills; HOTGRAFT_TIMED added: its leave takes the time */
} hotgraft_guard;

#define HOTGRAFT_IMPORT(id, range, flags)                                                                              \
    { (uint32_t)sizeof(hotgraft_import), (flags), (id), (range), HOTGRAFT_GUARD_PROTOCOL, 0, 0, 0 }

/* This thread's record pointer, `offset` bytes from the thread pointer. Read anew each time: the cold branch changes
 * it. */
static inline hotgraft_record *hotgraft_record_at(int64_t offset) {
#if defined(__x86_64__) && defined(__linux__)
    hotgraft_record *record;
    __asm__ volatile("movq %%fs:(%1), %0" : "=r"(record) : "r"(offset));
    return record;
#else
#error "guard protocols are defined for x86-64 Linux: call host->enter and host->leave instead"
#endif
}

static inline hotgraft_counts *hotgraft_counts_of(hotgraft_record *record) {
    return (hotgraft_counts *)(void *)(record + 1);
}

/* The counter of one meter; 0 collects what is not metered. */
static inline int64_t *hotgraft_counter(hotgraft_record *record, uint64_t meter) {
    return (int64_t *)(void *)(hotgraft_counts_of(record) + 1) + meter;
}

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HOTGRAFT_FOR_THREAD_SANITIZER 1
#endif
#elif defined(__SANITIZE_THREAD__)
#define HOTGRAFT_FOR_THREAD_SANITIZER 1
#endif

#if defined(HOTGRAFT_FOR_THREAD_SANITIZER)
/* The same steps as below, as accesses that ThreadSanitizer sees: what it does not see it cannot order, nor find
 * wrong. Layout and order of stores are those of the protocol, so that a sanitized plugin runs in any host. */
static inline int hotgraft_has_room(const hotgraft_record *record, uint64_t depth) {
    return (uint32_t)depth < __atomic_load_n(&record->limit, __ATOMIC_RELAXED);
}

static inline void hotgraft_raise_depth(hotgraft_record *record, uint64_t depth) {
    __atomic_store_n(&record->depth, (uint32_t)depth + 1u, __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST); /* before the entry */
}

static inline void hotgraft_announce(hotgraft_record *record, uint64_t depth, const hotgraft_table *table) {
    __atomic_store_n(&record->entry[depth], table, __ATOMIC_RELAXED);
}

static inline int hotgraft_is_still(const hotgraft_slot *slot, const hotgraft_table *table) {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);                         /* after the entry */
    return __atomic_load_n(&slot->check, __ATOMIC_ACQUIRE) == table; /* pairs with publish */
}

static inline int hotgraft_count(hotgraft_record *record, uint64_t meter) {
    return __atomic_add_fetch(hotgraft_counter(record, meter), 1, __ATOMIC_RELAXED) == 0;
}

static inline void hotgraft_retract(hotgraft_record *record, uint64_t depth) {
    __atomic_store_n(&record->entry[depth], (const hotgraft_table *)0, __ATOMIC_RELEASE); /* pairs with the scan */
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    __atomic_store_n(&record->depth, (uint32_t)depth, __ATOMIC_RELAXED);
}
#else
/* The steps whose instruction is chosen here. Each folds its memory operand, which a compiler does not do for an atomic
 * access, and takes the address as record + depth * 8, which gcc 12 would keep in a register of its own across the call
 * (four added instructions more for guard and gate). An aligned access of this width is single-copy atomic and,
 * as a load, an acquire, as a store, a release (Intel SDM vol. 3, 9.1.1 and 9.2.2). */

/* Is `depth` below record->limit? A scan may set limit to 0 at any time. */
static inline int hotgraft_has_room(const hotgraft_record *record, uint64_t depth) {
    int is_below;
    __asm__ volatile("cmpl %2, %1" : "=@ccb"(is_below) : "r"((uint32_t)depth), "m"(record->limit));
    return is_below;
}

/* Only the owner writes, and a signal handler's calls leave the depth as they found it: so what was read before a
 * handler ran is still true after it, and both ways below store depth + 1. Neither is moved below the entry.
 *
 * Reading the depth once and storing what follows from it costs an instruction more and a cycle less than a count in
 * memory, which waits for the store of the leave before (Intel Sapphire Rapids: 7 cycles a call, not 8). Protocol 2 has
 * such a wait anyway, for its count of calls, and no instruction to spare. */
static inline void hotgraft_raise_depth(hotgraft_record *record, uint64_t depth) {
#if HOTGRAFT_GUARD_PROTOCOL >= 2
    (void)depth;
    __asm__ volatile("incl %0" : "+m"(record->depth) : : "cc", "memory");
#else
    uint64_t raised;
    __asm__ volatile("leal 1(%q2), %k0\n\t"
                     "movl %k0, %1"
                     : "=&r"(raised), "=m"(record->depth)
                     : "r"(depth)
                     : "memory");
#endif
}

static inline void hotgraft_announce(hotgraft_record *record, uint64_t depth, const hotgraft_table *table) {
    __asm__ volatile("movq %0, %c3(%1,%2,8)"
                     :
                     : "r"(table), "r"(record), "r"(depth), "i"(offsetof(hotgraft_record, entry))
                     : "memory");
}

/* Is `table` what slot->check holds now? Keeps the compiler from moving anything across. */
static inline int hotgraft_is_still(const hotgraft_slot *slot, const hotgraft_table *table) {
    int is_same;
    __asm__ volatile("cmpq %2, %1"
                     : "=@ccz"(is_same)
                     : "r"(table), "m"(slot->check)
                     : "memory"); /* pairs with publish */
    return is_same;
}

/* One more call of that meter; did its counter reach zero? One instruction, for the same reason as the depth: whoever's
 * count it is that reaches zero sees it, and no count is lost. */
static inline int hotgraft_count(hotgraft_record *record, uint64_t meter) {
    int is_reached;
    __asm__ volatile("incq %1" : "=@ccz"(is_reached), "+m"(*hotgraft_counter(record, meter)));
    return is_reached;
}

/* The entry first (a release: pairs with the scan), then the depth. */
static inline void hotgraft_retract(hotgraft_record *record, uint64_t depth) {
    __asm__ volatile("movq $0, %c2(%0,%1,8)\n\t"
                     "movl %k1, %c3(%0)"
                     :
                     : "r"(record), "r"(depth), "i"(offsetof(hotgraft_record, entry)),
                       "i"(offsetof(hotgraft_record, depth))
                     : "memory");
}
#endif

/* What the cold branch answers, in two registers so that the warm path spills nothing for it. */
typedef struct hotgraft_entered {
    const hotgraft_table *table;
    hotgraft_record *record; /* its newest entry is the guard */
} hotgraft_entered;

__attribute__((noinline, cold, unused)) static hotgraft_entered hotgraft_enter_cold(const hotgraft_import *import) {
    hotgraft_entered entered;
    entered.table = import->host->enter(import->host->ctx, import->slot);
    entered.record = hotgraft_record_at(import->record_offset);
    return entered;
}

/* Enter, leave and Batch are inlined wherever they stand, also where a compiler's own estimate says no: gcc 12 leaves
 * the second call site of a file out of line, or inlines it so late that the guard stays on the stack (17 added
 * instructions instead of 15; Batch 24). */
#define HOTGRAFT_ALWAYS_INLINE __attribute__((always_inline)) inline

/* hotgraft_enter for a caller that has this thread's `record` from elsewhere. The announcement's address then does not
 * wait for the loads that lead to the import, which a processor feels where the import itself comes late. */
HOTGRAFT_ALWAYS_INLINE static const hotgraft_table *hotgraft_enter_on(const hotgraft_import *import,
                                                                      hotgraft_record *record, hotgraft_guard *guard) {
    hotgraft_slot *slot = import->slot;
    uint64_t depth = __atomic_load_n(&record->depth, __ATOMIC_RELAXED);
    const hotgraft_table *table = 0;
    int is_warm = 0;
    if (__builtin_expect(hotgraft_has_room(record, depth), 1)) {
        table = __atomic_load_n(&slot->current, __ATOMIC_ACQUIRE); /* pairs with publish */
        hotgraft_raise_depth(record, depth);
        hotgraft_announce(record, depth, table);
        /* The announcement comes first, then the look: pairs with the membarrier of close. */
        is_warm = hotgraft_is_still(slot, table);
        if (__builtin_expect(!is_warm, 0)) {
            hotgraft_retract(record, depth);
        }
    }
    if (__builtin_expect(!is_warm, 0)) {
        const hotgraft_entered entered = hotgraft_enter_cold(import);
        if (entered.table == 0) {
            guard->record = entered.record;
            guard->depth = 0;
            return 0;
        }
        table = entered.table;
        record = entered.record;
        depth = __atomic_load_n(&record->depth, __ATOMIC_RELAXED) - 1u;
    }
#if HOTGRAFT_GUARD_PROTOCOL >= 2
    if (__builtin_expect(hotgraft_count(record, table->meter), 0)) {
        depth = hotgraft_counts_of(record)->reached(record, depth);
        /* Read anew, so that the table needs no register that outlives a call. */
        table = __atomic_load_n(&record->entry[(uint32_t)depth], __ATOMIC_RELAXED);
    }
#endif
    guard->record = record;
    guard->depth = depth;
    if (table == 0) {
        __builtin_unreachable(); /* a slot's first word is a table or a mark, never NULL */
    }
    return table;
}

/* Guard the table that `import` leads to. NULL, and no guard: optional and not bound, the host is closing, as many
 * callers wait at a closed gate as its operator lets (a queue limit; without one nobody is turned away), or, on a
 * registered thread (threads.h), what it leads to comes to rest before the thread's own plugin. */
HOTGRAFT_ALWAYS_INLINE static const hotgraft_table *hotgraft_enter(const hotgraft_import *import,
                                                                   hotgraft_guard *guard) {
    return hotgraft_enter_on(import, hotgraft_record_at(import->record_offset), guard);
}

/* Give up the guard. Everything the call wrote happens before whatever follows the drain. */
HOTGRAFT_ALWAYS_INLINE static void hotgraft_leave(const hotgraft_guard *guard) {
#if HOTGRAFT_GUARD_PROTOCOL >= 2
    if (__builtin_expect((int64_t)guard->depth < 0, 0)) { /* HOTGRAFT_TIMED */
        hotgraft_counts_of(guard->record)->leave_timed(guard->record, guard->depth);
        return;
    }
#endif
    hotgraft_retract(guard->record, guard->depth);
}

HOTGRAFT_EXTERN_C_END

#if defined(__cplusplus)
namespace hotgraft {

/* One guard over many calls: all of them see one generation, and its unloading waits for the end of the scope. Keep the
 * scope short: a gate cannot close past it. */
class Batch {
public:
    HOTGRAFT_ALWAYS_INLINE explicit Batch(const hotgraft_import &import) noexcept
        : table_(hotgraft_enter(&import, &guard_)) {}
    HOTGRAFT_ALWAYS_INLINE ~Batch() {
        if (table_ != nullptr) {
            hotgraft_leave(&guard_);
        }
    }
    Batch(const Batch &) = delete;
    Batch &operator=(const Batch &) = delete;

    explicit operator bool() const noexcept { return table_ != nullptr; }
    void *self() const noexcept { return table_->self; }
    template <class Interface> const Interface *as() const noexcept { return HOTGRAFT_INTERFACE(Interface, table_); }

private:
    /* Never changed after the constructor; mutable, because gcc 12 keeps a const object without a mutable member in
     * memory (9 instructions per call) and this one in registers. */
    mutable hotgraft_guard guard_{};
    const hotgraft_table *table_;
};

} // namespace hotgraft
#endif

#endif /* HOTGRAFT_CALL_H */
