"""Probation: the time in which a new generation is compared with the one it replaced, which is held meanwhile.

Every half second each plugin's meters are looked at. What committed generations do is remembered for twenty seconds;
what one on probation does is held against that (core/verdict.py). The verdict is carried out as any change is, on
another thread and in the plugin's turn: looking goes on.

What one swap replaced together is a unit: each is compared with its own predecessor, one that is worse takes all of
them back, and they are committed when all have passed. Who has passed is looked at until then.

Thread safety: any thread. The looks are taken by one thread, which lives while there is anything to look at.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import field
from typing import TYPE_CHECKING, Final

from hotgraft.core.dataclass import dataclass
from hotgraft.core.verdict import Outcome, Verdict, judge
from hotgraft.core.window import Window
from hotgraft.host.readings import READINGS
from hotgraft.host.sampling import process_sampling
from hotgraft.host.unit import on_probation_with

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hotgraft.core.probation import Rules
    from hotgraft.host.loaded import Loaded
    from hotgraft.host.readings import Looks
    from hotgraft.host.sampling import Claim

__all__ = ["LOOK_EVERY_S", "SAMPLES_A_SECOND", "Passed", "Probations"]

LOG = logging.getLogger("hotgraft.probation")
LOOK_EVERY_S: Final = 0.5
SAMPLES_A_SECOND: Final = 2_000  # of each meter, if it has that many calls
TRY_AGAIN_S: Final = 5.0  # after a rollback that was blocked


@dataclass(frozen=True, slots=True)
class Passed:
    """Which generation of a plugin has passed, and what the verdict does not rest on."""

    number: int
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Watched:
    """What is known of one plugin."""

    looks: Looks
    rules: Rules
    good: Window = field(default_factory=Window)  # of what was committed
    new: Window | None = None  # of what is on probation
    verdict: Verdict | None = None
    passed: Passed | None = None  # as soon as it has, while it is not worse
    not_before_s: float = 0.0  # is anything carried out


class Probations:
    """Of one host.

    Args:
        listed: the loaded plugins.
        looks: makes what looks at a plugin's meters.
        clock_s: a clock that never goes back.
        take_back: begins the rollback of a generation, and does not wait for it.
        commit: begins the commit of all that are on probation with a plugin, likewise; given what of each has passed.
    """

    def __init__(
        self,
        *,
        listed: Callable[[], tuple[Loaded, ...]],
        looks: Callable[[Loaded], Looks],
        clock_s: Callable[[], float],
        rules: Rules,
        take_back: Callable[[Loaded, int, Verdict], None],
        commit: Callable[[Loaded, int, Mapping[str, Passed]], None],
    ) -> None:
        self._listed, self._make_looks, self._clock_s = listed, looks, clock_s
        self._rules, self._take_back, self._commit = rules, take_back, commit
        self._lock = threading.Lock()  # guards what follows
        self._watched: dict[str, _Watched] = {}
        self._own_rules: dict[str, Rules] = {}
        self._thread: threading.Thread | None = None
        self._claim: Claim | None = None
        self._end = threading.Event()

    def set_rules(self, plugin: str, rules: Rules) -> None:
        """From its next look on, `plugin` is judged by these."""
        with self._lock:
            self._own_rules[plugin] = rules
            if plugin in self._watched:
                self._watched[plugin].rules = rules

    def begin(self, loaded: Loaded) -> None:
        """What serves now is on probation."""
        with self._lock:
            watched = self._of(loaded)
            watched.looks.take()  # from here on every call counts
            watched.new, watched.verdict, watched.passed, watched.not_before_s = Window(), None, None, 0.0
        self.start()

    def start(self) -> None:
        """Look from now on, if nothing does yet: what is replaced one day is compared with what it does today."""
        with self._lock:
            if self._thread is None and not self._end.is_set():
                self._claim = process_sampling().claim(SAMPLES_A_SECOND)
                self._thread = threading.Thread(target=self._run, name="hotgraft probation", daemon=True)
                self._thread.start()

    def verdict(self, plugin: str) -> Verdict | None:
        """Return the newest verdict on what is, or was last, on probation."""
        with self._lock:
            watched = self._watched.get(plugin)
            return None if watched is None else watched.verdict

    def close(self) -> None:
        """Look no more; twice is once."""
        self._end.set()
        with self._lock:
            thread, self._thread = self._thread, None
            claim, self._claim = self._claim, None
        if claim is not None:
            claim.release()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def look(self) -> None:
        """Take one look at every plugin, and begin what its verdict asks for."""
        listed = self._listed()
        with self._lock:
            for name in self._watched.keys() - {one.name for one in listed}:
                del self._watched[name]
        for loaded in listed:
            try:
                self._look_at(loaded)
            except Exception:  # one plugin's trouble is not the others'
                LOG.exception("%s: its meters could not be looked at", loaded.name)

    def _look_at(self, loaded: Loaded) -> None:
        with self._lock:
            watched = self._of(loaded)
            number, reading = watched.looks.take()
            held, is_current = loaded.held, loaded.serving.generation.number == number
            if reading is None or not is_current:  # it was replaced a moment ago: the next look tells
                return
            if held is None:
                watched.new = watched.passed = None
                watched.good = watched.good.extended(reading).last(READINGS)
                return
            watched.new = (watched.new or Window()).extended(reading)
            verdict = watched.verdict = judge(watched.good, watched.new, watched.rules)
            if verdict.outcome is Outcome.PASS:
                watched.passed = Passed(number, verdict.notes)
            is_worse, passed = verdict.outcome is Outcome.BREACH, self._all_passed(loaded)
            now_s = self._clock_s()
            if not (is_worse or passed) or now_s < watched.not_before_s:
                return
            for one in {loaded.name} if is_worse else passed:  # a commit is of all: no other of them begins it too
                self._watched[one].not_before_s = now_s + TRY_AGAIN_S
            if not is_worse:
                self._remember(passed)
        if is_worse:
            self._take_back(loaded, number, verdict)
        else:
            self._commit(loaded, number, passed)

    def _all_passed(self, loaded: Loaded) -> dict[str, Passed]:
        """Return what has passed of each that is on probation with a plugin; empty: some have not."""
        known = {one.name: self._watched.get(one.name) for one in on_probation_with(loaded)}
        passed = {name: one.passed for name, one in known.items() if one is not None and one.passed is not None}
        return passed if len(passed) == len(known) else {}

    def _remember(self, passed: Mapping[str, Passed]) -> None:
        """What has passed is what the next one is compared with."""
        for watched in (self._watched[name] for name in passed):
            if watched.new is not None:
                watched.good = watched.new.last(READINGS)

    def _of(self, loaded: Loaded) -> _Watched:
        watched = self._watched.get(loaded.name)
        if watched is None:
            rules = self._own_rules.get(loaded.name, self._rules)
            watched = self._watched[loaded.name] = _Watched(self._make_looks(loaded), rules)
        return watched

    def _run(self) -> None:
        while not self._end.wait(LOOK_EVERY_S):
            self.look()
