"""Every error this package raises on purpose: one tree, one class per decision a caller can take.

Each carries as attributes the answers that a failure owes its reader: `tried` (a phrase after "could
not"), `on` (plugin, file or function), `found` (a tuple: all violations, never only the first), `advice`
(what to do) and `running` (what serves now). What whoever raises has nothing exact to say about, its class says:
`usual_advice`, `usually_running`. Everything pickles: errors cross process borders.

Misuse by the caller (a wrong type, a number out of range) is ValueError, TypeError or RuntimeError instead.
"""

# ruff: noqa: N818 - a name says what to decide on (Busy, PinExpired); the suffix would add nothing to it

from __future__ import annotations

from typing import Any, Final

from hotgraft.core.error_base import HotgraftError

__all__ = [
    "Backpressure",
    "BindError",
    "BuildError",
    "Busy",
    "ConfigError",
    "ContractError",
    "DependencyError",
    "DrainTimeout",
    "ForkedHostError",
    "HealthError",
    "HostClosed",
    "HotgraftError",
    "ImageError",
    "JournalError",
    "LifecycleError",
    "LoadError",
    "ManifestError",
    "NoHost",
    "PermissionRequired",
    "PinExpired",
    "PluginAbandoned",
    "PluginCrashed",
    "PluginError",
    "PluginUnavailable",
    "ProbeError",
    "Quarantined",
    "ResourceError",
    "RollbackBlocked",
    "StaleHandle",
    "StateError",
    "SwapTimeout",
    "UnknownPlugin",
    "UnsupportedPlatform",
]

# A failure before publish changes nothing that runs; a host that knows the generation names it instead.
_AS_BEFORE: Final = "what served before serves on"


# What an author mends before anything is loaded.


class ManifestError(HotgraftError):
    """`plugin.toml` breaks its schema; `found` lists every violation. Mend the file."""

    usual_advice = "mend what is named in plugin.toml; a descriptor is written anew by `hotgraft bind`"
    usually_running = "nothing was built or loaded"


class BindError(HotgraftError):
    """An interface header cannot be described; each of `found` starts with file:line. Mend the header."""

    usual_advice = "mend the lines that are named"
    usually_running = "nothing was written"


class BuildError(HotgraftError):
    """The compiler refused the source. `output` is its own text, unchanged; `command` is what was run."""

    usual_advice = "mend what the compiler says"
    usually_running = "nothing was built"

    def __init__(self, tried: str, *, output: str = "", command: tuple[str, ...] = (), **answers: Any) -> None:
        super().__init__(tried, **answers)
        self.output = output
        self.command = command

    def __str__(self) -> str:
        return f"{super().__str__()}\n{self.output}" if self.output else super().__str__()


class ConfigError(HotgraftError):
    """A plugin's config breaks its schema, or the host's own settings are wrong. Mend the values."""

    usual_advice = "mend the values that are named"
    usually_running = "nothing was changed"


# The candidate is refused. Nothing was published.


class ImageError(HotgraftError):
    """The image is refused by what its file says; none of its code ran. Rebuild it."""

    usual_advice = "mend what is named, rebuild the image and try again"
    usually_running = _AS_BEFORE


class ContractError(HotgraftError):
    """The candidate breaks what callers rely on: descriptor, interfaces, versions or required functions."""

    usual_advice = "mend what is named and rebuild; what callers rely on must stay"
    usually_running = _AS_BEFORE


class DependencyError(HotgraftError):
    """Plugins that are to be loaded together do not fit together; `found` lists everything that is wrong.

    A need that nobody meets, or two could; plugins that need each other; an image that cannot be read.
    """

    usual_advice = "load what is missing beside them, or mend the ranges, priorities and cycles that are named"
    usually_running = "nothing was loaded"


class LoadError(HotgraftError):
    """The operating system or its loader said no to an image that looked right."""

    usual_advice = "mend what is named, or give the process what it needs, then try again"
    usually_running = _AS_BEFORE


