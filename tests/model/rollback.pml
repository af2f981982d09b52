/* rollback: one plugin published without a gate: generation 1 → 2, rolled back to 1 or committed, whichever comes first,
 * then a further swap with or without a gate. At stake: what a table's address stands for, the compare-and-swaps of the
 * stages, and which tables a gated swap must drain (M15 to M18).
 */
#define NT 3
#define BUFFER 2
#define CALLER 0
#define HOST 1
#define REAPER 2
#define CHECK 0
#define CURRENT 1
#define ENTRY 2
#define NWORDS 3
#include "tso.pml"

#define NONE 0
#define GATE 1
#define T0 2    /* generation 1 */
#define T1 3    /* generation 2 */
#ifdef REUSE_TABLE
#define T2 T0
#else
#define T2 4    /* generation 1 again, published by the rollback */
#endif
#define T3 5    /* generation 3 */
#define BIT(table) (1 << (table))
#define OF_FIRST(table) ((table) == T0 || (table) == T2)

#define SERVING 0
#define HELD 1
#define RETIRED 2
#define GONE 3

byte first = SERVING, second = SERVING; /* stages of generations 1 and 2 */
byte replaced;     /* tables that serve no more */
byte seen_clear;   /* of these, the ones the reaper has seen in no record: remembered for ever, see M16 */
byte running;      /* the table whose code the caller runs */
byte left_held;    /* how often generation 1 has left *held* since it last came there */
bool done;         /* the host has finished */
bool left_held_twice, call_into_reclaimed, touched_while_inside; /* what must never be */

inline leaves_held()
{
    left_held++;
    left_held_twice = left_held > 1;
    assert(!left_held_twice)
}

inline run_and_leave(table)
{
    running = table;
    call_into_reclaimed = (OF_FIRST(table) && first == GONE) || (table == T1 && second == GONE);
    assert(!call_into_reclaimed);
    running = NONE;
    store(CALLER, ENTRY, NONE)
}

proctype caller()
{
    byte table, calls;
    do
    :: calls < 3 ->
        calls++;
warm:   table = M[CURRENT];
        store(CALLER, ENTRY, table);
        if
        :: atomic { M[CHECK] == table -> running = table }
            run_and_leave(table)
        :: else ->
            store(CALLER, ENTRY, NONE);
cold:       M[CHECK] != GATE;
            table = M[CHECK];
            store(CALLER, ENTRY, table);
            fence(CALLER);
            if
            :: atomic { M[CHECK] == table && table != GATE -> running = table }
                run_and_leave(table)
            :: else ->
                store(CALLER, ENTRY, NONE);
                goto cold
            fi
        fi;
        table = NONE
    :: break
    od
}

inline publish(old_table, next)
{
    store(HOST, CHECK, next);
    store(HOST, CURRENT, next);
    fence(HOST);
    replaced = replaced | BIT(old_table)
}

/* The probation of generation 2 ends well: its predecessor is retired. */
proctype committer()
{
    if
    :: atomic { first == HELD -> first = RETIRED; leaves_held() }
    :: done -> skip
    fi
}

proctype host()
{
    byte fenced;
    bool was_held;
    publish(T0, T1);
    first = HELD;
    run committer();
    /* The probation ends badly. */
#ifdef ROLLBACK_WITHOUT_CAS
    was_held = first == HELD;
    if
    :: was_held -> atomic { first = SERVING; leaves_held() }
#else
    if
    :: atomic { first == HELD -> first = SERVING; leaves_held(); was_held = true }
#endif
    :: else -> skip
    fi;
    if
    :: was_held ->
        publish(T1, T2);
        second = RETIRED;
        if
        :: publish(T2, T3)
        :: store(HOST, CHECK, GATE); /* a gated swap: the state, shared by all generations so far, is touched */
            membarrier(HOST, fenced);
#ifdef DRAIN_NEWEST_TABLE_ONLY
            M[ENTRY] != T2;
#else
            M[ENTRY] == NONE || M[ENTRY] == GATE;
#endif
            touched_while_inside = running != NONE;
            assert(!touched_while_inside);
            publish(T2, T3)
        fi;
        atomic { first = HELD; left_held = 0 };
        atomic { first == HELD -> first = RETIRED; leaves_held() }
    :: else -> skip
    fi;
    done = true
}

#define CLEAR(tables) (((tables) & replaced & ~seen_clear) == 0)

proctype reaper()
{
    byte fenced, table;
    do
    :: table = T0
    :: table = T1
    :: table = T2
    :: atomic { table != NONE && (replaced & BIT(table)) && !(seen_clear & BIT(table)) -> skip }
        membarrier(REAPER, fenced);
        if
        :: M[ENTRY] != table -> seen_clear = seen_clear | BIT(table)
        :: else -> skip
        fi;
        table = NONE
    :: atomic { first == RETIRED && CLEAR(BIT(T0) | BIT(T2)) -> first = GONE }
        call_into_reclaimed = OF_FIRST(running);
        assert(!call_into_reclaimed)
    :: atomic { second == RETIRED && CLEAR(BIT(T1)) -> second = GONE }
        call_into_reclaimed = running == T1;
        assert(!call_into_reclaimed)
    :: done && first == GONE && (second == GONE || second == SERVING) -> break
    od
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
        run host();
        run reaper()
    }
}
