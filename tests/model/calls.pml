/* A thread that calls: enter (warm and cold), nested calls, leave. Interprets a program of operations, two bits each:
 * 0 end, 1 leave the innermost call, 2 enter slot 0, 3 enter slot 1. Included after tso.pml by a model that defines
 *
 *   NSLOTS, DEPTHS (entries per record),
 *   REGISTERED(t, s)  may thread t pass the gate of s as a thread that a member's quiesce has yet to join?
 *   REFUSED(t, s)     is t told "cancelled" (NULL) at the gate of s instead? It leaves the call it is in, and is done
 *   note_enter(t, s, table), note_leave(t)  the model's checks at the moment a call begins, and when an outer call ends.
 */
#define NONE 0
#define GATE 1

#define CHECK(s) (2 * (s))
#define CURRENT(s) (2 * (s) + 1)
#define ENTRY(t, d) (2 * NSLOTS + (t) * DEPTHS + (d))
#define WORDS_OF_CALLS (2 * NSLOTS + NT * DEPTHS)

byte inside[NT * DEPTHS];  /* the truth: the table whose code thread t runs at depth d; also what t knows it announced */
byte held[NSLOTS];         /* the table that serves, also while the gate is closed */
byte old[NSLOTS];          /* what it was when the gate was closed: fixed until the next closing */
byte sequence[NSLOTS];     /* what waiters sleep on: grows after every opening of the gate */
byte swap_of[NSLOTS];      /* the number of the swap that closed the gate; other swaps have other numbers */

#ifdef LTL
bool met_gate[NT];         /* a call of t has met a gate and has not run yet */
#define note_met_gate(t, it) met_gate[t] = it
#else
#define note_met_gate(t, it) skip
#endif

#define INSIDE(t, d) inside[(t) * DEPTHS + (d)]

/* M3: does t's own record hold an old table of any member of the swap that closed s? */
#define WITH(s, m) (swap_of[s] != 0 && swap_of[m] == swap_of[s])
#if DEPTHS == 1
#define HOLDS(t, table) (INSIDE(t, 0) == (table))
#elif DEPTHS == 2
#define HOLDS(t, table) (INSIDE(t, 0) == (table) || INSIDE(t, 1) == (table))
#else
#define HOLDS(t, table) (INSIDE(t, 0) == (table) || INSIDE(t, 1) == (table) || INSIDE(t, 2) == (table))
#endif
#ifdef HOLDER_BY_SERVING_TABLE
#define OLD(s) held[s]
#else
#define OLD(s) old[s]
#endif
#ifdef STRICT_GATE
#define HOLDER(t, s) false
#elif NSLOTS == 1
#define HOLDER(t, s) (WITH(s, 0) && HOLDS(t, OLD(0)))
#else
#define HOLDER(t, s) ((WITH(s, 0) && HOLDS(t, OLD(0))) || (WITH(s, 1) && HOLDS(t, OLD(1))))
#endif

#ifdef PASS_WITHOUT_RECHECK
#define STILL_CLOSED(s, seen) true
#else
#define STILL_CLOSED(s, seen) (sequence[s] == seen)
#endif

inline really_enter(t, s, d, table)
{
    INSIDE(t, d) = table;
    note_met_gate(t, false);
    note_enter(t, s, d, table);
    d++;
    table = 0;
    s = 0
}

inline perform(t, program, d, s, table, seen)
{
    do
    :: atomic { (program & 3) == 1 -> /* leave: the entry first, the depth after it (M2) */
            program = program >> 2;
            d--;
            INSIDE(t, d) = 0;
            note_leave(t, d) }
        store(t, ENTRY(t, d), NONE)
    :: atomic { (program & 3) > 1 -> s = (program & 3) - 2; program = program >> 2 }
warm:   table = M[CURRENT(s)];
        store(t, ENTRY(t, d), table); /* a compiler barrier, no fence: M1 */
        if
        :: atomic { M[CHECK(s)] == table -> really_enter(t, s, d, table) }
            goto done
        :: else ->
            atomic { store(t, ENTRY(t, d), NONE); table = 0 }
        fi;
cold:   seen = sequence[s]; /* before check: M7 */
        table = M[CHECK(s)];
        if
        :: atomic { table == GATE && REFUSED(t, s) -> note_refused(t, s); table = 0; seen = 0; s = 0; program = (d == 0 -> 0 : 1) }
            goto done
        :: table == GATE && !REFUSED(t, s) ->
            if
            :: HOLDER(t, s) || REGISTERED(t, s) ->
                table = old[s];
                store(t, ENTRY(t, d), table);
                fence(t); /* M4: announced, then looked at once more */
                if
                :: atomic { STILL_CLOSED(s, seen) && !REFUSED(t, s) -> seen = 0; really_enter(t, s, d, table) }
                :: else ->
                    atomic { store(t, ENTRY(t, d), NONE); table = 0; seen = 0 }
                    goto warm
                fi
            :: else ->
                atomic { note_met_gate(t, true); table = 0 }
#ifdef SEQUENCE_AFTER_CHECK
                seen = sequence[s];
#endif
                atomic { sequence[s] != seen -> seen = 0 }
                goto warm
            fi
        :: else ->
            atomic { store(t, ENTRY(t, d), table); seen = 0 }
            fence(t);
            if
            :: atomic { M[CHECK(s)] == table -> really_enter(t, s, d, table) }
            :: else ->
                atomic { store(t, ENTRY(t, d), NONE); table = 0 }
                goto cold
            fi
        fi;
done:   skip
    :: (program & 3) == 0 -> break
    od
}
