"""Two versions of the schemas of what functions answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hotgraft.core.contract_facts import Fact, Root
from hotgraft.core.schema_change import output_change

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hotgraft.core.surface import Surface

__all__ = ["output_facts"]

_KINDS: Final[Mapping[str, str]] = {
    "added": "output-extended",
    "tightened": "output-tightened",
    "loosened": "output-loosened",
    "undecided": "output-undecided",
}


def output_facts(old: Surface, new: Surface) -> Iterator[Fact]:
    """Yield what changed for those who read what functions answer."""
    for name in dict.fromkeys((*old.outputs, *new.outputs)):
        was, now = old.outputs.get(name), new.outputs.get(name)
        if was == now:
            continue
        roots = _roots(old, name)
        subject = f"output of {name}"
        if was is None or now is None:
            kind = "output-added" if was is None else "output-removed"
            yield Fact(kind=kind, subject=subject, roots=roots)
            continue
        found = output_change(was, now)
        for one in found:
            at = f"{subject}, #{one.pointer}" if one.pointer else subject
            before, after = (f"{one.keyword} {value}".strip() if value else "" for value in (one.before, one.after))
            yield Fact(kind=_KINDS[one.change], subject=at, before=before, after=after, roots=roots)
        if not found:
            yield Fact(kind="output-reworded", subject=subject, roots=roots)


def _roots(surface: Surface, name: str) -> tuple[Root, ...]:
    """Return the functions of that name: ``gain.read`` is of every major of gain."""
    interface, _, function = name.rpartition(".")
    keys = [one.key for one in surface.interfaces if interface in (one.name, one.key)]
    return tuple(Root(key, function) for key in keys)
