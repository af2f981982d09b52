/* C06: a constructor rewrites the note: what was inspected is not what runs. */
#include "plain.h"

#include <sys/mman.h>
#include <unistd.h>

__attribute__((constructor)) static void rewrite(void) {
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    char *text = (char *)(uintptr_t)note.text;
    mprotect((void *)((uintptr_t)text & ~(page - 1)), 2 * page, PROT_READ | PROT_WRITE | PROT_EXEC);
    *(volatile char *)(text + 10) = 'X';
}

static const hotgraft_plugin plugin = {PLAIN_TABLE};
PLAIN_ENTRY(plugin)
