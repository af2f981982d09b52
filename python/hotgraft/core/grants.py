"""What a plugin asks of its host by name, and whether the host has granted it.

This is policy, not a boundary: native code in the process can do what the process can. A grant is the operator's
consent to run a version that says what it is going to do; nothing watches over what it does.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from hotgraft.core.manifest_checks import FEATURE_NAME

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = ["check_words", "ungranted"]


def ungranted(asked: Iterable[str], granted: Collection[str]) -> dict[str, str]:
    """Return by permission why it stands against a candidate that asks for it, one sentence each.

    Args:
        asked: the permissions that the candidate's descriptor names.
        granted: what the host has granted its plugin; what nobody asks for does no harm.
    """
    return {one: _sentence(one, granted) for one in asked if one not in granted}


def check_words(words: Iterable[str]) -> tuple[str, ...]:
    """Return `words` as permissions are named, each once.

    Raises:
        ValueError: one has not the form that a manifest may ask for, so granting it would grant nothing.
        TypeError: a single text, or something in it that is none.
    """
    if isinstance(words, str):
        raise TypeError(f"permissions are a list of names, not the one text {words!r}")
    taken = tuple(dict.fromkeys(words))
    for one in taken:
        if not isinstance(one, str):
            raise TypeError(f"a permission is a name, got {one!r}")
        if not FEATURE_NAME.fullmatch(one):
            raise ValueError(f"{one[:80]!r} is no permission: {FEATURE_NAME.pattern}")
    return taken


def _sentence(permission: str, granted: Collection[str]) -> str:
    near = difflib.get_close_matches(permission, sorted(granted), n=3)
    also = f"; granted is {', '.join(repr(one) for one in near)}" if near else ""
    return f"asks for permission {permission!r}, which waits for a grant{also}"
