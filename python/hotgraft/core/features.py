"""Features: what callers rely on beyond functions, by name, and who would lose one."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from hotgraft.core.contract import Consumer

__all__ = ["PROGRAM", "lacking", "lost_features"]

PROGRAM: Final = "this program"  # how a refusal names who called `Host.rely_on`
SHOWN: Final = 8  # names in a sentence; a descriptor may hold hundreds


def lacking(used: Iterable[str], offered: Collection[str]) -> str:
    """Return what a version that offers `offered` lacks for who uses `used`, as the end of a sentence; empty: nothing.

    ``feature 'stereo' (it offers 'mono')``
    """
    missing = sorted(set(used).difference(offered))
    if not missing:
        return ""
    near = [near for one in missing for near in difflib.get_close_matches(one, sorted(offered), n=1)]
    has = _listed(list(dict.fromkeys(near)) or sorted(offered)) or "none"
    return f"feature{'s' * (len(missing) > 1)} {_listed(missing)} (it offers {has})"


def _listed(names: list[str]) -> str:
    more = [f"{len(names) - SHOWN} more"] if len(names) > SHOWN else []
    return ", ".join([*map(repr, names[:SHOWN]), *more])


def lost_features(
    offered: Collection[str], consumers: Iterable[Consumer], relied_on: Collection[str] = ()
) -> tuple[str, ...]:
    """Return one sentence for each user of a feature that a candidate with `offered` does not offer.

    Args:
        offered: the candidate's features.
        consumers: loaded plugins that call it, with what each uses; what nobody uses may go.
        relied_on: what the program itself uses of it.
    """
    users = [(one.plugin, one.uses) for one in consumers]
    users += [(PROGRAM, frozenset(relied_on))]
    found = [(who, lacking(used, offered)) for who, used in users]
    return tuple(dict.fromkeys(f"{who} uses what this lacks: {what}" for who, what in found if what))
