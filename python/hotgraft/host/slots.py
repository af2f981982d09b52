"""In which slot an interface of a candidate is called.

An interface that was there keeps its slot. Where one takes the place of another of its name, as a new major does, and
handles call it by the same functions, it takes that one's slot too: calls that wait at the gate then find it. That is
for whoever calls through a handle. Plugins that were built against the other one are replaced with it, and rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotgraft import _core
from hotgraft.host.loaded import MAIN

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from hotgraft.core.plan import Side
    from hotgraft.host.loaded import Loaded

__all__ = ["dropped_slots", "slot_of"]


def slot_of(loaded: Loaded, instance: str, key: str, side: Side, *, keeps_handles: bool) -> _core.Slot:
    """Return the slot of an interface of `side`, a new one where there is none for it; the caller keeps that.

    Args:
        loaded: the plugin, by whoever has its turn.
        instance: the name of one that it has, or will have.
        key: of the interface.
        side: of the candidate.
        keeps_handles: its functions are called as those of what serves are.
    """
    known = loaded.instances[instance].slots if instance in loaded.instances else {}
    serving = {one.key for one in loaded.serving.side.interfaces} if loaded.current is not None else set()
    if key in serving and key in known:
        return known[key]
    keys = {one.key for one in side.interfaces}
    before = _in_place_of(key, keys - serving, serving - keys)
    if before in known and keeps_handles:
        return known[before]
    own = known.get(key)
    in_use = [slot for other, slot in known.items() if other in serving and slot is own]
    title = key if instance == MAIN else f"{instance}:{key}"
    return own if own is not None and not in_use else _core.Slot.named(title)


def dropped_slots(
    loaded: Loaded, kept: Iterable[_core.Slot], side: Side, *, together: Collection[str]
) -> list[_core.Slot]:
    """Return the slots of interfaces that serve now, in which nothing of `side` will.

    Args:
        loaded: the plugin.
        kept: slots in which something will.
        side: what is to serve.
        together: who is replaced with it, and has slots of its own again if it answers in any of theirs.
    """
    keys = {one.key for one in side.interfaces}
    gone = [one.key for one in loaded.serving.side.interfaces if one.key not in keys]
    own = [instance.slots[key] for instance in loaded.instances.values() for key in gone]
    stay = set(map(id, kept))
    lent = [one.slot for one in loaded.lent if one.interface in gone and one.borrower not in together]
    return [slot for slot in own if id(slot) not in stay] + lent


def _in_place_of(key: str, fresh: Collection[str], gone: Collection[str]) -> str:
    """Return the only key that goes of an interface of which only `key` comes; empty: it is not as simple as that."""
    name = key.partition("/")[0]
    came, went = ([one for one in keys if one.partition("/")[0] == name] for keys in (fresh, gone))
    return went[0] if came == [key] and len(went) == 1 else ""
