"""A change of a small C library, and what it must come to: a row of the tables in `pairs_*.py`.

Two versions of a header and of the code behind it, and a client that was compiled against the old one. What we expect
is never only said: the client runs with the new library, and shows it.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["ALLOWED", "Pair", "breaking", "harmless"]

ALLOWED: Final = frozenset({"identical", "patch", "minor"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One change.

    Args:
        name: states the fact.
        verdict: what `hotgraft diff` must say of the two headers.
        old, new: the declarations of the header; guard and the standard's integers are put around them.
        code, new_code: the library's; one for both where only the header says what differs.
        client: the statements of main, or a whole program; compiled against the old header.
        unshown: why a client's run cannot show that the change breaks; empty: it must show it.
        missed: why a harmless change is not allowed all the same; empty: it must be allowed.
        abidiff: why abidiff comes to another end, where it does.
    """

    name: str
    verdict: Literal["identical", "patch", "minor", "unknown", "major"]
    is_harmless: bool
    old: str
    new: str
    code: str
    new_code: str
    client: str
    unshown: str = ""
    missed: str = ""
    abidiff: str = ""

    def header(self, *, is_new: bool) -> str:
        """Return the text of the header."""
        text = self.new if is_new else self.old
        return f"#ifndef PAIR_H\n#define PAIR_H\n#include <stddef.h>\n#include <stdint.h>\n{text}\n#endif\n"

    def source(self, *, is_new: bool) -> str:
        """Return the library's source."""
        return f"{_SYSTEM}{self.new_code if is_new else self.code}\n"

    def program(self) -> str:
        """Return the client's source."""
        if "int main" in self.client:
            return f"{_SYSTEM}{self.client}\n"
        return f"{_SYSTEM}int main(void) {{\n{self.client}\nreturn 0;\n}}\n"


_SYSTEM: Final = '#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include "pair.h"\n'


def harmless(
    verdict: Literal["identical", "patch", "minor"] | Literal["unknown", "major"], name: str, *,
    old: str, new: str, code: str, client: str, new_code: str = "", missed: str = "", abidiff: str = "",
) -> Pair:  # fmt: skip
    """Return a change after which the client runs as before."""
    return Pair(
        name=name, verdict=verdict, is_harmless=True, old=textwrap.dedent(old), new=textwrap.dedent(new), code=code,
        new_code=new_code or code, client=client, missed=missed, abidiff=abidiff,
    )  # fmt: skip


def breaking(
    verdict: Literal["unknown", "major"], name: str, *,
    old: str, new: str, code: str, client: str, new_code: str = "", unshown: str = "", abidiff: str = "",
) -> Pair:  # fmt: skip
    """Return a change that breaks who was compiled before it."""
    return Pair(
        name=name, verdict=verdict, is_harmless=False, old=textwrap.dedent(old), new=textwrap.dedent(new), code=code,
        new_code=new_code or code, client=client, unshown=unshown, abidiff=abidiff,
    )  # fmt: skip