class StateError(HotgraftError):
    """State cannot cross, or did not, and the old state stays as it was.

    There is no way in common, or save, restore, surrender or take failed.
    """

    usual_advice = "mend what is named: docs/state.md says what crosses by itself, docs/converters.md how the rest does"
    usually_running = _AS_BEFORE


class ProbeError(HotgraftError):
    """The candidate was tried in a process of its own and is not fit to serve. Nothing of it ran in this process.

    It crashed there, ended the process or hung, wrote to state that was handed over, or changed what belongs to the
    whole process. `stage` is where: ``map``, ``create``, ``start``, …; `signal` its name, empty where there was none.
    """

    usual_advice = "mend what is named, rebuild and try again; docs/why-refused.md says what the probe does"
    usually_running = _AS_BEFORE

    def __init__(self, tried: str, *, stage: str = "", signal: str = "", **answers: Any) -> None:
        super().__init__(tried, **answers)
        self.stage = stage
        self.signal = signal


class HealthError(HotgraftError):
    """The candidate was published and then said, or was found, not to be fit. What served before serves again."""

    usual_advice = "mend what the health check complains about, rebuild and try again"


class Quarantined(HotgraftError):
    """The image, or its plugin, was rolled back before and is not tried again; `found` says what was found then.

    An image until it changes; a plugin that was rolled back too often until a person says ``host.allow(name)``.
    """

    usual_advice = "mend what was found then and rebuild; Host.allow(name) lets it in as it is"
    usually_running = _AS_BEFORE


class PermissionRequired(HotgraftError):
    """The candidate asks for permissions that its host has not granted; none of its code ran. Grant them, or do not.

    `permissions` names those that wait.
    """

    usual_advice = "if you trust it with that, host.grant(name, permission), or grants in hotgraft.toml; then try again"
    usually_running = _AS_BEFORE

    def __init__(self, tried: str, *, permissions: tuple[str, ...] = (), **answers: Any) -> None:
        super().__init__(tried, **answers)
        self.permissions = permissions


class RollbackBlocked(HotgraftError):
    """What serves is to be rolled back and cannot be: its state is in use, or would be lost; `found` says why.

    It serves on. `why` is what it was to be rolled back for, and `bad` the plugins that it was found of: others may
    have had to go back with them.
    """

    usual_advice = "end the calls that are named, or reload an image that is good"

    def __init__(self, tried: str, *, why: str = "", bad: tuple[str, ...] = (), **answers: Any) -> None:
        super().__init__(tried, **answers)
        self.why = why
        self.bad = bad


class PluginError(HotgraftError):
    """A plugin's own function answered with a failing status.

    `code` is that status, `function` its name; `domain` and `domain_code` come from its error buffer.
    """

    usual_advice = "mend what the plugin's own function complains about, then try again"
    usually_running = _AS_BEFORE

    def __init__(
        self,
        tried: str,
        *,
        code: int = -1,
        function: str = "",
        domain: str = "",
        domain_code: int = 0,
        **answers: Any,
    ) -> None:
        super().__init__(tried, **answers)
        self.code = code
        self.function = function
        self.domain = domain
        self.domain_code = domain_code


class PluginAbandoned(HotgraftError):
    """A plugin's own function did not return by its deadline: its thread and its library stay for good."""

    usual_advice = "mend the function that does not return; its library stays until the process ends"
    usually_running = _AS_BEFORE

    def __init__(self, tried: str, *, function: str = "", **answers: Any) -> None:
        super().__init__(tried, **answers)
        self.function = function


class PluginCrashed(HotgraftError):
    """A plugin's function crashed in its own code, and a host with `catch_crashes` came back from it.

    `signal` is the signal's name, `function` the function's. The process is tainted: locks may be held and memory half
    written. Start it anew before its results count.
    """

    def __init__(self, tried: str, *, function: str = "", signal: str = "", **answers: Any) -> None:
        super().__init__(tried, **answers)
        self.function = function
        self.signal = signal


class PluginUnavailable(HotgraftError):
    """The plugin has no usable generation, and no answer is declared for this function; `found` says since when."""

    usual_advice = "mend the plugin and reload it, or declare an answer for this function (Fallback)"
    usually_running = "its fallback answers; nothing of the plugin is called"

    def __init__(self, tried: str, *, function: str = "", **answers: Any) -> None:
        super().__init__(tried, **answers)
        self.function = function


