"""What a host serves now, for who operates it: plugin by plugin, with what keeps old generations in memory."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hotgraft import _core
from hotgraft.core.dataclass import dataclass
from hotgraft.host.stats import read_stats
from hotgraft.host.unloads import StuckLibrary

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hotgraft.host.loaded import Loaded

__all__ = ["HostStatus", "InstanceStatus", "PluginStatus", "read_status"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceStatus:
    """What the meter of one instance of the generation that serves has counted since it began; see `hotgraft.Stats`."""

    instance: str
    calls: int
    errors: int
    crashes: int
    turned_away: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginStatus:
    """One plugin.

    Args:
        plugin: its name in the host.
        version, generation, sha256: of what serves.
        stage: of that generation: "active", or what it is during a change.
        source: the image it was loaded from, and is reloaded from.
        is_on_probation: what it replaced is held until its window is over.
        since_s: `time.monotonic` when the meters of this generation were opened.
        pins, leases: that hold what serves.
        waiting: generations that were replaced and are on their way out, each with what holds it.
        stuck: libraries that cannot leave memory, each with the reason.
        unloaded: how many generations are proven gone.
    """

    plugin: str
    version: str
    generation: int
    stage: str
    sha256: str
    source: str
    is_on_probation: bool
    since_s: float
    instances: tuple[InstanceStatus, ...]
    pins: str
    pin_count: int
    leases: tuple[str, ...]
    waiting: tuple[str, ...]
    stuck: tuple[StuckLibrary, ...]
    unloaded: int

    @property
    def calls(self) -> int:
        """Return how many calls were made of all instances of this generation."""
        return sum(one.calls for one in self.instances)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostStatus:
    """All plugins of a host, in the order they were loaded in, at one time of `time.monotonic`."""

    at_s: float
    plugins: tuple[PluginStatus, ...]
    tainted: str  # why results of this process no longer count; empty: no crash was caught

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        return asdict(self)


def read_status(plugins: Iterable[Loaded]) -> HostStatus:
    """Look at every plugin; nobody who calls or changes one is stopped."""
    waiting, stuck = _core.waiting(), _core.stuck()
    rows = tuple(_plugin(one, waiting, stuck) for one in plugins)
    return HostStatus(at_s=time.monotonic(), plugins=rows, tainted=_core.taint())


def _plugin(
    loaded: Loaded, waiting: Iterable[tuple[str, str]], stuck: Iterable[tuple[str, str, int, str, str]]
) -> PluginStatus:
    serving = loaded.serving  # read once: a swap may end in between
    generation, side = serving.generation, serving.side
    instances = list(loaded.instances.values())
    read = [read_stats(generation, side.version, one.name) for one in instances]
    gone, kept = loaded.replaced.count()
    ours = {one.path for one in kept}
    return PluginStatus(
        plugin=loaded.name,
        version=side.version,
        generation=generation.number,
        stage=generation.stage,
        sha256=generation.sha256,
        source=loaded.source,
        is_on_probation=loaded.held is not None,
        since_s=min((one.since_s for one in read if one.is_metered), default=0.0),
        instances=tuple(
            InstanceStatus(
                instance=one.name,
                calls=stats.calls,
                errors=stats.errors,
                crashes=stats.crashes,
                turned_away=sum(slot.turned_away for slot in list(one.slots.values())),
            )
            for one, stats in zip(instances, read, strict=True)
        ),
        pins=generation.pin_holders() if generation.pins else "",
        pin_count=generation.pins,
        leases=tuple(generation.leases),
        waiting=tuple(sentence for path, sentence in waiting if path in ours),
        stuck=tuple(StuckLibrary(*one[1:]) for one in stuck if one[0] in ours),
        unloaded=gone,
    )
