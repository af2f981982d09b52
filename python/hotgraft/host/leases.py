"""Which plugin holds leased objects of which other's generation: what a reload set must take along.

A plugin says so itself (`lease_to` in callbacks.h); it names the holder by the import that leads to it, or by its name.
Call-backs that follow swaps are no such thing: their numbers lead to what comes next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hotgraft.host.loaded import Loaded

__all__ = ["has_leased", "lease_holders"]


def lease_holders(listed: Iterable[Loaded]) -> Mapping[str, frozenset[str]]:
    """Return, by plugin, who holds leased objects of the generation that serves; see `reload_set`.

    Any thread; what is leased or given back at the same moment may be seen or not.
    """
    plugins = {one.name: one for one in listed}
    found = {name: _holders(one, plugins) for name, one in plugins.items()}
    return {name: holders for name, holders in found.items() if holders}


def has_leased(loaded: Loaded) -> bool:
    """Tell whether what serves of a plugin, if anything does, said that somebody holds leased objects of it."""
    return loaded.current is not None and bool(loaded.current.generation.leased_to)


def _holders(loaded: Loaded, plugins: Mapping[str, Loaded]) -> frozenset[str]:
    """Return who holds something of one plugin; a holder that is not loaded any more holds nothing."""
    holders = set()
    for said in loaded.serving.generation.leased_to:
        bound = loaded.imports.get(said)
        holders.add(bound.provider if bound is not None else said)
    return frozenset(holders & plugins.keys() - {loaded.name})