# Not now: the same request may do later.


class SwapTimeout(HotgraftError):
    """The swap's deadline passed before publish: it was called off. Try again, or with a longer deadline."""

    usual_advice = "try again, or with a longer deadline_s"
    usually_running = _AS_BEFORE


class DrainTimeout(SwapTimeout):
    """Calls or pins still held the old generation at the deadline; `found` names who held what since when."""

    usual_advice = "end the calls or pins that are named, or try again with a longer deadline_s"


class Busy(HotgraftError):
    """Another swap goes on, too many threads are abandoned, or it was asked for from inside a plugin call."""

    usual_advice = "wait for what goes on, then try again"
    usually_running = _AS_BEFORE


class Backpressure(HotgraftError):
    """A call was turned away before it entered: as many wait at the plugin's closed gate as its queue limit allows.

    Only where an operator set `DrainRules.queue_limit`. `waiting` is how many wait there, `limit` how many may.
    """

    usual_advice = "call again when the swap is over, shed load, or give the plugin a higher queue limit"
    usually_running = _AS_BEFORE

    def __init__(self, tried: str, *, function: str = "", waiting: int = 0, limit: int = 0, **answers: Any) -> None:
        super().__init__(tried, **answers)
        self.function = function
        self.waiting = waiting
        self.limit = limit


class ResourceError(HotgraftError):
    """Memory, fds or disk ran out. Free some, then try again."""

    usual_advice = "free memory, fds or disk, then try again"
    usually_running = _AS_BEFORE


class JournalError(HotgraftError):
    """The journal cannot be opened or written, so nothing may change: what is not on record is not done.

    Calls go on. `records` counts those that are kept in memory until the journal can be written again.
    """

    usual_advice = "make the journal's folder writable again (room, permissions, disk), then try again"
    usually_running = _AS_BEFORE

    def __init__(self, tried: str, *, records: int = 0, **answers: Any) -> None:
        super().__init__(tried, **answers)
        self.records = records


# The thing in hand is no longer good: get a new one.


class PinExpired(HotgraftError):
    """The pin's deadline passed: its generation may leave. Pin again. Of a session: it has ended, with its state."""

    usual_advice = "pin again"
    usually_running = "the plugin itself serves on; only this pin or session has ended"


class StaleHandle(HotgraftError):
    """An opaque handle outlived the generation that made it. Ask the current generation for a new one."""

    usual_advice = "ask the plugin for a new one"
    usually_running = _AS_BEFORE


class HostClosed(HotgraftError):
    """The host is closing or closed: nothing more can be called or loaded through it."""

    usual_advice = "make a new Host"
    usually_running = "nothing of this host serves"


class ForkedHostError(HotgraftError):
    """In a forked child the parent's host changes nothing, nor any host if plugins were loaded; calls still work."""

    usual_advice = "make a Host of its own here; calls through the handles go on"
    usually_running = "the parent's host, and calls here, go on"


class UnknownPlugin(HotgraftError, KeyError):
    """No plugin, instance or interface of that name is loaded; `found` lists those that are."""

    usual_advice = "use one of the names that are listed, or load it first"
    usually_running = _AS_BEFORE

    __str__ = HotgraftError.__str__  # KeyError would show the repr of its argument


class NoHost(HotgraftError):
    """No running host answers, or several do and none was named; `found` lists those that were looked for."""

    usual_advice = "start one with `hotgraft run`, or name it with --host PID or --host SOCKET"
    usually_running = "nothing was changed"


class LifecycleError(HotgraftError):
    """The generation or swap is not in a stage that allows this."""

    usual_advice = "report it as a mistake in hotgraft: nothing a caller does leads here"
    usually_running = "nothing was changed"


class UnsupportedPlatform(HotgraftError, ImportError):
    """This machine, C library or interpreter is not one that the promises were tested on."""

    usual_advice = "see Limits in the README"
    usually_running = "hotgraft was not imported"
