"""A plugin as a candidate finds it: by what serves of it, or by the candidate that will once their set is published."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from hotgraft.core.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hotgraft import _core
    from hotgraft.core.plan import Side
    from hotgraft.engine.stage import Candidate
    from hotgraft.host.loaded import Bound, Loaded

__all__ = ["Provider", "provider_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """What others may be bound to, and are probed with.

    Args:
        name: of the plugin.
        candidate: what serves, or will.
        source: where its image came from.
        configs: of its instances, by name; imports lead to the first.
        imports: what its own imports lead to.
        slot: answers the slot of an interface of its first instance, by key.
        priority: among providers of one version the highest is bound.
        held: what would serve after a rollback that leaves the candidate that asks where it is; None: there is none.
    """

    name: str
    candidate: Candidate
    source: str
    configs: Mapping[str, str]
    imports: Mapping[str, Bound]
    slot: Callable[[str], _core.Slot] = field(repr=False)
    priority: int = 0
    held: Candidate | None = None

    @property
    def side(self) -> Side:
        """Return what it offers."""
        return self.candidate.side

    @property
    def first(self) -> str:
        """Return the instance that imports lead to."""
        return next(iter(self.configs))

    @property
    def features(self) -> frozenset[str]:
        """Return the features that stay even after such a rollback."""
        features = frozenset(self.side.features)
        return features if self.held is None else features.intersection(self.held.side.features)


def provider_of(loaded: Loaded, *asking: str) -> Provider:
    """Return a plugin as it serves.

    `asking`: who looks for it, and whom that is replaced with; who is on probation together goes back together.
    """
    held = loaded.held
    goes_back_alone = held is not None and not set(asking).intersection(held.unit.names)
    first = next(iter(loaded.instances.values()))
    return Provider(
        name=loaded.name,
        candidate=loaded.serving,
        source=loaded.source,
        configs=loaded.configs,
        imports=loaded.imports,
        slot=first.slots.__getitem__,
        priority=loaded.priority,
        held=held.candidate if held is not None and goes_back_alone else None,
    )
