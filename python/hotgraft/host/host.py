"""`Host`: the object through which a program loads, replaces and calls plugins.

Thread safety
  Any thread. Changes of one plugin take turns; changes of different plugins do not wait for each other. A
  change that is asked for from inside a plugin's function is deferred, because it would wait for itself. An
  interrupt (Ctrl-C) ends the wait for a change, never the change. In a child that was forked after a
  plugin was loaded calls go on and everything else raises `ForkedHostError`; one that was forked before
  makes a host of its own.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

from hotgraft.core.errors import HostClosed, UnknownPlugin
from hotgraft.core.options import OFF, make_options
from hotgraft.engine.config import config_text
from hotgraft.engine.journal_asked import Asked, asked
from hotgraft.engine.stage import StagingPlace
from hotgraft.engine.timing import Stopwatch
from hotgraft.host.aio import Gates
from hotgraft.host.around import Around
from hotgraft.host.change import carry_out, check_not_converting, check_not_forked
from hotgraft.host.changing import Changes
from hotgraft.host.closing import close_all
from hotgraft.host.crashes import handle_crashes
from hotgraft.host.draining import swap_deadline_s
from hotgraft.host.events import HostEvents
from hotgraft.host.folder import staging_folder
from hotgraft.host.fork import watch_forks
from hotgraft.host.grants import make_grants
from hotgraft.host.host_draining import make_breakers
from hotgraft.host.host_health import make_health
from hotgraft.host.host_parts import HostParts
from hotgraft.host.host_state import check_resume, make_snapshots
from hotgraft.host.image import content_key, image_of, name_in
from hotgraft.host.instances import make_handle, retype_handles
from hotgraft.host.journal import open_recorder
from hotgraft.host.loaded import MAIN, Loaded
from hotgraft.host.log import log_drain
from hotgraft.host.pin import PinClock
from hotgraft.host.proving import make_probations, make_quarantine
from hotgraft.host.unknown import unknown_plugin
from hotgraft.host.unloads import Unloads, unloads_of
from hotgraft.host.watches import Watches
from hotgraft.host.wish import Wish

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from hotgraft.core.draining import DrainRules
    from hotgraft.core.fallback import Fallback
    from hotgraft.host.loaded import Instance
    from hotgraft.host.plugin import Plugin
    from hotgraft.host.report import SwapReport

__all__ = ["Host"]

Typed = TypeVar("Typed")


class Host(HostParts):
    """Loads plugins, replaces them while they are called, and takes them out of memory again.

    Args:
        grants: by plugin, the permissions that its versions may ask for: ``{"net_tool": ["network"]}``.
        options: settings by name, see `hotgraft.Options`: ``Host(swap_deadline_s=2.0)``.

    Raises:
        ConfigError: a setting is unknown or out of bounds. JournalError: its journal cannot be had. ForkedHostError:
        this process was forked from one that had loaded plugins. ValueError, TypeError: a grant is no name of a
        permission.
    """

    def __init__(self, *, grants: Mapping[str, Iterable[str]] | None = None, **options: Any) -> None:
        check_not_forked()
        self.options = make_options(options)
        self.gates = Gates()
        self._events = HostEvents()
        self._lock = threading.Lock()  # guards _plugins and _is_closed; held for look-ups only
        self._plugins: dict[str, Loaded] = {}
        self._is_closed = False
        self._made_in = os.getpid()
        self._pins = PinClock(time.monotonic)
        folder, self._leave_folder = staging_folder(self, self.options.staging_folder)
        self._recorder = open_recorder(self.options.journal, self._events)
        self._quarantine = make_quarantine(self.options, self._recorder)
        self._grants = make_grants(grants or {}, self._recorder, asked("host"))
        self._health, self._health_schedule = make_health(self.options, self._events, self._listed)
        self._snapshots, self._snapshot_schedule = make_snapshots(
            self.options, self._recorder, self._events, self._listed
        )
        self._around = Around(
            options=self.options,
            place=StagingPlace(folder=folder, settle_deadline_s=self.options.settle_deadline_s),
            others=self._listed,
            after_publish=self._follow,
            forget=self._unlist,
            is_closed=lambda: self._is_closed,
            quarantine=self._quarantine,
            grants=self._grants,
            check_health=self._quick_health,
            begin_probation=lambda loaded: self._probations.begin(loaded),
            snapshots=self._snapshots,
        )
        self._changes = Changes(around=self._around, recorder=self._recorder, events=self._events, watch=self._watch)
        self._probations = make_probations(self.options, self._changes, self._listed, self._health)
        self._watches = Watches(self._listed, self._reload, self._events, self.options.settle_deadline_s)
        self.breaker = make_breakers(self._events, self.options, self._changes, self._listed)
        log_drain()
        watch_forks()
        handle_crashes(self.options)

    # --- load and look up ---

    def load(
        self,
        image: str | os.PathLike[str],
        *,
        name: str | None = None,
        instance: str = MAIN,
        config: Mapping[str, Any] | None = None,
        drain: DrainRules | None = None,
        fallback: Fallback | None = None,
        grants: Iterable[str] = (),
        resume: str | None = None,
        reason: str = "",
    ) -> Plugin:
        """Load a plugin, or one more instance of a loaded one, and return its handle.

        Args:
            image: path of the image, or of a ``plugin.toml`` with its image beside it; with `instance` also the name of
                a loaded plugin.
            name: what the host calls it; None: the name in its descriptor.
            instance: name of the instance; each has slots, config and state of its own.
            config: what create is given, a mapping of plain values; None: empty.
            drain: how a swap waits for its callers, and how many may wait for one; None: as its author wished.
            fallback: what answers while nothing of it can serve; None: `PluginUnavailable`.
            grants: permissions that it and its next versions may ask for, beside those it was granted before.
            resume: "last": begin with its last snapshot, if there is one; "none"; "required". None: the host's setting.
            reason: why, for the journal.

        Raises:
            ImageError, ContractError, ConfigError, PermissionRequired: refused before any of its code ran. LoadError:
            the loader, or an import without a provider. PluginError, PluginAbandoned: its own functions. ValueError:
            that name or instance is taken, or a grant is no permission. Busy: asked for in a converter.
            PluginUnavailable: what serves of it is out of service, and gets no instance.
        """
        self._check_control()
        check_resume(resume)
        check_not_converting("load it", str(image))
        text, who = config_text(config), asked("load", reason)
        known = self._plugins.get(str(image))
        if known is not None:
            self._grant(known.name, grants, who)
            self._changes.add_instance(known, instance, text, who, resume)
            return self[known.name, instance]
        source = image_of(image)
        plugin = name or name_in(source, settle_deadline_s=self.options.settle_deadline_s)
        with self._lock:
            loaded = self._plugins.get(plugin)
        if loaded is not None and instance in loaded.instances:
            raise ValueError(
                f"plugin {plugin!r} is loaded with instance {instance!r}: reload() replaces it, "
                f"load({plugin!r}, instance=...) adds an instance"
            )
        self._grant(plugin, grants, who)
        if loaded is not None:
            self._changes.add_instance(loaded, instance, text, who, resume)
        else:
            self._changes.load(plugin, source, {instance: text}, who, drain=drain, fallback=fallback, resume=resume)
        return self[plugin, instance]

    def __getitem__(self, name: str | tuple[str, str]) -> Plugin:
        """Return the handle of a plugin, or of one instance: ``host["gain"]``, ``host["gain", "left"]``."""
        plugin, instance = name if isinstance(name, tuple) else (name, None)
        return cast("Plugin", self._instance(plugin, instance).handle)

    def plugin(self, name: str, protocol: Callable[..., Typed], *, instance: str | None = None) -> Typed:
        """Return the same handle as ``host[name]``, typed as the Protocol that `hotgraft bind` wrote."""
        return cast("Typed", self._instance(name, instance).handle)

    def __contains__(self, name: object) -> bool:
        return name in self._plugins

    def __iter__(self) -> Iterator[str]:
        return iter([loaded.name for loaded in self._listed()])

    # --- change ---

    def reload(
        self,
        name: str,
        image: str | os.PathLike[str] | None = None,
        *,
        config: Mapping[str, Any] | None = None,
        deadline_s: float | None = None,
        is_settled: bool = False,
        allow_downgrade: bool = False,
        reason: str = "",
    ) -> SwapReport:
        """Replace what serves under `name` and return what happened; calls keep flowing.

        Args:
            name: a loaded plugin; all its instances change as one.
            image: path of the new image; None: the path it was loaded from.
            config: a new config for every instance; None: each keeps its own.
            deadline_s: for gates, drain, quiesce, state and start together; None: by its rules or the host's.
            is_settled: its writer is known to have finished (a compiler that returned, a rename): do not wait 50 ms
                for the file to hold still. A file that is incomplete or changes while it is read is refused anyway.
            allow_downgrade: let a version in that is lower, by SemVer precedence, than the one that serves.
            reason: why, for the journal.

        Returns:
            The report of the published swap. Asked for from inside a plugin's function: a report that says
            *deferred*, whose `result()` waits for the real one.

        Raises:
            UnknownPlugin: nothing of that name. ImageError, ContractError, LoadError, StateError, PermissionRequired:
            refused.
            PluginError, PluginAbandoned: the candidate's own functions. DrainTimeout, SwapTimeout: called
            off.
            Busy: another change went on until the deadline. JournalError: it cannot be put on record. Each
            carries the `report`, and what ran still runs.
        """
        who = asked("reload", reason)
        return self._reload(
            name, image, config, deadline_s, who, is_settled=is_settled, allow_downgrade=allow_downgrade
        )

    def _reload(
        self,
        name: str,
        image: str | os.PathLike[str] | None,
        config: Mapping[str, Any] | None,
        deadline_s: float | None,
        who: Asked,
        *,
        is_settled: bool,
        allow_downgrade: bool = False,
    ) -> SwapReport:
        self._check_control()
        loaded = self._loaded(name)
        source = image_of(image) if image is not None else loaded.source
        text = None if config is None else config_text(config)
        limit = swap_deadline_s(loaded, self.options, deadline_s)
        key = (content_key(source), text, allow_downgrade)
        wish = Wish(asked=who, deadline_s=limit, source=source, config_json=text, key=key, is_settled=is_settled)
        wish = replace(wish, allow_downgrade=allow_downgrade, is_longest=deadline_s is None)
        return self._changes.swap(loaded, wish)

    def configure(
        self,
        name: str,
        config: Mapping[str, Any],
        *,
        instance: str | None = None,
        deadline_s: float | None = None,
        reason: str = "",
    ) -> SwapReport:
        """Give `name` a new config: a swap of the image that serves, with the state carried over.

        See `reload`.
        """
        self._check_control()
        loaded = self._loaded(name)
        limit = swap_deadline_s(loaded, self.options, deadline_s)
        chosen = None if instance is None else self._instance(name, instance).name
        who = asked("configure", reason)
        return self._changes.swap(
            loaded, Wish(asked=who, deadline_s=limit, config_json=config_text(config), instance=chosen)
        )

    def unloads(self, deadline_s: float = 0.0) -> Unloads:
        """Return what became of replaced generations, after waiting up to `deadline_s` for those on their way out.

        Of what is loaded: what became of the rest is in the answer of `close`.
        """
        return unloads_of(self._listed(), deadline_s)

    # --- close ---

    def close(self, deadline_s: float | None = None) -> Unloads:
        """Turn callers away, consumers first, drain, and take everything out of memory; twice is once.

        Raises:
            DrainTimeout: calls were inside at the deadline; what they hold serves on, and close may be
            called again. Busy: asked for in a converter; nothing is closed.
        """
        check_not_forked(self._made_in)
        check_not_converting("close it", "the host")
        self.breaker.stop()
        self._watches.close()
        self._probations.close()
        self._health_schedule.close()
        self._snapshot_schedule.close()
        self._health.close()
        until = time.monotonic() + (self.options.close_deadline_s if deadline_s is None else deadline_s)
        with self._lock:
            self._is_closed = True
        unloads = carry_out(
            lambda: close_all(
                self._listed,
                self._pins.open_pins(),
                until,
                begun=self._changes.turns.wait_for_begun,
                gone=self._forget,
                last=self._snapshots.at_close,
            )
        )
        self._recorder.tell_events()
        self._snapshots.close()
        self._recorder.close()
        if not (unloads.waiting or unloads.stuck):
            self._leave_folder()
        return unloads

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *_: object) -> None:
        if os.getpid() == self._made_in:  # what the parent serves is not the child's to close
            self.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a Host cannot be pickled: it stands for libraries in this process; make a Host in the other one"
        )

    # --- inside ---

    def _follow(self, loaded: Loaded) -> None:
        """A new generation serves: list the plugin, make handles that lack one, give handles their new functions."""
        for instance in loaded.instances.values():
            if instance.handle is None:
                instance.handle = make_handle(self, loaded, instance)
        retype_handles(loaded)
        self._follow_rules(loaded)
        with self._lock:
            self._plugins[loaded.name] = loaded
        loaded.replaced.count()  # forgets those that are gone
        if self.options.probation != OFF:
            self._probations.start()

    def _forget(self, loaded: Loaded) -> None:
        """It is out of service."""
        self._unlist(loaded)
        self._recorder.tell_events()

    def _unlist(self, loaded: Loaded) -> None:
        """Likewise, in its turn: who listens is told after it."""
        self.breaker.forget(loaded.name)
        with self._lock:
            self._plugins.pop(loaded.name, None)
        self._recorder.tell_later("plugin.closed", loaded.name)

    def _listed(self) -> tuple[Loaded, ...]:
        with self._lock:
            return tuple(self._plugins.values())

    def _loaded(self, name: str) -> Loaded:
        if not isinstance(name, str):
            raise TypeError(f"a plugin's name is a str, and {name!r:.80} is none")
        found = self._plugins.get(name)
        if found is None:
            raise unknown_plugin(name, self._plugins)
        return found

    def _instance(self, name: str, instance: str | None) -> Instance:
        if self._is_closed and name not in self._plugins:
            raise HostClosed("find the plugin", on=name, found="the host is closed")
        instances = self._loaded(name).instances
        found = instances.get(instance if instance is not None else MAIN)
        if found is None and instance is None and len(instances) == 1:
            return next(iter(instances.values()))
        if found is None:
            known = ", ".join(instances)
            raise UnknownPlugin("find the instance", on=f"{name}:{instance}", found=f"its instances: {known}")
        return found

    def _check_control(self) -> None:
        check_not_forked(self._made_in)
        if self._is_closed:
            raise HostClosed("change anything", on="the host", found="it is closed")

    def _watch(self) -> Stopwatch:
        return Stopwatch(time.monotonic_ns)
