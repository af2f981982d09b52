"""A run of the demo: load the filter, let the recording play through it, swap it under the streams, and sum
up."""

from __future__ import annotations

import array
import pathlib
import tempfile
import time
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import HotgraftError
from hotgraft.demo import SABOTAGES, dump
from hotgraft.demo.outcome import Outcome, hashes
from hotgraft.demo.recording import Recording, read_recording, write_recording
from hotgraft.demo.reference import Coefficients, Reference, compile_reference
from hotgraft.demo.sabotage import sabotaged
from hotgraft.demo.source import Source
from hotgraft.demo.stream import BLOCK, Signals, Stream, in_blocks
from hotgraft.demo.swapping import NAME, Book, Stage, Swapper, write_next_build
from hotgraft.engine.build import build_plugin, find_compiler
from hotgraft.host.host import Host

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hotgraft.demo.screen import Screen

THREADS_LIMIT: Final = 64  # channels of the plugin
CROWD: Final = 8  # threads, and
LONG_BLOCK: Final = 1 << 17  # samples a call, where some call shall be inside at nearly any time
DUMP_PACE: Final = 20_000  # calls a second and stream, so that a dump fits on a disk
HANG_S: Final = 3.0  # until the build that hangs is given up
LEAVE_DEADLINE_S: Final = 10.0  # for the last replaced library to leave memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a run shall do."""

    input: pathlib.Path | None = None
    swaps: int = 50
    threads: int = 0  # 0: one per channel of the recording
    sabotage: str | None = None
    dump: pathlib.Path | None = None


def run_demo(wish: Wish, screen: Screen) -> Outcome:
    """Carry out one run.

    Raises:
        RecordingError: the input cannot be played. BuildError: no compiler, or it refuses the shipped source.
        HotgraftError: the first generation cannot be loaded.
    """
    with tempfile.TemporaryDirectory(prefix="hotgraft-demo-") as name:
        folder = pathlib.Path(name)
        recording = _recording_of(wish, folder)
        with Host(probe_deadline_s=HANG_S) as host:
            return _Run(wish, screen, folder, recording).carry_out(host)


def _recording_of(wish: Wish, folder: pathlib.Path) -> Recording:
    if wish.input is not None:
        return read_recording(wish.input)
    path = folder / "default.wav"
    write_recording(path)
    return read_recording(path)


