"""One random walk: a plugin goes up, down and back over its versions while threads call it, and the model says what is.

Each caller adds to a lane of its own and knows what must come back: an addition that is lost, done twice or done to
another state shows in the next answer, a lane that is half of one state and half of another in its twin.
"""

from __future__ import annotations

import contextlib
import os
import random
import threading
import traceback
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from hotgraft import Host, HotgraftError, Outcome
from layout_memory import image, places, read, size_and_align
from layout_pairs import Maker
from walk_model import Model, masked
from walk_versions import CALLERS, VERSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hotgraft import SwapReport

DEADLINE_S: Final = 60.0
TORN: Final = -(2**63)
FAULTS: Final = ("create", "take", "surrender", "start", "save", "restore", "converter")
BURST: Final = 50  # calls between two rests
REST_S: Final = 0.0003
FAULT: Final = "WALK_FAULT"


def way_of(report: SwapReport) -> str:
    """Return how the state crossed, in the model's words."""
    assert report.plan is not None
    return "kept" if report.is_lossy else str(report.plan.crossing)


def add_converters(host: Host) -> None:
    """Offer converters between the schema of versions 3 and 4, which save, and that of version 5, which has a block."""

    @host.converter("walk", from_schema=2, to_schema=3)
    def rise(values: dict[str, Any]) -> dict[str, Any]:
        _fail_if_told()
        lanes = [
            {"total": values[f"sum {at}"], "twin": values[f"twin {at}"], "weight": values[f"weight {at}"]}
            for at in range(CALLERS)
        ]
        return {
            "volume": values["volume"] * 2, "ratio": values["gain"], "mode": values["mode"], "name": values["name"],
            "taps": [*(values[f"tap {at}"] for at in range(4)), 0, 0], "lanes": lanes,
            "stats": {"n": 0, "mean": [0.0, 0.0, 0.0], "worst": 0.0},
        }  # fmt: skip

    @host.converter("walk", from_schema=3, to_schema=2)
    def sink(state: dict[str, Any]) -> dict[str, Any]:
        _fail_if_told()
        name = state["name"]
        name = name if isinstance(name, bytes) else name.encode().ljust(16, b"\0")
        values = {"volume": state["volume"] // 2, "gain": state["ratio"], "mode": state["mode"], "name": name}
        values |= {f"tap {at}": tap for at, tap in enumerate(state["taps"])}
        for at, lane in enumerate(state["lanes"]):
            values |= {f"sum {at}": lane["total"], f"twin {at}": lane["twin"], f"weight {at}": lane["weight"]}
        return values


def _fail_if_told() -> None:
    if os.environ.get(FAULT) == "converter":
        raise RuntimeError("the converter was told to fail")


class Caller(threading.Thread):
    """Adds to one lane for as long as it may; `lock` is held during a call, so that who has it knows what is."""

    def __init__(self, plugin: Any, lane: int, seed: int) -> None:
        super().__init__(name=f"lane {lane}", daemon=True)
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.calls = 0
        self.sum = 0
        self.found = ""
        self._plugin, self._lane = plugin, lane
        self._random = random.Random(seed)

    def run(self) -> None:
        """Call until it is over, or until something is wrong."""
        try:
            while not self.over.wait(REST_S):  # who waits for the lock would wait for long without a rest
                with self.lock:
                    for _ in range(BURST):
                        self._call()
        except BaseException:
            self.found = traceback.format_exc()

    def _call(self) -> None:
        by = self._random.randint(1, 1000)
        answer = self._plugin.add(self._lane, by)
        assert answer != TORN, f"lane {self._lane}: its twin disagrees after {self.calls} calls"
        assert answer == self.sum + by, f"lane {self._lane}: {answer} came back, and {self.sum} + {by} was written"
        self.sum = answer
        self.calls += 1


class Walk:
    """A host, its callers, and the model beside it."""

    def __init__(self, images: tuple[Path, ...], seed: int) -> None:
        self.random = random.Random(seed)
        self.trace: list[str] = []
        self.ways: Counter[str] = Counter()  # how steps ended
        self.calls = 0
        self._images = images
        self._maker = Maker(seed)
        self._model = Model(self.random.randrange(len(images)), converts=self.random.random() < 0.5)
        self._host = Host(probe="off", probation="on", probation_s=3600.0, swap_deadline_s=DEADLINE_S)
        if self._model.converts:
            add_converters(self._host)
        self._plugin: Any = self._host.load(images[self._model.version])
        self._where = (0, 0)
        self._callers = [Caller(self._plugin, lane, seed + lane) for lane in range(CALLERS)]
        self._kept: list[tuple[int, int]] = []  # of each lane: between which sums it was when what is held was replaced

    def run(self, steps: int) -> None:
        """Walk; whatever is not as predicted raises, with every step that led to it."""
        try:
            with self._host, self._calling():
                for _ in range(steps):
                    for _ in range(self.random.randrange(3)):
                        self._write()
                    self._step()
                    self._check()
        except BaseException as error:
            error.add_note("\n".join(self.trace))
            raise

    @contextlib.contextmanager
    def _calling(self) -> Iterator[None]:
        for caller in self._callers:
            caller.start()
        try:
            yield
        finally:
            for caller in self._callers:
                caller.over.set()
            for caller in self._callers:
                caller.join()
            self.calls = sum(caller.calls for caller in self._callers)
        assert not any(caller.found for caller in self._callers), [caller.found for caller in self._callers]

    # --- steps ---

    def _step(self) -> None:
        self._where = (self._plugin.where(), size_and_align(VERSIONS[self._model.version].kind)[0])
        kind = self.random.choices(("reload", "rollback", "commit"), weights=(6, 3, 1))[0]
        fault = self.random.choice(FAULTS) if self.random.random() < 0.25 else ""
        if kind == "commit":
            self._host.commit("walk")
            self._model.commit()
            self.trace.append("commit")
        elif kind == "rollback":
            self._roll_back(fault)
        else:
            self._reload(self._target(), fault)

    def _target(self) -> int:
        """Mostly a neighbour, or the same version again."""
        if self.random.random() < 0.2:
            return self.random.randrange(len(self._images))
        near = self._model.version + self.random.choice((-1, -1, 0, 1, 1, 1))
        return min(max(near, 0), len(self._images) - 1)

    def _reload(self, target: int, fault: str) -> None:
        is_held, before = self._model.held is not None, self._sums()
        leaves = self._model.version
        wanted = self._model.reload(target, fault=fault)
        self.trace.append(f"reload {target + 1} {fault}: {wanted}")
        with self._failing(fault, leaves, target):
            try:
                report = self._host.reload("walk", self._images[target], is_settled=True, allow_downgrade=True)
                came = way_of(report)
            except HotgraftError as error:
                came = "refused"
                self.trace.append(str(error))
        assert came == wanted, (came, wanted)
        self.ways[f"reload: {came}"] += 1
        if not is_held and came != "refused":
            self._kept = list(zip(before, self._sums(), strict=True))

    def _roll_back(self, fault: str) -> None:
        was_held = self._model.held is not None
        with contextlib.ExitStack() as paused:
            for caller in self._callers:  # a lossy rollback gives their additions up: they must be told
                paused.enter_context(caller.lock)
            leaves, held = self._model.version, self._model.held
            goes_to = held.version if held is not None else self._model.previous or 0
            wanted = self._model.rollback(fault=fault)
            self.trace.append(f"rollback {fault}: {wanted}")
            with self._failing(fault, leaves, goes_to):
                try:
                    report = self._host.rollback("walk", deadline_s=DEADLINE_S)
                    came = way_of(report)
                    is_swap = report.outcome is Outcome.PUBLISHED
                except HotgraftError as error:
                    came, is_swap = "refused", False
                    self.trace.append(str(error))
            assert came == ("refused" if wanted == "blocked" else wanted), (came, wanted)
            self.ways[f"rollback: {came}"] += 1
            if came == "kept":
                self._tell_callers()
            sums = [caller.sum for caller in self._callers]
        if is_swap and not was_held:
            self._kept = list(zip(sums, sums, strict=True))

    @contextlib.contextmanager
    def _failing(self, fault: str, leaves: int, comes: int) -> Iterator[None]:
        """Let a function fail of what leaves or of what comes; in the same version, the first that is called."""
        if fault == "converter":
            os.environ[FAULT] = fault
        elif fault:
            number = (leaves if fault in ("surrender", "save") else comes) + 1
            os.environ[FAULT] = f"{fault} {number}"
        try:
            yield
        finally:
            os.environ.pop(FAULT, None)

    def _sums(self) -> list[int]:
        """Return what callers have written; who is in a call is waited for, because its addition may be done."""
        sums = []
        for caller in self._callers:
            with caller.lock:
                sums.append(caller.sum)
        return sums

    def _tell_callers(self) -> None:
        """What was kept is as old as the swap that kept it: no older, no newer, and of one piece."""
        version = VERSIONS[self._model.version]
        for caller, lane, (low, high) in zip(self._callers, self._peek()["lanes"], self._kept, strict=False):
            found = lane[version.lane_sum]
            assert low <= found <= high, (caller.name, low, found, high)
            assert lane["twin"] == -found
            caller.sum = found

    # --- the state ---

    def block(self) -> tuple[int, int]:
        """Return where the state lay before the step, and how large it was."""
        return self._where

    def _peek(self) -> dict[str, Any]:
        kind = VERSIONS[self._model.version].kind
        data = bytearray(size_and_align(kind)[0])
        assert self._plugin.peek(data, len(data)) == len(data)
        found: dict[str, Any] = read(kind, data)
        return found

    def _check(self) -> None:
        """Callers are well, and every value is as predicted."""
        assert not any(caller.found for caller in self._callers), [caller.found for caller in self._callers]
        version = VERSIONS[self._model.version]
        found, wanted = (masked(version, one) for one in (self._peek(), self._model.state))
        if image(version.kind, found) != image(version.kind, wanted):
            different = {name: (found[name], wanted[name]) for name in found if repr(found[name]) != repr(wanted[name])}
            raise AssertionError(f"version {version.number}, found and predicted: {different}")

    def _write(self) -> None:
        """Give one field another value, through the plugin and in the model."""
        version = VERSIONS[self._model.version]
        name, at, kind = self.random.choice(places(version.kind))
        if name == "lanes":
            lane = self.random.randrange(kind[2])
            at += lane * size_and_align(kind[1])[0]
            inner = [one for one in places(kind[1]) if lane >= CALLERS or one[0] == "weight"]
            if not inner:
                return
            name, offset, kind = self.random.choice(inner)
            at, state = at + offset, self._model.state["lanes"][lane]
        else:
            state = self._model.state
        value = self._maker.value(kind, self.random.choice((0.0, 0.0, 0.1, 0.5)))
        data = bytearray(image(kind, value))
        state[name] = read(kind, data)
        self._plugin.poke(at, data, len(data))
