/* See inject.c. */
#ifndef INJECT_H
#define INJECT_H

#define INJECT_MALLOC 1
#define INJECT_MMAP   2
#define INJECT_OPEN   3

/* From now on the n-th request of `kind` fails; with `from` every one from the n-th on. 0, or -1: cannot be done here.
 */
int inject_arm(int kind, long n, int from);
/* Nothing fails any more. Returns how many requests there were: below n, none failed. */
long inject_disarm(void);
/* Since inject_arm(INJECT_OPEN): how many fds were asked for without close-on-exec. */
long inject_inherited(void);
/* What the calling thread asks for is neither counted nor refused while this is set. */
void inject_spare_thread(int spared);

#endif
