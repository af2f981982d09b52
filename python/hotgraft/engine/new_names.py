"""Names a new plugin may have: those that build with every compiler and with CMake; every reason against others."""

from __future__ import annotations

from typing import Final

from hotgraft.core.manifest_checks import PLUGIN_NAME

__all__ = ["interface_name", "name_refusals"]

# A plugin's interface is <name>.h in a folder on the compiler's include path: it would hide the system's.
SYSTEM_HEADERS: Final = frozenset(
    """
    assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg stdatomic
    stdbool stddef stdint stdio stdlib stdnoreturn string tgmath threads time uchar wchar wctype
    aio alloca byteswap cpio dirent dlfcn elf endian err error fcntl features fmtmsg fnmatch ftw getopt glob grp iconv
    langinfo libgen libintl link malloc memory monetary mqueue ndbm netdb nl_types paths poll printf pthread pwd regex
    resolv sched search semaphore shadow spawn strings stropts syslog tar termios trace ulimit unistd utime utmpx values
    wait wordexp
    """.split()  # noqa: SIM905 - a list of words is read, not a list of literals
)
# CMake makes targets of these names itself.
CMAKE_TARGETS: Final = frozenset({"all", "clean", "depend", "edit_cache", "help", "install", "package", "test"})
OURS: Final = frozenset({"hotgraft", "hotgraft_core"})


def name_refusals(name: str) -> tuple[str, ...]:
    """Return everything that speaks against `name`; empty when nothing does."""
    if not PLUGIN_NAME.fullmatch(name):
        return (_form(name),)
    found = []
    interface = interface_name(name)
    if len(interface) > 63:
        found.append(f"it has {len(interface)} characters, and an interface's name ends at 63")
    if interface in SYSTEM_HEADERS:
        found.append(f"its header would be {interface}.h, and the system has one of that name")
    if name in CMAKE_TARGETS:
        found.append(f"CMake has a target called {name} of its own")
    if interface in OURS:
        found.append("hotgraft's own headers and symbols begin with that name")
    return tuple(found)


def interface_name(name: str) -> str:
    """Return the name of the interface that a new plugin called `name` offers: one that C can say."""
    return name.replace("-", "_")


def _form(name: str) -> str:
    if not name:
        return "it is empty"
    if "/" in name:
        return "it holds a slash: the folder is made here, and a name is no path"
    if len(name) > 64:
        return f"it has {len(name)} characters, and a plugin's name ends at 64"
    if name != name.lower() and PLUGIN_NAME.fullmatch(name.lower()):
        return f"it has capital letters: {name.lower()!r} would do"
    bad = next((one for one in name if not (one.isascii() and (one.isalnum() or one in "_-"))), "")
    if bad:
        return f"it holds {bad!r}: a to z, 0 to 9, _ and - can be in a plugin's name"
    return f"it begins with {name[0]!r}: a plugin's name begins with a letter a to z"
