"""Whose turns it takes to be bound: of those to whom needs lead, beside the plugin's own.

A provider that is replaced meanwhile was judged without whoever is not bound yet; so neither is to happen while the
other does. Once bound, a plugin is a consumer, and whatever replaces its provider is judged with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotgraft.core.errors import HotgraftError
from hotgraft.engine.stage import inspect_file
from hotgraft.host.binding import bind_requires
from hotgraft.host.provider import provider_of
from hotgraft.host.turns import Wider

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from hotgraft.host.loaded import Bound, Loaded

__all__ = ["check_bound", "turns_to_load"]


def turns_to_load(name: str, source: str, others: Callable[[], Iterable[Loaded]]) -> Callable[[], frozenset[str]]:
    """Return who answers whose turns it takes to load an image, as things are; of one that is refused anyway, its own.

    The image is read once: what is staged in its turn may be another one, and then `check_bound` says so.
    """
    try:
        descriptor, _ = inspect_file(source, settle_deadline_s=0.0, still_s=0.0)
    except (HotgraftError, OSError):
        return lambda: frozenset((name,))

    def answer() -> frozenset[str]:
        try:
            found = bind_requires(name, descriptor, map(provider_of, others())) if descriptor.requires else {}
        except HotgraftError:
            found = {}
        return frozenset((name, *(one.provider for one in found.values())))

    return answer


def check_bound(imports: Mapping[str, Bound], before: Mapping[str, Bound], turns: frozenset[str]) -> None:
    """Hold what a candidate is bound to against the turns that are had.

    Args:
        imports: of the candidate, by interface.
        before: of what serves: of those, whoever replaces a provider knows.
        turns: whose turns the caller has.

    Raises:
        Wider: more are needed.
    """
    known = [(one.provider, one.interface, one.accepts, one.uses) for one in before.values()]
    new = {
        one.provider for one in imports.values() if (one.provider, one.interface, one.accepts, one.uses) not in known
    }
    if missing := new - turns:
        raise Wider(missing)
