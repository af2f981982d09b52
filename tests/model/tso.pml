/* Memory as x86-64 gives it (TSO): each thread's stores go through a first-in-first-out buffer that drains when it
 * likes; loads look at memory. A thread reads back no word of its own through the buffer, because every model keeps
 * what a thread wrote itself in that thread's own variables: the forwarding of own stores is thus always exact.
 *
 * The model that includes this defines NWORDS, NT (threads 0..NT-1) and BUFFER (stores one thread can have pending).
 */
byte M[NWORDS];
chan buffered[NT] = [BUFFER] of { byte, byte };

/* One per thread, so that weak fairness means: every buffer drains in the end. */
proctype store_buffer(byte owner)
{
    byte word, value;
end:
    do
    :: atomic { buffered[owner]?word,value -> M[word] = value; word = 0; value = 0 }
    od
}

#define store(t, word, value) buffered[t]!word,value

/* A full fence, or a locked instruction: everything stored before is in memory. */
#define fence(t) empty(buffered[t])

/* membarrier(PRIVATE_EXPEDITED): the caller passes a full fence at its start; then, in any order, each other thread is
 * made to pass one before the call ends. (The caller's fence first is essential: the kernel has it, membarrier(2).)
 */
#ifdef NO_BARRIER
#define membarrier(t, fenced) skip
#else
hidden byte flushed_word, flushed_value;

inline flush(t)
{
    do
    :: nempty(buffered[t]) ->
        buffered[t]?flushed_word,flushed_value;
        M[flushed_word] = flushed_value
    :: empty(buffered[t]) -> break
    od
}

inline membarrier(t, fenced)
{
    fence(t);
    fenced = 0;
    do
    :: d_step { !(fenced & 1) -> flush(0); fenced = fenced | 1 }
    :: d_step { !(fenced & 2) -> flush(1); fenced = fenced | 2 }
#if NT > 2
    :: d_step { !(fenced & 4) -> flush(2); fenced = fenced | 4 }
#endif
#if NT > 3
    :: d_step { !(fenced & 8) -> flush(3); fenced = fenced | 8 }
#endif
    :: atomic { fenced == (1 << NT) - 1 -> fenced = 0; break }
    od
}
#endif
