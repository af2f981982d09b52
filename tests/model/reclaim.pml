/* reclaim: a generation replaced without a gate (one slot, no state), while a thread inside it takes a pin, calls through
 * the pin, and another thread ends the pin, also amid such a call. At stake: the order of looks of the reaper (M14).
 */
#define NT 3
#define BUFFER 3
#define CALLER 0
#define EXPIRER 1
#define REAPER 2
#define CHECK 0
#define CURRENT 1
#define PIN_CHECK 2
#define ENTRY 3
#define NWORDS 4
#include "tso.pml"

#define NONE 0
#define T0 2
#define T1 3

/* One word, changed by locked instructions: pins that are open, and pins ever taken. */
byte pins_open, pins_taken;
byte running;        /* the table whose code the caller runs */
bool pinned;         /* a pin that the caller may rely on is open */
bool retired;        /* the generation of T0 has been given to the reaper */
bool reclaimed;      /* the generation of T0 is gone */
bool call_into_reclaimed, reclaimed_while_pinned; /* what must never be */

inline run_and_leave(table, may_pin)
{
    running = table;
    call_into_reclaimed = table == T0 && reclaimed;
    assert(!call_into_reclaimed);
    if
    :: may_pin && table == T0 && pins_taken == 0 ->
        fence(CALLER);
#ifdef PIN_LOOKS_AT_STAGE
        atomic { pins_open++; pins_taken++ }
        if
        :: atomic { !retired -> pinned = true }
            store(CALLER, PIN_CHECK, T0)
        :: else -> pins_open--
        fi
#else
        atomic { pins_open++; pins_taken++; pinned = true }
        store(CALLER, PIN_CHECK, T0)
#endif
    :: skip
    fi;
    running = NONE;
    store(CALLER, ENTRY, NONE)
}

proctype caller()
{
    byte table, calls;
    do
    :: calls < 3 ->
        calls++;
        table = M[CURRENT];
        store(CALLER, ENTRY, table);
        if
        :: atomic { M[CHECK] == table -> running = table }
            run_and_leave(table, true)
        :: else ->
            table = M[CHECK];
            store(CALLER, ENTRY, table);
            fence(CALLER);
            atomic { M[CHECK] == table -> running = table } /* T1 by now, for good */
            run_and_leave(table, true)
        fi;
        table = NONE
    :: calls < 3 && pins_taken > 0 -> /* through the pin: its own slot, the thread's own record */
        calls++;
        store(CALLER, ENTRY, T0);
        if
        :: atomic { M[PIN_CHECK] == T0 -> running = T0 }
            run_and_leave(T0, false)
        :: else ->
            store(CALLER, ENTRY, NONE) /* PinExpired */
        fi
    :: break
    od
}

/* Ends a pin: no call enters through it any more; one in progress is never cut. */
proctype expirer()
{
end:
    do
    :: M[PIN_CHECK] == T0 ->
        store(EXPIRER, PIN_CHECK, NONE);
        fence(EXPIRER);
        atomic { pins_open--; pinned = false }
    od
}

proctype reaper()
{
    byte fenced, taken;
    store(REAPER, CHECK, T1);
    store(REAPER, CURRENT, T1);
    fence(REAPER);
    retired = true;
again:
#ifdef NO_FIRST_PIN_LOOK
    taken = pins_taken;
#else
    atomic { pins_open == 0 -> taken = pins_taken }
#endif
#ifdef RECLAIM_NO_BARRIER
    fence(REAPER);
#else
    membarrier(REAPER, fenced);
#endif
#ifndef RECLAIM_NO_DRAIN
    if
    :: M[ENTRY] == T0 -> goto again
    :: else -> skip
    fi;
#endif
#ifdef NO_SECOND_PIN_LOOK
#elif defined(SECOND_LOOK_COUNTS_ONLY_OPEN_PINS)
    if
    :: pins_open == 0 -> skip
    :: else -> goto again
    fi;
#else
    if
    :: pins_open == 0 && pins_taken == taken -> skip
    :: else -> goto again
    fi;
#endif
    atomic {
        reclaimed = true;
        call_into_reclaimed = running == T0;
        assert(!call_into_reclaimed);
        reclaimed_while_pinned = pinned;
        assert(!reclaimed_while_pinned)
    }
}

init
{
    atomic {
        M[CHECK] = T0;
        M[CURRENT] = T0;
        run store_buffer(0);
        run store_buffer(1);
        run store_buffer(2);
        run caller();
        run expirer();
        run reaper()
    }
}

#ifdef LTL
ltl reclaimed_in_the_end { <> reclaimed }
#endif