class _Run:
    """What lives from the first build to the sum."""

    def __init__(self, wish: Wish, screen: Screen, folder: pathlib.Path, recording: Recording) -> None:
        self._wish = wish
        self._screen = screen
        self._recording = recording
        self._folder = folder
        self._compiler = find_compiler()
        # What goes wrong without a drain goes wrong only for a call that is inside: let there be some.
        needs_crowd = wish.sabotage == "no-drain"
        self._block = LONG_BLOCK if needs_crowd else BLOCK
        self._threads = wish.threads or (CROWD if needs_crowd else min(len(recording.channels), THREADS_LIMIT))
        self._coefficients = Coefficients()
        self._signals = Signals()
        self._dumps: list[dump.StreamDump] = []

    def carry_out(self, host: Host) -> Outcome:
        """Load, play, swap, stop, sum up."""
        self._introduce()
        source = Source(self._folder / NAME)
        first = write_next_build(source, self._coefficients)
        plugin: Any = host.load(build_plugin(source.folder))
        streams = self._make_streams(plugin)
        swapper = Swapper(
            Stage(
                host=host,
                plugin=plugin,
                source=source,
                build=build_plugin,
                coefficients=self._coefficients,
                signals=self._signals,
                streams=streams,
                screen=self._screen,
                swaps_asked=self._wish.swaps,
            )
        )
        swapper.note_serving(first)
        seconds = self._play(streams, swapper)
        outcome = self._sum_up(streams, swapper.book, host, seconds)
        self._finish_dump(outcome)
        self._screen.conclude(outcome)
        return outcome

    def _introduce(self) -> None:
        recording, count = self._recording, len(self._recording.channels)
        channels = "1 channel" if count == 1 else f"{count} channels"
        threads = "1 thread" if self._threads == 1 else f"{self._threads} threads"
        self._screen.say(
            "An audio filter, a plugin in C, is rebuilt and replaced while a recording plays through it.\n"
            f"  recording  {recording.name}: {recording.seconds:.1f} s, {channels}, {recording.rate} Hz, "
            "over and over\n"
            f"  calls      of {self._block} samples, from {threads}, as fast as they return\n"
            f"  builds     by {self._compiler}"
        )
        if self._wish.sabotage is not None:
            self._screen.say(
                f"  SABOTAGE   {self._wish.sabotage}: {SABOTAGES[self._wish.sabotage]}. This run must fail."
            )
        self._screen.say("")

    def _make_streams(self, plugin: Any) -> list[Stream]:
        library = compile_reference(self._compiler, self._folder)
        channels = [in_blocks(samples, self._block) for samples in self._recording.channels]
        folder = self._wish.dump
        if folder is not None:
            dump.write_inputs(folder, channels)
            self._dumps = [dump.StreamDump(folder, stream) for stream in range(self._threads)]
        return [
            Stream(
                channel,
                channels[channel % len(channels)],
                process=plugin.process,
                reference=Reference(library, self._coefficients, block=self._block),
                signals=self._signals,
                block=self._block,
                dump=self._dumps[channel] if self._dumps else None,
                pace=DUMP_PACE if self._dumps else 0,
            )
            for channel in range(self._threads)
        ]

    def _play(self, streams: Sequence[Stream], swapper: Swapper) -> float:
        """Let the streams run while the swapper works; return how many seconds they did."""
        began = time.monotonic()
        for stream in streams:
            stream.start()
        try:
            with sabotaged(self._wish.sabotage):
                swapper.swap_all()
        finally:
            self._signals.stop.set()
            for stream in streams:
                stream.join()
        return time.monotonic() - began

    def _sum_up(self, streams: Sequence[Stream], book: Book, host: Host, seconds: float) -> Outcome:
        unloads = host.unloads(LEAVE_DEADLINE_S)
        tallies = [stream.tally for stream in streams]
        output, reference = hashes(streams)
        findings = [one for tally in tallies for one in (tally.first_failure, tally.first_wrong) if one]
        findings += [f"{stream.name} ended early: {stream.crash!r}" for stream in streams if stream.crash]
        findings += [f"generation {one.generation} is stuck: {one.reason}" for one in unloads.stuck]
        findings += [f"still on its way out: {line}" for line in unloads.waiting]
        return Outcome(
            input=self._recording.name,
            seconds=seconds,
            threads=len(streams),
            calls=sum(tally.calls for tally in tallies),
            failed=sum(tally.failed for tally in tallies),
            wrong=sum(tally.wrong for tally in tallies),
            swaps=book.swaps,
            refused=book.refused,
            state_kept=all(_is_state_kept(host[NAME], stream) for stream in streams),
            pauses_us=tuple(book.pauses_us),
            reloads_ms=tuple(book.reloads_ms),
            unload_proven=unloads.proven,
            stuck=len(unloads.stuck),
            sha256_output=output,
            sha256_reference=reference,
            swaps_asked=self._wish.swaps,
            findings=(*book.findings, *findings),
        )

    def _finish_dump(self, outcome: Outcome) -> None:
        if self._wish.dump is None:
            return
        for one in self._dumps:
            one.close()
        facts = {
            "block": self._block,
            "inputs": [stream % len(self._recording.channels) for stream in range(self._threads)],
            "coefficients": self._coefficients.known(),
            **outcome.line(),
        }
        dump.write_facts(self._wish.dump, facts)


def _is_state_kept(plugin: Any, stream: Stream) -> bool:
    """Every block since build 2 was counted in the filter's own state, on through all builds."""
    answered = {build: blocks for build, blocks in stream.tally.blocks_by_build.items() if build > 1}
    count = array.array("Q", [0])
    try:
        plugin.blocks(stream.channel, count)
    except (HotgraftError, AttributeError):  # AttributeError: build 1 still serves, which does not count
        return False
    return count[0] == sum(answered.values())
