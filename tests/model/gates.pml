/* The thread that carries out a swap: close, drain, touch state, publish or reopen. A set of slots is a bit mask.
 * Included after calls.pml by a model that defines
 *
 *   EXEMPT(i)     is entry i (counted over all records) of a registered thread, left out of the joint drain?
 *   DEADLINE      may the deadline pass now?
 * and that has thread NT - 1 call these.
 */
#define SWAPPER (NT - 1)
#define ALL_ENTRIES ((NT - 1) * DEPTHS)
#define HAS(set, s) (((set) >> (s)) & 1)
#define BIT(table) (1 << (table))

short replaced;   /* tables whose generation has given up its state: no call may run there */
byte quiesced;    /* set of slots whose generation is quiesced */
bool called_off;  /* the deadline of the swap under way has passed */
bool call_into_quiesced, call_into_replaced, touched_while_inside; /* what must never be: each is asserted */

#if NSLOTS == 1
#define OLD_OF(set, table) (HAS(set, 0) && (table) == old[0])
#else
#define OLD_OF(set, table) ((HAS(set, 0) && (table) == old[0]) || (HAS(set, 1) && (table) == old[1]))
#endif

inline note_entered_safely(s, table)
{
    call_into_quiesced = HAS(quiesced, s) && table == held[s];
    assert(!call_into_quiesced);
    call_into_replaced = (replaced >> table) & 1;
    assert(!call_into_replaced);
    call_into_quiesced = false;
    call_into_replaced = false
}

inline join_set(s, number)
{
    old[s] = held[s];
    swap_of[s] = number
}

/* M5: first who belongs to the set, complete; then the gates of all members; then one barrier. */
inline close_gates(set, number, i)
{
#ifndef LIST_AFTER_FIRST_GATE
    d_step {
        i = 0;
        do
        :: i < NSLOTS && HAS(set, i) -> join_set(i, number); i++
        :: i < NSLOTS && !HAS(set, i) -> i++
        :: i == NSLOTS -> break
        od
    }
#endif
    i = 0;
    do
    :: i < NSLOTS && HAS(set, i) ->
#ifdef LIST_AFTER_FIRST_GATE
        join_set(i, number);
#endif
        store(SWAPPER, CHECK(i), GATE);
        i++
    :: i < NSLOTS && !HAS(set, i) -> i++
    :: i == NSLOTS -> i = 0; break
    od;
    membarrier(SWAPPER, i)
}

/* M6: one pass over every record, waiting at each entry until it holds no old table of the set. */
inline drain(set, i)
{
    i = 0;
    do
    :: i < ALL_ENTRIES && (EXEMPT(i) || !OLD_OF(set, M[ENTRY(0, i)])) -> i++
    :: atomic { i == ALL_ENTRIES -> i = 0; break }
    :: atomic { DEADLINE -> called_off = true; i = 0; break }
    od
}

/* State is surrendered, saved, converted: from here the old generations have none. */
inline touch_state(set, i)
{
    d_step {
        i = 0;
        do
        :: i < ALL_ENTRIES ->
            touched_while_inside = touched_while_inside || (inside[i] != 0 && OLD_OF(set, inside[i]));
            i++
        :: else -> break
        od;
        assert(!touched_while_inside);
        i = 0;
        do
        :: i < NSLOTS ->
            replaced = replaced | (HAS(set, i) << old[i]);
            i++
        :: else -> break
        od;
        i = 0
    }
}

inline give_state_back(set, i)
{
    d_step {
        i = 0;
        do
        :: i < NSLOTS ->
            replaced = replaced & ~(HAS(set, i) << old[i]);
            i++
        :: else -> break
        od;
        i = 0
    }
}

/* M8, M9: per slot check, then current, then the sequence (a locked instruction: check is in memory before it). */
inline open_slot(s, table)
{
    held[s] = table;
    store(SWAPPER, CHECK(s), held[s]);
    store(SWAPPER, CURRENT(s), held[s]);
    fence(SWAPPER);
    sequence[s]++;
    swap_of[s] = 0
}

/* M10: called off: open on the tables that are held; the state must be theirs again. */
inline reopen(set, i)
{
    i = 0;
    do
    :: i < NSLOTS && HAS(set, i) ->
        assert(!((replaced >> held[i]) & 1) && !HAS(quiesced, i));
        open_slot(i, held[i]);
        i++
    :: i < NSLOTS && !HAS(set, i) -> i++
    :: i == NSLOTS -> i = 0; break
    od;
    called_off = false
}
