"""Whom a candidate may call before its set is published: not who is replaced by what it was built for, but before.

Its create, and the start of one that is loaded with a set, run while the old generations serve. What those lack, as a
function beyond the end of their table, must not be called there: until they are replaced nobody answers, as nobody
answers the start of what is replaced itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotgraft.core.features import lacking

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotgraft.core.plan import Side
    from hotgraft.host.loaded import Bound

__all__ = ["not_yet"]


def not_yet(imports: Mapping[str, Bound], replaced: Mapping[str, Side]) -> frozenset[str]:
    """Return the imports, by interface name, that lead to who cannot answer yet.

    Args:
        imports: of a candidate.
        replaced: what serves of those that are replaced with it, by plugin.
    """
    return frozenset(
        interface
        for interface, bound in imports.items()
        if bound.provider in replaced and not _answers(bound, replaced[bound.provider])
    )


def _answers(bound: Bound, serving: Side) -> bool:
    offers = [one for one in serving.interfaces if one.key == bound.interface]
    return any(bound.accepts.allows_interface(one.known_version) for one in offers) and not lacking(
        bound.uses, serving.features
    )
