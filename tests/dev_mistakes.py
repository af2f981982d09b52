"""What an author may write into the counter that ends or blocks the process it runs in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dev_process import COUNTER

if TYPE_CHECKING:
    from pathlib import Path

# Where: the line after which it is put.
PLACES: Final = {
    "next": "static int64_t next(void *self) {\n",
    "value": "static int64_t value(void *self) {\n",
    "create": "                              hotgraft_error *error) {\n    (void)config_json;\n",
    "destroy": "static void destroy(hotgraft_instance *counter) {\n",
    "constructor": "/* What step a build counts in. */\n",
}
CRASH: Final = "    *(volatile int *)0 = 1;\n"
EXIT: Final = "    exit(3);\n"
HANG: Final = "    for (;;) { pause(); }\n"
ABORT_AT_LOAD: Final = "__attribute__((constructor)) static void at_load(void) { abort(); }\n"
HANG_UNTIL_REMOVED: Final = '    while (access("%s", F_OK) == 0) { usleep(10000); }\n'

# What a probe passes and the host does not: the second time it is reached.
SECOND_TIME: Final = '    if (access("%s", F_OK) == 0) {\n%s    }\n    close(creat("%s", 0600));\n'


def second_time(code: str, mark: Path) -> str:
    """Return `code` as it is reached in the host only: the probe comes by first, and leaves `mark`."""
    return SECOND_TIME % (mark, code, mark)


def make_mistake(folder: Path, place: str, code: str) -> None:
    """Save counter.c with `code` in one of PLACES."""
    text = (COUNTER / "counter.c").read_text()
    assert text.count(PLACES[place]) == 1
    text = text.replace(PLACES[place], PLACES[place] + code)
    (folder / "counter.c").write_text(
        text.replace("<stdlib.h>\n", "<stdlib.h>\n#include <fcntl.h>\n#include <unistd.h>\n")
    )
