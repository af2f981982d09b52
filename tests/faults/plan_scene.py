"""One host with a journal that serves a counter of known state: a fault at a step, and what must hold after it."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from belongings import belongings
from hotgraft import Host, HotgraftError, Outcome, StateError, _core
from hotgraft.engine.journal_reading import history, verify_journal
from hotgraft.engine.timing import Stopwatch
from hotgraft.host.journal import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hotgraft.host.report import SwapReport
    from plan_cells import Scenery
    from sample_plugins import Sample, Workshop

DEADLINE_S: Final = 30.0
SHORT_S: Final = 0.3  # of what is to be given up
SETTLED_S: Final = 5.0  # until a thread that has ended is no longer listed
KEPT: Final = ".previous"  # the image before this one, for who wants to go back
COUNTED: Final = 5


class Steps:
    """Calls somebody when a reload enters the step that was asked for, and when it leaves it."""

    def __init__(self) -> None:
        self._enter: Callable[[], object] = bool
        self._leave: Callable[[], object] = bool
        self.forget()

    def ask(self, step: str, nth: int, enter: Callable[[], object], leave: Callable[[], object]) -> None:
        """Have the `nth` time of a step noticed."""
        self._step, self._left, self._enter, self._leave = step, nth, enter, leave

    def forget(self) -> None:
        """Notice nothing any more."""
        self._step, self._left, self._is_in = "", 0, False

    def begin(self, name: str) -> str:
        """A step begins, by its name in a report or in the core; returns the core's wish for it."""
        self.end()
        if not self._step or not (name == self._step or name.startswith(f"{self._step} ")):
            return "run"
        self._left -= 1
        if self._left != 0:
            return "run"
        self._is_in = True
        return str(self._enter() or "run")

    def end(self) -> None:
        """The step is over."""
        if self._is_in:
            self._is_in = False
            self._leave()

    @contextmanager
    def hooked(self) -> Iterator[None]:
        """Watch the steps of a report, those of the core's window, and the journal's outcome."""
        plain_step, plain_end = Stopwatch.__call__, Recorder.end

        @contextmanager
        def step(watch: Stopwatch, name: str) -> Iterator[None]:
            with plain_step(watch, name):
                self.begin(name)
                try:
                    yield
                finally:
                    self.end()

        def outcome(recorder: Recorder, *args: Any) -> str:
            self.begin("outcome")
            try:
                return plain_end(recorder, *args)
            finally:
                self.end()

        Stopwatch.__call__ = step  # type: ignore[method-assign, assignment] # a seam
        Recorder.end = outcome  # type: ignore[method-assign, assignment] # a seam
        _core._seams.set_step_hook(self.begin)
        try:
            yield
        finally:
            _core._seams.set_step_hook(None)
            Stopwatch.__call__ = plain_step  # type: ignore[method-assign] # as it was
            Recorder.end = plain_end  # type: ignore[method-assign] # as it was


