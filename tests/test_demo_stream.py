"""The demo's judges: a stream that compares, the reference it compares with, and the check that shares no
code."""

from __future__ import annotations

import array
import json
import threading
from typing import TYPE_CHECKING, Any

import demo_check
import pytest
from hotgraft.demo import dump
from hotgraft.demo.filters import filter_of
from hotgraft.demo.outcome import joint_hash
from hotgraft.demo.recording import Recording, read_recording, write_recording
from hotgraft.demo.reference import Coefficients, Reference, compile_reference
from hotgraft.demo.stream import BLOCK, BURST, FAILURES_LIMIT, Signals, Stream, in_blocks

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

BUILDS = 8


class Bench:
    """A stand-in for the plugin: the filter in Python, so that a test decides what is answered and when."""

    def __init__(self, folder: pathlib.Path, compiler: str = "cc") -> None:
        write_recording(folder / "a.wav", seconds=1)
        self.recording: Recording = read_recording(folder / "a.wav")
        self.coefficients = Coefficients()
        for build in range(1, BUILDS + 1):
            self.coefficients.add(filter_of(build).coefficients)
        self.library = compile_reference(compiler, folder)
        self.signals = Signals()
        self.state = [0.0, 0.0]
        self.calls = 0
        self.spoil: Callable[[Bench, memoryview, memoryview], None] = lambda *_: None

    def process(self, channel: int, samples: memoryview, out: Any, n: int, stamp: memoryview, /) -> None:
        """Answer as the plugin would; a new build every hundred calls."""
        build = min(self.calls // 100 + 1, BUILDS)
        b0, b1, b2, a1, a2 = filter_of(build).coefficients
        z1, z2 = self.state
        for index in range(n):
            x = samples[index]
            y = b0 * x + z1
            z1 = b1 * x - a1 * y + z2
            z2 = b2 * x - a2 * y
            out[index] = y
        self.state = [z1, z2]
        stamp[0] = build
        self.calls += 1
        self.spoil(self, out, stamp)
        if self.calls >= 100 * BUILDS:
            self.signals.stop.set()

    def stream(self, folder: pathlib.Path | None = None) -> Stream:
        """Run one stream to its end, with a dump when a folder is given."""
        channel = in_blocks(self.recording.channels[0])
        files = None
        if folder is not None:
            dump.write_inputs(folder, [channel])
            files = dump.StreamDump(folder, 0)
        reference = Reference(self.library, self.coefficients, block=BLOCK)
        stream = Stream(0, channel, process=self.process, reference=reference, signals=self.signals, dump=files)
        stream.start()
        stream.join()
        if folder is not None and files is not None:
            files.close()
            tally = stream.tally
            counts = {"calls": tally.calls, "failed": tally.failed, "wrong": tally.wrong}
            output = {"sha256_output": joint_hash([stream.output_hash.digest()])}
            facts = {
                "block": BLOCK,
                "inputs": [0],
                "coefficients": self.coefficients.known(),
                **counts,
                **output,
            }
            dump.write_facts(folder, facts)
        return stream


@pytest.fixture
def bench(tmp_path: pathlib.Path) -> Bench:
    return Bench(tmp_path)


def test_a_right_stream_is_bit_for_bit_the_reference_over_many_builds(bench: Bench) -> None:
    """The reference must follow the stamps exactly, or a swap in the middle of a burst would look wrong."""
    stream = bench.stream()

    assert stream.crash is None
    assert (stream.tally.failed, stream.tally.wrong) == (0, 0)
    assert stream.output_hash.digest() == stream.reference_hash.digest()
    assert len(stream.tally.blocks_by_build) == BUILDS and sum(stream.tally.blocks_by_build.values()) == bench.calls


def one_sample_off(bench: Bench, out: Any, _: memoryview) -> None:
    if bench.calls == 250:
        out[5] += 1e-6


def state_lost(bench: Bench, *_: memoryview) -> None:
    if bench.calls == 400:
        bench.state = [0.0, 0.0]


def stamped_as_the_next(bench: Bench, _: memoryview, stamp: memoryview) -> None:
    if bench.calls == 150:
        stamp[0] += 1


def no_such_build(bench: Bench, _: memoryview, stamp: memoryview) -> None:
    if bench.calls == 150:
        stamp[0] = 99


@pytest.mark.full
@pytest.mark.parametrize("fault", [one_sample_off, state_lost, stamped_as_the_next, no_such_build])
def test_both_judges_find_a_wrong_block(
    bench: Bench, tmp_path: pathlib.Path, fault: Callable[[Bench, memoryview, memoryview], None]
) -> None:
    """A judge that cannot say *wrong* proves nothing when it says *right*."""
    bench.spoil = fault
    stream = bench.stream(tmp_path / "dump")
    verdict = demo_check.check(tmp_path / "dump")

    assert stream.tally.wrong > 0 and stream.tally.first_wrong
    assert verdict.wrong > 0 and verdict.complaints


def test_both_judges_agree_on_a_right_stream(bench: Bench, tmp_path: pathlib.Path) -> None:
    """The check in NumPy must accept what is right, by another way of computing."""
    stream = bench.stream(tmp_path / "dump")
    verdict = demo_check.check(tmp_path / "dump")

    assert verdict.complaints == ()
    assert (verdict.calls, verdict.wrong) == (stream.tally.calls, 0)


def test_an_answer_by_a_replaced_build_is_wrong_however_it_sounds(bench: Bench) -> None:
    """Old code that still answers after a swap was reported done computes flawlessly."""
    bench.signals.floor = 2
    stream = bench.stream()

    assert stream.tally.wrong == 100
    assert "build 1 answered a call made after build 2 served" in stream.tally.first_wrong


def test_failed_calls_are_counted_and_the_filter_stays_where_it_was(bench: Bench, tmp_path: pathlib.Path) -> None:
    """A failed call is not a wrong one, and must not make the next ones look wrong."""

    def fail(it: Bench, out: memoryview, stamp: memoryview) -> None:
        if it.calls == 201:
            stamp[0] = 0
            out[:] = memoryview(array.array("f", bytes(4 * BLOCK)))
            it.state = before
            raise RuntimeError("no answer")
        before[:] = it.state

    before = [0.0, 0.0]
    bench.spoil = fail
    stream = bench.stream(tmp_path / "dump")

    assert (stream.tally.failed, stream.tally.wrong) == (1, 0)
    assert stream.tally.first_failure == "RuntimeError: no answer"
    assert demo_check.check(tmp_path / "dump").complaints == ()


def test_a_stream_of_failures_ends(bench: Bench) -> None:
    """A plugin that always fails must end in a report, not in a run for ever."""

    bench.coefficients = Coefficients()
    ended = threading.Event()

    def fail(*_: object) -> None:
        bench.calls += 1
        raise RuntimeError("no answer")

    def run() -> None:
        channel = in_blocks(bench.recording.channels[0])
        reference = Reference(bench.library, bench.coefficients, block=BLOCK)
        stream = Stream(0, channel, process=fail, reference=reference, signals=bench.signals)
        stream.start()
        stream.join()
        ended.set()

    threading.Thread(target=run).start()

    assert ended.wait(20)
    assert FAILURES_LIMIT <= bench.calls <= FAILURES_LIMIT + BURST


def test_a_dump_whose_counts_lie_is_found(bench: Bench, tmp_path: pathlib.Path) -> None:
    """The check compares what the demo says of itself with what it wrote."""
    bench.stream(tmp_path / "dump")
    path = tmp_path / "dump" / "demo.json"
    facts = json.loads(path.read_text())
    path.write_text(json.dumps({**facts, "calls": facts["calls"] + 1, "sha256_output": "0" * 64}))

    complaints = demo_check.check(tmp_path / "dump").complaints

    assert len(complaints) == 2 and "calls" in complaints[0] and "sha256_output" in complaints[1]
