"""Which slot an import leads to: found among the plugins that are there by interface name and range."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotgraft.core.errors import LoadError
from hotgraft.core.features import lacking
from hotgraft.core.versions import Range
from hotgraft.host.loaded import Bound

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hotgraft.core.descriptor import Descriptor, Requirement
    from hotgraft.host.provider import Provider

__all__ = ["bind_requires"]


def bind_requires(
    plugin: str, descriptor: Descriptor, providers: Iterable[Provider], prefer: Mapping[str, str] | None = None
) -> Mapping[str, Bound]:
    """Return a slot for every interface that `descriptor` requires; `prefer`: of equals whom, by interface.

    Raises:
        LoadError: one or more have no provider; each place looked at is named with why it was passed over.
    """
    others = [other for other in providers if other.name != plugin]
    found: dict[str, Bound] = {}
    missing: list[str] = []
    for need in descriptor.requires:
        accepts = Range.parse(need.range)
        bound, passed_over = _look(need, accepts, others, (prefer or {}).get(need.interface, ""))
        if bound is not None:
            found[need.interface] = bound
        elif not need.optional:
            looked = "; ".join(passed_over) or "no other plugin is loaded"
            missing.append(f"needs interface {need.interface} {accepts}: {looked}")
    if missing:
        raise LoadError(
            "bind what it requires",
            on=plugin,
            found=missing,
            advice="load a plugin that provides it first, or both at once: host.load_all",
        )
    return found


def _look(need: Requirement, accepts: Range, others: list[Provider], prefer: str) -> tuple[Bound | None, list[str]]:
    """Return the provider that a graph would choose, and why the others would not do.

    The highest version, then the highest priority; of equals, the one that is preferred, or that was loaded first.
    """
    passed_over: list[str] = []
    uses = frozenset(need.features)
    best: tuple[tuple[tuple[int, int], int, bool], Bound] | None = None
    for other in others:
        offers = [one for one in other.side.interfaces if one.name == need.interface]
        for one in offers:
            if not accepts.allows_interface(one.known_version):
                passed_over.append(f"{other.name} offers {one.title}")
            elif not _outlasts_rollback(other, one.key, accepts):
                passed_over.append(f"{other.name} offers {one.title} on probation, and less if it is rolled back")
            elif missing := lacking(uses, other.features):
                passed_over.append(f"{other.name}{_where(other)} lacks {missing}")
            elif best is None or (one.known_version, other.priority, other.name == prefer) > best[0]:
                bound = Bound(other.name, one.key, accepts, other.slot(one.key), uses)
                best = (one.known_version, other.priority, other.name == prefer), bound
        if not offers:
            passed_over.append(f"{other.name} does not offer it")
    return best[1] if best is not None else None, passed_over


def _where(provider: Provider) -> str:
    return " as it would be after a rollback" if provider.held is not None else ""


def _outlasts_rollback(provider: Provider, key: str, accepts: Range) -> bool:
    """Tell whether what is held for a provider on probation would do as well: a rollback must not break a consumer."""
    if provider.held is None:
        return True
    held = [one for one in provider.held.side.interfaces if one.key == key]
    return any(accepts.allows_interface(one.known_version) for one in held)