class Scene:
    """Generation 1 serves and has counted; then one reload goes wrong."""

    def __init__(self, build: Workshop, scenery: Scenery, folder: Path) -> None:
        self.build, self.scenery, self.folder = build, scenery, Path(tempfile.mkdtemp(dir=folder))
        self.staged, self.journal = self.folder / "staged", self.folder / "journal"
        self.source, self.hold = self.folder / "counter.so", self.folder / "held"
        self.steps = Steps()
        self.report: SwapReport | None = None
        self.error: HotgraftError | None = None
        self.further: list[Outcome] = []  # of what was asked for meanwhile
        self.asked_meanwhile = ""
        self.stuck = 0  # libraries that the fault may keep
        self.is_abandoned = self.is_old_abandoned = False  # a function has not returned; and it is of what serves
        self.is_old_held = False  # it is one that may have to do with the state
        self.deadline_s = DEADLINE_S
        self.is_refusing_memory = False
        self.may_be_held = False  # what was replaced, until the next swap: there was no memory to prove the new one
        self.reached = True  # the fault was met; where memory is refused that is seen only afterwards
        self.host = Host(
            probe="start" if scenery.is_probed else "off",
            journal=self.journal,
            staging_folder=str(self.staged),
            settle_deadline_s=SHORT_S,
            control_deadline_s=DEADLINE_S,
            probe_deadline_s=DEADLINE_S,
        )
        shutil.copyfile(build(scenery.sample), self.source)
        for number, name in enumerate(scenery.instances):
            handle = self.host.load(self.source) if not number else self.host.load("counter", instance=name)
            handle.add(COUNTED + number)
        self.state = self.state_hash()
        shutil.copyfile(self.image(2), self.source)
        self.before = self.counts()

    def image(self, number: int, **changes: Any) -> Path:
        """Return another build of the plugin."""
        sample: Sample = replace(self.scenery.sample, build=number, **changes)
        return self.build(sample)

    def tell(self, pid: int, number: int, step: str, way: str) -> None:
        """Let the plugin's own function do something, from now on."""
        os.environ["COUNTER_HOLDS"] = str(self.hold)
        os.environ["COUNTER_DOES"] = f"{pid}:{number}:{step}:{way}"

    def control_within(self, deadline_s: float) -> None:
        """Have the plugin's own functions, and a stage of the probe, given up sooner."""
        around = self.host._changes.around
        options = replace(around.options, probe_deadline_s=deadline_s, control_deadline_s=deadline_s)
        self.host._changes = replace(self.host._changes, around=replace(around, options=options))

    def reload(self, *, and_unload: bool = False) -> None:
        """Do what goes wrong; `and_unload`: until what was replaced has had its try at leaving memory."""
        try:
            self.report = self.host.reload("counter", self.source, deadline_s=self.deadline_s, is_settled=True)
        except HotgraftError as error:
            # With its traceback it would hold the frames of the attempt, and with them its control thread.
            self.error = error.with_traceback(None)
            self.report = error.report  # type: ignore[attr-defined] # a swap's errors carry one
        except (MemoryError, ValueError) as error:  # as which OpenSSL answers that a digest finds no memory
            assert self.is_refusing_memory, error
        finally:
            self.steps.end()
            self.steps.forget()
            if and_unload:
                _core.wait_idle(DEADLINE_S)
            os.environ.pop("COUNTER_DOES", None)

    @property
    def generation(self) -> _core.Generation:
        """What serves."""
        return self.host._plugins["counter"].serving.generation

    def state_hash(self) -> str:
        """Return the hash of all that would be carried over."""
        loaded = self.host._plugins["counter"]
        slots = [slot for one in loaded.instances.values() for slot in one.slots.values()]
        digest = hashlib.sha256()
        names = self.scenery.instances
        if self.generation.can_hand_over:
            blocks, _ = _core.copy_blocks(self.generation, slots, 1 << 20, 1.0, DEADLINE_S)
            digest.update(repr([self._first_known(blocks[loaded.instances[one].index][0]) for one in names]).encode())
        elif self.generation.can_save:
            values, _ = _core.copy_values(self.generation, slots, 1.0, DEADLINE_S)
            digest.update(repr([values[loaded.instances[one].index] for one in names]).encode())
        return digest.hexdigest()

    def _first_known(self, block: bytes | None) -> bytes | None:
        """What every build knows of a block; fields that a later build added hold their default."""
        if block is None or not self.scenery.sample.grows:
            return block
        assert not any(block[8:])
        return block[:8]

    def counts(self) -> dict[str, int]:
        """Return how much the process holds, once what is on its way out is out."""
        until = time.monotonic() + SETTLED_S
        while True:
            held: dict[str, Any] = belongings(self.staged)
            held["copies"] = [one for one in held["copies"] if not one.endswith(KEPT)]
            found = {name: len(held[name]) for name in ("copies", "fds", "mapped")}
            found["threads"] = len(list(Path("/proc/self/task").iterdir()))
            before = getattr(self, "before", found)
            found["threads"] = max(found["threads"], before["threads"])  # fewer: one was still ending then
            if found == before or time.monotonic() > until:
                return found
            threading.Event().wait(0.002)  # a thread that has ended is listed for a moment more

    # --- what must hold ---

    def check(self, ends: frozenset[Outcome]) -> str:
        """Hold everything against what is promised, do a healthy reload, and end; returns how the attempt ended."""
        outcome = self.report.outcome if self.report is not None else Outcome.FAILED
        assert outcome in ends, f"{outcome}, not {sorted(ends)}: {self.error}"
        if self.error is not None:
            assert self.report is not None
            still = "serves again" if outcome is Outcome.ROLLED_BACK else "still serves"
            assert self.error.running == f"generation 1 {still}", self.error
            assert self.report.after_undo == () or self.is_abandoned, self.report
        elif self.report is not None:
            assert self.report.generation == 2
        if self.asked_meanwhile == "close":
            self._check_closed()
        else:
            self._check_serving(2 if outcome is Outcome.PUBLISHED else 1)
            if self.is_old_held:
                self._check_held()
            else:
                self._check_next()
            self.host.close(DEADLINE_S)
            assert len(self._own_stuck()) == self.stuck + self.is_old_abandoned, self._own_stuck()
        self._check_journal([Outcome.PUBLISHED] * len(self.scenery.instances) + [outcome, *self.further])
        shutil.rmtree(self.folder)
        return str(outcome)

    def _check_serving(self, number: int) -> None:
        """The right generation serves with the whole state, and nothing was leaked."""
        self._check_state(3 if self.asked_meanwhile == "reload" else number)
        assert len(self._own_stuck()) == self.stuck, self._own_stuck()
        if not self.stuck and not self.is_abandoned:
            assert self.state_hash() == self.state
            if not self.may_be_held:
                self._check_leaks()

    def _check_leaks(self) -> None:
        found = self.counts()
        assert found == self.before, f"{found}, and before it was {self.before}"

    def _check_state(self, build: int) -> None:
        for number, name in enumerate(self.scenery.instances):
            handle = self.host["counter", name]
            counted = COUNTED + number if self.scenery.plan().is_gated or build == 1 else 0
            found = handle.build(), handle.add(0)
            assert found == (build, counted), f"{name}: build and count are {found}, not {build, counted}"

    def _check_next(self) -> None:
        """The fault is over, and a sound build is taken."""
        before = self.generation.number
        report = self.host.reload("counter", self.image(4), deadline_s=DEADLINE_S, is_settled=True)
        assert (report.outcome, report.journal) == (Outcome.PUBLISHED, "")
        assert report.generation > before
        self.further.append(Outcome.PUBLISHED)
        self._check_state(4)
        if not self.stuck and not self.is_abandoned:
            self._check_leaks()

    def _check_held(self) -> None:
        """A thread that may still read or write the state is in what serves: nobody else gets that state."""
        with pytest.raises(StateError, match="a thread has not come back from its"):
            self.host.reload("counter", self.image(4), deadline_s=DEADLINE_S, is_settled=True)
        self.further.append(Outcome.CALLED_OFF)
        self._check_state(1)

    def _check_closed(self) -> None:
        assert "counter" not in self.host
        held = belongings(self.staged)
        assert (held["copies"], held["mapped"]) == ([], []), held

    def _own_stuck(self) -> list[Any]:
        return [one for one in _core.stuck() if one[0].startswith(str(self.staged))]

    def _check_journal(self, outcomes: list[Outcome]) -> None:
        """One row for every attempt, with its outcome, in a chain that holds."""
        found = [line.as_dict()["outcome"] for line in history(self.journal, "counter")]
        found = [one for one in found if one != "quarantined"]  # a row beside that of what was rolled back
        faulty = len(self.scenery.instances)
        if self.is_refusing_memory and found[faulty] == "not on record":
            assert self.report is not None
            assert self.report.journal == "no memory for its records"
            found[faulty] = str(outcomes[faulty])
        assert found == [str(one) for one in outcomes], (found, outcomes)
        assert verify_journal(self.journal).verdict.finding is None

    def clean(self) -> None:
        """Take away what a failed check left."""
        with suppress(Exception):
            self.host.close(1)
        shutil.rmtree(self.folder, ignore_errors=True)
