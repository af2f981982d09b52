"""Replace native plugins inside a running process: calls keep flowing, state stays.

    with hotgraft.Host() as host:
        counter = host.load("counter.so")
        counter.add(2)
        host.reload("counter", "counter-2.so")  # the count goes on

Names in `__all__` are a promise; everything else may change.
"""

from __future__ import annotations

from hotgraft import _platform as _platform  # first: refuses, in words, where _core could not even be loaded
from hotgraft.core.errors import (
    BindError,
    BuildError,
    Busy,
    ConfigError,
    ContractError,
    DrainTimeout,
    ForkedHostError,
    HostClosed,
    HotgraftError,
    ImageError,
    LifecycleError,
    LoadError,
    ManifestError,
    PinExpired,
    PluginAbandoned,
    PluginError,
    ResourceError,
    StaleHandle,
    StateError,
    SwapTimeout,
    UnknownPlugin,
    UnsupportedPlatform,
)
from hotgraft.core.options import Options
from hotgraft.core.plan import Plan
from hotgraft.host.events import HostEvent, Subscription
from hotgraft.host.host import Host
from hotgraft.host.pin import Pin
from hotgraft.host.plugin import Plugin
from hotgraft.host.report import Outcome, SwapReport
from hotgraft.host.unloads import StuckLibrary, Unloads

__all__ = [
    "BindError",
    "BuildError",
    "Busy",
    "ConfigError",
    "ContractError",
    "DrainTimeout",
    "ForkedHostError",
    "Host",
    "HostClosed",
    "HostEvent",
    "HotgraftError",
    "ImageError",
    "LifecycleError",
    "LoadError",
    "ManifestError",
    "Options",
    "Outcome",
    "Pin",
    "PinExpired",
    "Plan",
    "Plugin",
    "PluginAbandoned",
    "PluginError",
    "ResourceError",
    "StaleHandle",
    "StateError",
    "StuckLibrary",
    "Subscription",
    "SwapReport",
    "SwapTimeout",
    "UnknownPlugin",
    "Unloads",
    "UnsupportedPlatform",
]
