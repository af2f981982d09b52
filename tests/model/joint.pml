/* joint: two plugins, A (slot 0, the consumer) and B (slot 1), swapped as one set; then B alone. Callers nest A → B,
 * call back A → B → A and B → A, and make a second outer call. Either swap may be called off at any moment of its drain
 * or quiesce. At stake: the joint gate and drain, who passes a closed gate (M3 to M6, M10), promise 6 (M8).
 */
#define NSLOTS 2
#define DEPTHS 3
#define NT 3
#ifdef SMALL /* for the fair search, which visits each state once per process */
#define BUFFER 1
#else
#define BUFFER 2
#endif
#define NWORDS (4 + 9)
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

/* Tables: A0 → A1 by the joint swap; B0 → B1 by the joint swap; B0 or B1 → B2 by the swap of B alone. */
#define A0 2
#define A1 3
#define B0 4
#define B1 5
#define B2 6
#ifdef SLOT_BY_SLOT
#define TABLE_OF_B_ALONE B1
#else
#define TABLE_OF_B_ALONE B2
#endif
#define OLD_SIDE 1
#define NEW_SIDE 2
#ifdef OPEN_PUBLISH /* only A is swapped */
#define SIDE(table) ((table) == A0 -> OLD_SIDE : ((table) == A1 -> NEW_SIDE : 0))
#else
#define SIDE(table) ((table) == A0 || (table) == B0 -> OLD_SIDE : ((table) == B2 && !joint_published -> 0 : NEW_SIDE))
#endif

bool joint_published;
byte sides[2];     /* the sides of the joint swap that the outer call under way has seen */
bool saw_new[2];   /* this thread has seen the new side of the joint swap */
bool saw_b2[2];
bool mixed_sides, new_then_old; /* what must never be */

inline note_enter(t, s, d, table)
{
    note_entered_safely(s, table);
    new_then_old = (saw_new[t] && SIDE(table) == OLD_SIDE) || (saw_b2[t] && s == 1 && table != B2);
    assert(!new_then_old);
    saw_new[t] = saw_new[t] || SIDE(table) == NEW_SIDE;
    saw_b2[t] = saw_b2[t] || table == B2;
    sides[t] = sides[t] | SIDE(table);
#ifndef LEAVE /* boundary 3 */
    mixed_sides = sides[t] == (OLD_SIDE | NEW_SIDE);
#endif
    assert(!mixed_sides)
}
#ifdef OUTER_CALL_OUTSIDE_THE_SET /* the whole program is one call of a plugin X that is no member */
#define note_leave(t, d) skip
#else
#define note_leave(t, d) sides[t] = (d == 0 -> 0 : sides[t])
#endif
#include "calls.pml"
#include "gates.pml"

#define E_A 2
#define E_B 3
#define L 1
#define CALL_BACK (E_A | E_B << 2 | E_A << 4 | L << 6 | L << 8 | L << 10)
#define A_B (E_A | E_B << 2 | L << 4 | L << 6)
#define B_A (E_B | E_A << 2 | L << 4 | L << 6)
#define B_A_B (E_B | E_A << 2 | L << 4 | E_B << 6 | L << 8 | L << 10)
#ifdef SMALL
#define THEN(first, length, s) (first)
#else
#define THEN(first, length, s) (first | s << length | L << (length + 2))
#endif

proctype caller(byte t)
{
    byte d, s, table, seen;
    int program;
    if
#ifdef LEAVE
    :: t == 0 -> program = B_A_B
#else
    :: t == 0 -> program = CALL_BACK
#endif
    :: t == 1 -> program = THEN(A_B, 8, E_A)
    :: t == 1 -> program = THEN(B_A, 8, E_B)
    fi;
    perform(t, program, d, s, table, seen)
}

inline quiesce_member(m)
{
    if
    :: !called_off -> quiesced = quiesced | (1 << m)
    :: called_off -> skip
    :: DEADLINE && !called_off -> called_off = true
    fi
}

inline finish(set, i)
{
    if
    :: called_off ->
        quiesced = 0;
        reopen(set, i)
    :: else ->
        touch_state(set, i);
        if
        :: give_state_back(set, i); quiesced = 0; reopen(set, i) /* a later step failed: undone */
        :: quiesced = 0; publish(set, i)
        fi
    fi
}

/* The members' gates open one after another. */
inline publish(set, i)
{
    i = 0;
    do
    :: i == 0 && HAS(set, 0) -> joint_published = true; open_slot(0, A1); i++
    :: i == 0 && !HAS(set, 0) -> i++
    :: i == 1 && HAS(set, 1) -> open_slot(1, (set == 2 -> TABLE_OF_B_ALONE : B1)); i = 0; break
    :: i == 1 && !HAS(set, 1) -> i = 0; break
    od
}

proctype swapper()
{
    byte i;
#if defined(OPEN_PUBLISH)
    open_slot(0, A1)
#elif defined(LEAVE)
    close_gates(3, 1, i); drain(3, i);
    called_off = false; /* whoever is inside is left there; nothing has state, nothing is quiesced */
#ifndef PASS_WHILE_PUBLISHING
    d_step { swap_of[0] = 0; swap_of[1] = 0 } /* M19 */
#endif
    publish(3, i)
#elif defined(SLOT_BY_SLOT)
    close_gates(1, 1, i); drain(1, i); quiesce_member(0); finish(1, i);
    close_gates(2, 2, i); drain(2, i); quiesce_member(1); finish(2, i)
#else
#ifdef DRAIN_ONE_BY_ONE
#ifdef WITH_JOINT_LIST
    join_set(1, 1);
#endif
    close_gates(1, 1, i); drain(1, i); quiesce_member(0);
    close_gates(2, 1, i); drain(2, i); quiesce_member(1);
#else
    close_gates(3, 1, i); drain(3, i); quiesce_member(0); quiesce_member(1);
#endif
    finish(3, i);
#ifndef SMALL
    close_gates(2, 2, i); drain(2, i); quiesce_member(1); finish(2, i)
#endif
#endif
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
