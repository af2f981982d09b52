"""Replace native plugins inside a running process: calls keep flowing, state stays.

    with hotgraft.Host() as host:
        counter = host.load("counter.so")
        counter.add(2)
        host.reload("counter", "counter-2.so")  # the count goes on

Names in `__all__` are a promise; everything else may change.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from hotgraft import _platform as _platform  # first: refuses, in words, where _core could not even be loaded
from hotgraft.core.errors import (
    Backpressure,
    BindError,
    BuildError,
    Busy,
    ConfigError,
    ContractError,
    DependencyError,
    DrainTimeout,
    ForkedHostError,
    HealthError,
    HostClosed,
    HotgraftError,
    ImageError,
    JournalError,
    LifecycleError,
    LoadError,
    ManifestError,
    PermissionRequired,
    PinExpired,
    PluginAbandoned,
    PluginCrashed,
    PluginError,
    PluginUnavailable,
    ProbeError,
    Quarantined,
    ResourceError,
    RollbackBlocked,
    StaleHandle,
    StateError,
    SwapTimeout,
    UnknownPlugin,
    UnsupportedPlatform,
)
from hotgraft.core.snapshot_error import SnapshotError

if TYPE_CHECKING:
    from hotgraft.core.breaker import RetryRules
    from hotgraft.core.draining import DrainRules
    from hotgraft.core.fallback import Fallback
    from hotgraft.core.options import Options
    from hotgraft.core.plan import Plan
    from hotgraft.core.probation import OwnRule, Rules, Worse
    from hotgraft.core.probing import ProbeReport
    from hotgraft.core.set_plan import SetPlan
    from hotgraft.core.verdict import Verdict
    from hotgraft.host.events import HostEvent, Subscription
    from hotgraft.host.health import HealthReport
    from hotgraft.host.host import Host
    from hotgraft.host.host_state import SnapshotReport
    from hotgraft.host.pin import Pin
    from hotgraft.host.plugin import Plugin
    from hotgraft.host.quarantine import QuarantinedImage
    from hotgraft.host.report import Outcome, SwapReport
    from hotgraft.host.report_set import SetReport
    from hotgraft.host.snapshots import TakenSnapshot
    from hotgraft.host.stats import Stats
    from hotgraft.host.unloads import StuckLibrary, Unloads

__all__ = [
    "Backpressure",
    "BindError",
    "BuildError",
    "Busy",
    "ConfigError",
    "ContractError",
    "DependencyError",
    "DrainRules",
    "DrainTimeout",
    "Fallback",
    "ForkedHostError",
    "HealthError",
    "HealthReport",
    "Host",
    "HostClosed",
    "HostEvent",
    "HotgraftError",
    "ImageError",
    "JournalError",
    "LifecycleError",
    "LoadError",
    "ManifestError",
    "Options",
    "Outcome",
    "OwnRule",
    "PermissionRequired",
    "Pin",
    "PinExpired",
    "Plan",
    "Plugin",
    "PluginAbandoned",
    "PluginCrashed",
    "PluginError",
    "PluginUnavailable",
    "ProbeError",
    "ProbeReport",
    "Quarantined",
    "QuarantinedImage",
    "ResourceError",
    "RetryRules",
    "RollbackBlocked",
    "Rules",
    "SetPlan",
    "SetReport",
    "SnapshotError",
    "SnapshotReport",
    "StaleHandle",
    "StateError",
    "Stats",
    "StuckLibrary",
    "Subscription",
    "SwapReport",
    "SwapTimeout",
    "TakenSnapshot",
    "UnknownPlugin",
    "Unloads",
    "UnsupportedPlatform",
    "Verdict",
    "Worse",
]

# Where each name lives that is imported when it is first asked for: `hotgraft --help` and `python -m hotgraft
# --includes` must not pay for the core and the host. A test holds this to the imports above.
_HOMES: Final = {
    "HealthReport": "hotgraft.host.health",
    "DrainRules": "hotgraft.core.draining",
    "Fallback": "hotgraft.core.fallback",
    "RetryRules": "hotgraft.core.breaker",
    "Host": "hotgraft.host.host",
    "HostEvent": "hotgraft.host.events",
    "Options": "hotgraft.core.options",
    "Outcome": "hotgraft.host.report",
    "OwnRule": "hotgraft.core.probation",
    "Pin": "hotgraft.host.pin",
    "Plan": "hotgraft.core.plan",
    "Plugin": "hotgraft.host.plugin",
    "ProbeReport": "hotgraft.core.probing",
    "QuarantinedImage": "hotgraft.host.quarantine",
    "Rules": "hotgraft.core.probation",
    "SetPlan": "hotgraft.core.set_plan",
    "SetReport": "hotgraft.host.report_set",
    "SnapshotReport": "hotgraft.host.host_state",
    "Stats": "hotgraft.host.stats",
    "StuckLibrary": "hotgraft.host.unloads",
    "Subscription": "hotgraft.host.events",
    "SwapReport": "hotgraft.host.report",
    "TakenSnapshot": "hotgraft.host.snapshots",
    "Unloads": "hotgraft.host.unloads",
    "Verdict": "hotgraft.core.verdict",
    "Worse": "hotgraft.core.probation",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
