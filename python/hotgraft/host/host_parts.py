"""All that a `Host` offers beside loading, replacing, pinning and closing, each part in a file of its own."""

from __future__ import annotations

from hotgraft.host.host_converters import HostConverters
from hotgraft.host.host_draining import HostDraining
from hotgraft.host.host_graph import HostGraph
from hotgraft.host.host_health import HostHealth
from hotgraft.host.host_plan import HostPlan
from hotgraft.host.host_policy import HostPolicy
from hotgraft.host.host_sessions import HostSessions
from hotgraft.host.host_sets import HostSets
from hotgraft.host.host_state import HostState
from hotgraft.host.host_status import HostOperations
from hotgraft.host.host_trust import HostTrust
from hotgraft.host.host_watching import HostWatching

__all__ = ["HostParts"]


class HostParts(
    HostTrust,
    HostHealth,
    HostDraining,
    HostPolicy,
    HostWatching,
    HostGraph,
    HostSets,
    HostPlan,
    HostSessions,
    HostState,
    HostConverters,
    HostOperations,
):
    """The parts, as one base."""
