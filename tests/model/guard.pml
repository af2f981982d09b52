/* guard: one plugin, two threads that call it, two swaps one after another, each of which may be called off.
 * What is at stake: announce-then-look against close-then-scan under store buffers (M1, M2, M4, M7, M8, M10). */
#define NSLOTS 1
#define DEPTHS 1
#define NT 3
#define BUFFER 3
#define NWORDS (2 + 3)
#include "tso.pml"

#define REGISTERED(t, s) false
#define REFUSED(t, s) false
#define note_refused(t, s) skip
#define EXEMPT(i) false
#ifdef NO_DEADLINE
#define DEADLINE false
#else
#define DEADLINE true
#endif
#define T0 2
#ifdef SMALL /* for the fair search, which visits each state once per process */
#define SWAPS 1
#else
#define SWAPS 2
#endif

byte newest[2];   /* the newest table each caller has seen */
bool new_then_old;

#define note_enter(t, s, d, table) note_entered_safely(s, table); \
    new_then_old = table < newest[t]; assert(!new_then_old); newest[t] = table
#define note_leave(t, d) skip
#include "calls.pml"
#include "gates.pml"

proctype caller(byte t)
{
    byte d, s, table, seen;
    short program = 2 | 1 << 2 | 2 << 4 | 1 << 6; /* enter, leave, enter, leave */
    perform(t, program, d, s, table, seen)
}

proctype swapper()
{
    byte number = 1, i;
    do
    :: number <= SWAPS ->
        close_gates(1, number, i);
        drain(1, i);
        if
        :: called_off -> reopen(1, i)
        :: else ->
            touch_state(1, i);
            if
            :: give_state_back(1, i); reopen(1, i) /* restore failed: undone */
            :: open_slot(0, held[0] + 1)
            fi
        fi;
        number++
    :: number > SWAPS -> break
    od
}

init
{
    atomic {
        held[0] = T0;
        M[CHECK(0)] = T0;
        M[CURRENT(0)] = T0;
        run store_buffer(0);
        run store_buffer(1);
        run store_buffer(2);
        run caller(0);
        run caller(1);
        run swapper()
    }
}

#ifdef LTL
ltl call_that_met_a_gate_runs { [] (met_gate[0] -> <> !met_gate[0]) }
#endif
