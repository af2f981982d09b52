"""What a script can decide by: the exit codes of every command."""

from __future__ import annotations

from typing import Final

from hotgraft.core.errors import BuildError, HealthError, HotgraftError, NoHost, UnknownPlugin

__all__ = [
    "EXIT_BUILD",
    "EXIT_INCOMPATIBLE",
    "EXIT_INTERNAL",
    "EXIT_INTERRUPTED",
    "EXIT_NO_HOST",
    "EXIT_REFUSED",
    "EXIT_ROLLED_BACK",
    "EXIT_UNKNOWN",
    "EXIT_USAGE",
    "exit_code_of",
]

EXIT_INTERNAL: Final = 1
EXIT_USAGE: Final = 2
EXIT_REFUSED: Final = 3  # a manifest, header or image is refused; nothing changed
EXIT_INCOMPATIBLE: Final = 4  # this machine cannot do it, or who calls today would break
EXIT_UNKNOWN: Final = 5  # no plugin of that name, or nobody can say
EXIT_ROLLED_BACK: Final = 6  # the candidate did not stay: what served before serves again
EXIT_NO_HOST: Final = 8  # no running host answers
EXIT_BUILD: Final = 9  # the compiler or the build tool said no; its own words are on stderr
EXIT_INTERRUPTED: Final = 130  # ^C, as a shell has it: 128 + SIGINT

EXITS_TEXT: Final = (
    "Exit codes: 0 done, 1 internal error, 2 usage, 3 refused (nothing changed), 4 incompatible, "
    "5 unknown, 6 rolled back, 7 regression, 8 no host, 9 does not compile, 130 interrupted."
)


def exit_code_of(error: HotgraftError) -> int:
    """Return the exit code that stands for `error`."""
    return next((code for kind, code in _CODES.items() if isinstance(error, kind)), EXIT_REFUSED)


_CODES: Final[dict[type[HotgraftError], int]] = {
    BuildError: EXIT_BUILD,
    UnknownPlugin: EXIT_UNKNOWN,
    NoHost: EXIT_NO_HOST,
    HealthError: EXIT_ROLLED_BACK,
}
