"""What a dependency graph is made of: plugins by what they provide and require, and the edges between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hotgraft.core.dataclass import dataclass
from hotgraft.core.versions import Range

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotgraft.core.descriptor import Descriptor

__all__ = ["Edge", "Need", "PluginFacts", "Unbound", "facts_of", "key_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One interface that a plugin calls: which versions will do, and with which features."""

    interface: str
    accepts: Range
    is_optional: bool = False
    is_cycle: bool = False  # may be part of a cycle
    features: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.interface} {self.accepts}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginFacts:
    """What a graph knows of one version of a plugin.

    Args:
        name: what the host calls it.
        version: what its author wrote.
        provides: interface and (major, minor), one each; an interface may be there in several majors.
        requires: at most one for each interface.
        features: what it offers beyond functions.
        priority: the operator's; among providers of one version the highest is chosen.
        digest: SHA-256 of its image, empty where nobody looked.
        where: it was found, for people.
    """

    name: str
    version: str = ""
    provides: tuple[tuple[str, tuple[int, int]], ...] = ()
    requires: tuple[Need, ...] = ()
    features: tuple[str, ...] = ()
    priority: int = 0
    digest: str = ""
    where: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.version}".rstrip()


class Edge(NamedTuple):
    """`consumer` calls what it needs in the `version` that `provider` offers."""

    consumer: str
    need: Need
    provider: str
    version: tuple[int, int]

    @property
    def interface(self) -> str:
        """Return the interface's name."""
        return self.need.interface


class Unbound(NamedTuple):
    """An optional need that leads nowhere, and why."""

    consumer: str
    need: Need
    note: str


def key_of(interface: str, version: tuple[int, int]) -> str:
    """Return the name of the slot: ``gain/1``."""
    return f"{interface}/{version[0]}"


def facts_of(
    descriptor: Descriptor,
    *,
    name: str = "",
    priority: int = 0,
    digest: str = "",
    where: str = "",
    ranges: Mapping[str, Range] | None = None,
) -> PluginFacts:
    """Return what a graph needs of a descriptor.

    Args:
        descriptor: of the image.
        name: what the host calls it, where that is not what its author does.
        priority, digest, where: as `PluginFacts` has them.
        ranges: by interface, ranges of needs that somebody has read before; to read one is most of the cost.
    """
    known = ranges or {}
    return PluginFacts(
        name=name or descriptor.name,
        version=descriptor.version,
        provides=tuple((one.interface, one.version) for one in descriptor.provides),
        requires=tuple(
            Need(
                interface=one.interface,
                accepts=known.get(one.interface) or Range.parse(one.range),
                is_optional=one.optional,
                is_cycle=one.cycle,
                features=one.features,
            )
            for one in descriptor.requires
        ),
        features=descriptor.features,
        priority=priority,
        digest=digest,
        where=where,
    )
