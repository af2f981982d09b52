"""One stream: a thread that sends one channel of the recording through the plugin, block by block, round and
round.

A stream calls in bursts: some hundred calls one after another, then it compares what came back with the
reference and adds both to their hashes. It never waits for the swaps and knows nothing of them but a number:
the build that the main thread says serves, `floor`. A call made after that was said and answered by an older
build is wrong, whatever it sounds like.
"""

from __future__ import annotations

import array
import hashlib
import threading
import time
from dataclasses import field
from typing import TYPE_CHECKING, Final, Protocol

from hotgraft.core.dataclass import dataclass

if TYPE_CHECKING:
    from hotgraft.demo.dump import StreamDump
    from hotgraft.demo.reference import Reference

BLOCK: Final = 64  # samples a call; 1.3 ms at 48 kHz, what a low-latency sound card asks for
BURST: Final = 512  # calls
FAILURES_LIMIT: Final = 1_000  # after so many failed calls a stream ends: the rest would say nothing new


class Process(Protocol):
    """The plugin's function, as Python calls it."""

    def __call__(self, channel: int, samples: memoryview, out: memoryview, n: int, stamp: memoryview, /) -> object: ...


@dataclass(slots=True)
class Signals:
    """What the main thread and the streams tell each other; each field has one writer, the main thread.

    Thread safety: plain attributes, read and written under the interpreter's lock.
    """

    floor: int = 1  # the oldest build that may answer a call made from now on
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass(slots=True)
class Tally:
    """What a stream counted so far; written by its thread only."""

    calls: int = 0
    failed: int = 0
    wrong: int = 0  # outputs that differ from the reference, and answers of a build that had been replaced
    first_failure: str = ""
    first_wrong: str = ""
    blocks_by_build: dict[int, int] = field(default_factory=dict)


def in_blocks(samples: array.array[float], block: int = BLOCK) -> array.array[float]:
    """Return a copy that ends with a whole block: the last one is filled up with silence."""
    return samples + array.array("f", bytes(4 * (-len(samples) % block)))


class Stream(threading.Thread):
    """The thread of one channel.

    Args:
        channel: of the plugin; one thread each.
        samples: of the recording, whole blocks.
        block: samples a call.
        pace: calls a second at most; 0: as fast as they return.
    """

    def __init__(
        self,
        channel: int,
        samples: array.array[float],
        *,
        process: Process,
        reference: Reference,
        signals: Signals,
        block: int = BLOCK,
        dump: StreamDump | None = None,
        pace: int = 0,
    ) -> None:
        super().__init__(name=f"stream {channel}")
        self.channel = channel
        self.tally = Tally()
        self.output_hash = hashlib.sha256()
        self.reference_hash = hashlib.sha256()
        self.crash: BaseException | None = None
        self._process = process
        self._reference = reference
        self._signals = signals
        self._dump = dump
        self._pace = pace
        self._block = block
        self._samples = memoryview(samples)
        self._out = array.array("f", bytes(4 * block * BURST))
        self._stamps = array.array("Q", bytes(8 * BURST))
        # Cut once, so that a call costs a call.
        self._ins = [self._samples[at : at + block] for at in range(0, len(samples), block)]
        self._outs = [memoryview(self._out)[at : at + block] for at in range(0, len(self._out), block)]
        self._stamp_views = [memoryview(self._stamps)[at : at + 1] for at in range(BURST)]

    def run(self) -> None:
        """Stream until told to stop, and end on a whole burst."""
        try:
            at, began = 0, time.monotonic()
            while not self._signals.stop.is_set() and self.tally.failed < FAILURES_LIMIT:
                count = min(BURST, len(self._ins) - at)
                self._burst(at, count)
                at = (at + count) % len(self._ins)
                if self._pace:
                    self._signals.stop.wait(began + self.tally.calls / self._pace - time.monotonic())
        except BaseException as error:
            self.crash = error  # the main thread says so: ending early is not doing well
            raise

    def _burst(self, at: int, count: int) -> None:
        floor = self._signals.floor
        self._clear(count)
        self._call(at, count)
        self._compare(at, count, floor)
        self.tally.calls += count

    def _clear(self, count: int) -> None:
        """Forget the last burst: a call that writes nothing must not pass for one that did."""
        self._stamps[:count] = array.array("Q", bytes(8 * count))
        self._out[: self._block * count] = array.array("f", bytes(4 * self._block * count))

    def _call(self, at: int, count: int) -> None:
        process, channel, block = self._process, self.channel, self._block
        ins, outs, stamps = self._ins, self._outs, self._stamp_views
        for index in range(count):
            try:
                process(channel, ins[at + index], outs[index], block, stamps[index])
            except Exception as error:  # whatever a call raises is a failed call, counted and shown
                self.tally.failed += 1
                self.tally.first_failure = self.tally.first_failure or f"{type(error).__name__}: {error}"

    def _compare(self, at: int, count: int, floor: int) -> None:
        samples = self._samples[at * self._block : (at + count) * self._block]
        expected = self._reference.blocks(samples, self._stamps, count).tobytes()
        given = memoryview(self._out)[: count * self._block].tobytes()
        self.output_hash.update(given)
        self.reference_hash.update(expected)
        if self._dump is not None:
            self._dump.write(given, self._stamps[:count].tobytes())
        stamps = self._stamps[:count]
        for build in set(stamps):
            self.tally.blocks_by_build[build] = self.tally.blocks_by_build.get(build, 0) + stamps.count(build)
        if given != expected or min(stamps) < floor:
            self._count_wrong(given, expected, floor)

    def _count_wrong(self, given: bytes, expected: bytes, floor: int) -> None:
        size = 4 * self._block
        for index in range(len(given) // size):
            stamp, one = self._stamps[index], slice(index * size, (index + 1) * size)
            if stamp == 0:
                continue  # it failed, and is counted there
            if stamp < floor:
                found = f"build {stamp} answered a call made after build {floor} served"
            elif given[one] != expected[one]:
                found = f"a block stamped build {stamp} is not what that build's filter gives"
            else:
                continue
            self.tally.wrong += 1
            self.tally.first_wrong = self.tally.first_wrong or f"stream {self.channel}: {found}"
