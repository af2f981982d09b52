"""`Host.watch`: reload a plugin whenever its image has a new whole content.

One thread looks at the files and asks for the reloads; it and watchdog's threads are there only while something is
watched, because a standing thread makes CPython ≥ 3.12 warn at every fork. This file has the thread and what others
tell it; what a look at one image comes to is in `watch_target.py`.
"""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hotgraft import _core
from hotgraft.core.watching import LOOK_EVERY_S, Hint, Settling
from hotgraft.engine.watch import FolderWatch, deciding_entries, facts_of
from hotgraft.host.watch_target import Looks, Target

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hotgraft.host.events import HostEvent
    from hotgraft.host.watch_target import WatchAround

__all__ = ["Watch"]

LOG = logging.getLogger("hotgraft.watch")
READY_DEADLINE_S = 5.0  # what comes before the watch stands is found by the first look anyway


class Watch:
    """What `Host.watch` returns: `close()` ends it, and so does leaving it as a context manager.

    Events, beside those of the swaps: ``watch.refused`` (`error`, `sha256`) once for each content that is refused,
    ``watch.postponed`` (`error`, `again_in_s`) where the same content is tried again later, ``watch.polling`` (`error`)
    where inotify had nothing left to give.

    Thread safety: any thread.

    Invariants
      (1) The thread is there only while a plugin is watched; `_thread` names it, under `_lock`.
    """

    def __init__(self, around: WatchAround, names: Iterable[str] = ()) -> None:
        self._around = around
        self._names = frozenset(names)
        self._lock = threading.Condition()  # guards all below but what only the thread touches
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self._has_news = True
        self._targets: dict[str, Target] = {}
        self._by_entry: dict[str, tuple[Target, ...]] = {}
        self._folders: FolderWatch | None = None  # only the thread touches it
        self._looks = Looks(around, self._lock, on_gone=lambda: self._take_news(None))  # and this
        self._subscriptions = [
            around.events.on(pattern, self._take_news)
            for pattern in ("plugin.loaded", "plugin.closed", "swap.published")
        ]
        self._is_ready = threading.Event()  # what is loaded now is under watch
        self._take_news(None)
        if self._thread is not None:
            self._is_ready.wait(READY_DEADLINE_S)

    @property
    def paths(self) -> tuple[str, ...]:
        """The images that are watched now."""
        with self._lock:
            return tuple(target.path for target in self._targets.values())

    @property
    def is_polling(self) -> bool:
        """Whether inotify had nothing left to give, so that files are looked at four times a second instead."""
        folders = self._folders
        return folders is not None and folders.is_polling

    def close(self) -> None:
        """Watch no more; twice is once. A reload that goes on is waited for, but not by an event's handler.

        In a forked child there is nothing to end.
        """
        if _core.is_forked_child():
            return
        with self._lock:
            self._is_closed = True
            self._lock.notify_all()
            thread = self._thread
        for subscription in self._subscriptions:
            subscription.off()
        if thread is not None and not self._around.events.is_inside:  # a handler would wait for its own reload
            thread.join()
        self._around.ended(self)

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- what others tell the thread ---

    def _take_news(self, event: HostEvent | None) -> None:
        """What is loaded, or from where, may have changed."""
        with self._lock:
            self._has_news = True
            if event is not None:
                self._free(event)
            if not self._is_closed and self._thread is None and self._wanted():
                self._thread = threading.Thread(target=self._serve, name="hotgraft watch", daemon=True)
                self._thread.start()
            self._lock.notify_all()

    def _free(self, event: HostEvent) -> None:
        """Another image serves: who was refused for want of one that fits is tried again; under the lock."""
        listed, is_new = self._around.listed(), event.name == "plugin.loaded"
        related = {one.name for one in listed if one.wants(event.plugin)}
        related.update(bound.provider for one in listed if one.name == event.plugin for bound in one.imports.values())
        for target in self._targets.values():
            if target.unmet and target.plugin != event.plugin and (is_new or target.plugin in related):
                target.is_freed = True
                target.pace.note(Hint.LOOK, time.monotonic())

    def _take_hint(self, path: str, hint: Hint) -> None:
        """An event; of thousands a second all but the first only note their time."""
        targets = self._by_entry.get(path)
        if targets is None:
            return
        now_s = time.monotonic()
        with self._lock:
            is_first = False
            for target in targets:
                is_first |= target.pace.note(hint, now_s)
            if is_first:
                self._lock.notify_all()

    def granted(self, plugin: str) -> None:
        """Something was granted to `plugin`: what it was refused for want of a grant is tried again."""
        with self._lock:
            target = self._targets.get(plugin)
            if target is not None:
                target.is_granted = True
                target.pace.note(Hint.LOOK, time.monotonic())
                self._lock.notify_all()

    def _take_polling(self, error: OSError) -> None:
        LOG.warning("inotify has nothing left to give (%s): looking at the files instead", error.strerror)
        self._around.events.tell("watch.polling", "", error=error)

    # --- the thread ---

    def _serve(self) -> None:
        folders = self._folders = FolderWatch(self._take_hint, self._take_polling)
        try:
            look_at_s = 0.0
            while self._sync():
                is_fresh = folders.follow(self._folder_set())
                self._is_ready.set()
                now_s = time.monotonic()
                if is_fresh or now_s >= look_at_s:
                    look_at_s = now_s + LOOK_EVERY_S
                    self._look_at_all(now_s)
                for target in self._due(now_s):
                    self._looks.at(target)
                self._rest(look_at_s)
        finally:
            folders.close()
            with self._lock:
                if self._thread is threading.current_thread():
                    self._thread = None

    def _sync(self) -> bool:
        """Bring the targets in line with what is loaded; return whether to go on."""
        with self._lock:
            if self._is_closed:
                return False
            if self._has_news:
                self._has_news = False
                wanted = self._wanted()
                self._targets = {name: self._target(name, path) for name, path in wanted.items()}
            if not self._targets:
                self._thread = None  # (1): who loads the next plugin starts another
                return False
            return True

    def _wanted(self) -> dict[str, str]:
        listed = [one for one in self._around.listed() if not self._names or one.name in self._names]
        return {one.name: one.source for one in listed}

    def _target(self, name: str, path: str) -> Target:
        known = self._targets.get(name)
        if known is not None and known.path == path:
            return known
        target = Target(name, path, Settling(self._around.settle_deadline_s))
        target.pace.note(Hint.LOOK, time.monotonic())
        return target

    def _folder_set(self) -> set[str]:
        """Work out afresh which entries decide: a link may lead elsewhere by now."""
        by_entry: dict[str, tuple[Target, ...]] = {}
        for target in self._targets.values():
            entries = deciding_entries(target.path)
            if entries != target.entries:
                target.entries, target.facts = entries, None
            for entry in entries:
                by_entry[entry] = (*by_entry.get(entry, ()), target)
        self._by_entry = by_entry
        return {str(Path(entry).parent) for entry in by_entry}

    def _look_at_all(self, now_s: float) -> None:
        with self._lock:
            for target in self._targets.values():
                if target.pace.hint is None and (facts_of(target.path) != target.facts or target.is_handed_over):
                    target.pace.note(Hint.LOOK, now_s)

    def _due(self, now_s: float) -> list[Target]:
        with self._lock:
            times = [(target.pace.due_s(now_s), target) for target in self._targets.values()]
            return [target for due_s, target in times if due_s is not None and due_s <= now_s]

    def _rest(self, look_at_s: float) -> None:
        """Wait for a hint, for what is due next, or for the periodic look."""
        with self._lock:
            now_s = time.monotonic()
            times = [target.pace.due_s(now_s) for target in self._targets.values()]
            until_s = min([look_at_s, *(one for one in times if one is not None)])
            if not (self._is_closed or self._has_news) and until_s > now_s:
                self._lock.wait(until_s - now_s)
