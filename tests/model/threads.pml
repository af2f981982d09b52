/* threads: A (slot 0, the consumer) and B (slot 1) are swapped while a member has a thread of its own, which its quiesce
 * joins: A's thread calls B, or B's thread calls back A, each also from inside a call of its own plugin. At stake: who a registered thread is to the gate and to the
 * drain, the order of quiesce and of resume, and what "cancelled" is for (M11 to M13).
 */
#define NSLOTS 2
#define DEPTHS 2
#define NT 3
#ifdef SMALL /* for the fair search, which visits each state once per process */
#define BUFFER 1
#else
#define BUFFER 2
#endif
#define NWORDS (4 + 6)
#include "tso.pml"

#ifdef NO_DEADLINE
#define DEADLINE false
#else
#define DEADLINE true
#endif
#define CALLER 0
#define THREAD 1
#define A0 2
#define A1 3
#define B0 4
#define B1 5

byte owner;       /* the member whose thread it is */
bool stop;        /* its quiesce has begun */
bool joined;      /* it has ended, and with it the quiesce may return */
bool over;        /* the swap is done: the thread may end for good */
byte refusing;    /* members that are being quiesced or are quiesced: threads of other members are turned away (M12) */
bool scan_exempts_thread = true;

#define EXEMPT(i) ((i) / DEPTHS == THREAD && scan_exempts_thread)
#ifdef REGISTERED_THREADS_WAIT
#define REGISTERED(t, s) false
#else
#define REGISTERED(t, s) ((t) == THREAD && swap_of[s] != 0 && !joined)
#endif
#ifdef NO_REFUSAL
#define REFUSED(t, s) false
#else
#ifdef REFUSAL_SPARES_ALL_HOLDERS /* also one that is inside another member alone: from there it calls into s */
#define SPARED(t, s) HOLDER(t, s)
#else
#define SPARED(t, s) HOLDS(t, OLD(s))
#endif
#define REFUSED(t, s) ((t) == THREAD && owner != (s) && ((refusing >> (s)) & 1) && !SPARED(t, s))
#endif

#define note_enter(t, s, d, table) note_entered_safely(s, table)
#define note_leave(t, d) skip
#define note_refused(t, s) consumer_turned_away = s == 1; assert(!consumer_turned_away)
bool consumer_turned_away; /* what must never be: a consumer's own thread is cut off from a provider */
#include "calls.pml"
#include "gates.pml"

#define CALL_OF(slot) (2 + (slot) | 1 << 2)
#define CALL_WITHIN(outer, slot) (2 + (outer) | (2 + (slot)) << 2 | 1 << 4 | 1 << 6)

proctype caller()
{
    byte d, s, table, seen;
    short program;
    if
    :: program = 2 | 3 << 2 | 1 << 4 | 1 << 6 /* A → B */
#ifndef SMALL
    :: program = 3 | 2 << 2 | 1 << 4 | 1 << 6 /* B → A */
#endif
    fi;
    perform(CALLER, program, d, s, table, seen)
}

proctype own_thread()
{
    byte d, s, table, seen;
    short program;
end:
    do
    :: !stop && !over && !joined ->
        if
        :: program = CALL_OF(1 - owner)
        :: program = CALL_WITHIN(owner, 1 - owner)
        fi;
        perform(THREAD, program, d, s, table, seen)
    :: atomic { stop && !joined && fence(THREAD) -> joined = true } /* a thread that has ended has no store pending */
    :: !stop && joined -> joined = false /* resumed: started anew */
    :: over && !stop -> break
    od
}

/* M12: turn other members' threads away, see the member's own table clear of them, and only then quiesce it. */
inline quiesce_member(m, i)
{
    if
    :: called_off -> skip
    :: else ->
#ifndef NO_REFUSAL
        refusing = refusing | (1 << m);
        membarrier(SWAPPER, i);
        if
        :: owner != m -> scan_exempts_thread = false; drain(1 << m, i); scan_exempts_thread = true
        :: else -> skip
        fi;
#endif
        if
        :: called_off -> skip
        :: else ->
            stop = stop || owner == m;
            if
            :: owner != m || joined -> quiesced = quiesced | (1 << m)
            :: DEADLINE -> called_off = true
            fi
        fi
    fi
}

/* A quiesce that did not finish is undone by resume as well. */
inline resume_member(m)
{
    quiesced = quiesced & ~(1 << m);
    if
    :: owner == m && stop ->
        stop = false;
        !joined
    :: else -> skip
    fi;
    refusing = refusing & ~(1 << m)
}

#ifdef QUIESCE_PROVIDERS_FIRST
#define FIRST 1
#else
#define FIRST 0
#endif
#ifdef RESUME_CONSUMERS_FIRST
#define RESUME_FIRST 0
#else
#define RESUME_FIRST (1 - FIRST)
#endif

proctype swapper()
{
    byte i;
    close_gates(3, 1, i);
    drain(3, i); /* M6, registered threads left out */
    quiesce_member(FIRST, i);
    quiesce_member(1 - FIRST, i);
    if
    :: !called_off -> scan_exempts_thread = false; drain(3, i) /* now no record at all holds the set */
    :: else -> skip
    fi;
    if
    :: called_off ->
        resume_member(RESUME_FIRST);
        resume_member(1 - RESUME_FIRST);
        reopen(3, i)
    :: else ->
        touch_state(3, i);
        quiesced = 0;
        refusing = 0;
        open_slot(0, A1);
        open_slot(1, B1);
        stop = false /* the new generation's thread */
    fi;
    over = true
}

init
{
    atomic {
        held[0] = A0;
        held[1] = B0;
        M[CHECK(0)] = A0;
        M[CURRENT(0)] = A0;
        M[CHECK(1)] = B0;
        M[CURRENT(1)] = B0;
        if
        :: owner = 0
        :: owner = 1
        fi;
        run store_buffer(0);
        run store_buffer(1);
        run store_buffer(2);
        run caller();
        run own_thread();
        run swapper()
    }
}

#ifdef LTL
ltl swap_ends_and_callers_run { <> over && [] (met_gate[0] -> <> !met_gate[0]) }
#endif
