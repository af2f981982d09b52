"""The main thread's part: edit the source, build it, swap it in, and throw in bad builds that must be turned
down."""

from __future__ import annotations

import array
import threading
import time
from dataclasses import field
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import BuildError, ContractError, HotgraftError, ProbeError
from hotgraft.demo.filters import filter_of
from hotgraft.demo.outcome import BAD_BUILDS
from hotgraft.demo.screen import Moment
from hotgraft.demo.stream import BURST

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Sequence

    from hotgraft.demo.reference import Coefficients
    from hotgraft.demo.screen import Screen
    from hotgraft.demo.source import Source
    from hotgraft.demo.stream import Signals, Stream
    from hotgraft.host.host import Host

NAME: Final = "biquad"
ANSWER_DEADLINE_S: Final = 10.0  # for every stream to be answered again
RATE_EVERY_S: Final = 0.2
REASON_LINES: Final = 6  # of a refusal that are shown


@dataclass(slots=True)
class Book:
    """What the main thread notes while it swaps."""

    swaps: int = 0
    refused: int = 0
    pauses_us: list[float] = field(default_factory=list)
    reloads_ms: list[float] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Everything the acts below work on."""

    host: Host
    plugin: Any  # the handle: its functions are those of biquad.h
    source: Source
    build: Callable[[pathlib.Path], pathlib.Path]  # folder → image
    coefficients: Coefficients
    signals: Signals
    streams: Sequence[Stream]
    screen: Screen
    swaps_asked: int


def write_next_build(source: Source, coefficients: Coefficients) -> int:
    """Edit the source into the next build, tell the reference of it, and return its number."""
    filter_ = filter_of(coefficients.builds)
    build = coefficients.add(filter_.coefficients)
    source.write_build(build, filter_)
    return build


class Swapper:
    """Carries out the swaps and the refusals, and notes them in `book`."""

    def __init__(self, stage: Stage) -> None:
        self.book = Book()
        self._stage = stage
        self._last_look = (time.monotonic(), 0)  # time, calls
        self._calls_per_s = 0.0

    def swap_all(self) -> None:
        """Swap as often as asked; the bad builds come in between, each after a fifth more of it."""
        swaps, source = self._stage.swaps_asked, self._stage.source
        throws = (
            ("a build that does not compile", BuildError, source.break_grammar),
            ("a build without blocks()", ContractError, source.drop_function),
            ("a build that crashes when it is created", ProbeError, source.crash_in_create),
            ("a build that hangs when it is created", ProbeError, source.hang_in_create),
        )
        assert len(throws) == BAD_BUILDS
        for number in range(1, swaps + 1):
            self._swap()
            for turn, throw in enumerate(throws, start=1):
                if number == max(turn * swaps // (BAD_BUILDS + 1), 1):
                    self._refuse(*throw)
        self._meet_last_build()

    def note_serving(self, build: int) -> None:
        """From now on only `build` may answer. Ask it who it is, too."""
        self._stage.signals.floor = build
        five = array.array("d", bytes(40))
        self._stage.plugin.coefficients(five)
        if tuple(five) != filter_of(build).coefficients:
            self.book.findings.append(f"build {build} is said to serve, and another one tells its coefficients")

    def _swap(self) -> None:
        stage = self._stage
        build = stage.coefficients.builds
        title = f"build {build}, {filter_of(build).name}"
        self._show(f"compiling {title}")
        write_next_build(stage.source, stage.coefficients)
        image = stage.build(stage.source.folder)
        began = time.perf_counter()
        try:
            report = stage.host.reload(NAME, image)
        except HotgraftError as error:
            self.book.findings.append(f"build {build} was not let in: {error}")
            return
        self.book.reloads_ms.append((time.perf_counter() - began) * 1_000)
        self.book.pauses_us.append(report.pause_us)
        self.book.swaps += 1
        self.note_serving(build)
        self._show(f"serving {title}")

    def _refuse(self, what: str, expected: type[HotgraftError], spoil: Callable[[], None]) -> None:
        """Offer a bad build: the right error must say so, and the old generation go on answering."""
        stage, serving = self._stage, self._stage.signals.floor
        before = stage.plugin.generation
        stage.source.write_build(serving, filter_of(serving))
        spoil()
        try:
            stage.host.reload(NAME, stage.build(stage.source.folder))
        except expected as error:
            if stage.plugin.generation == before and self._is_answered():
                self.book.refused += 1
                reason = shortened(str(error).replace(f"{stage.source.folder}/", ""))
                stage.screen.refuse(what, f"generation {before} keeps serving", reason)
            else:
                self.book.findings.append(f"{what} was refused, and generation {before} answers no more")
        except HotgraftError as error:
            self.book.findings.append(f"{what} was refused for another reason than its fault: {error}")
        else:
            self.book.findings.append(f"{what} was let in")

    def _is_answered(self) -> bool:
        """Wait until every stream has answers that it asked for after now."""
        streams = self._stage.streams
        marks = [stream.tally.calls + BURST for stream in streams]
        return self._wait_for(
            lambda: all(stream.tally.calls > mark for stream, mark in zip(streams, marks, strict=True))
        )

    def _meet_last_build(self) -> None:
        """Let every stream be answered by the last build before it stops."""
        last = self._stage.signals.floor
        if not self._wait_for(lambda: all(last in one.tally.blocks_by_build for one in self._stage.streams)):
            self.book.findings.append(f"not every stream was answered by build {last}, the last one")

    def _wait_for(self, is_met: Callable[[], bool]) -> bool:
        """Look again and again until it holds, a stream has ended, or the deadline has passed."""
        deadline, pause = time.monotonic() + ANSWER_DEADLINE_S, threading.Event()
        while not is_met():
            if time.monotonic() > deadline or not all(stream.is_alive() for stream in self._stage.streams):
                return False
            pause.wait(0.005)
        return True

    def _show(self, doing: str) -> None:
        tallies = [stream.tally for stream in self._stage.streams]
        now, calls = time.monotonic(), sum(tally.calls for tally in tallies)
        before, calls_before = self._last_look
        if now - before > RATE_EVERY_S:  # over less, whole bursts make it jump
            self._last_look = (now, calls)
            self._calls_per_s = (calls - calls_before) / (now - before)
        self._stage.screen.show(
            Moment(
                swaps=self.book.swaps,
                swaps_asked=self._stage.swaps_asked,
                calls_per_s=self._calls_per_s,
                failed=sum(tally.failed for tally in tallies),
                wrong=sum(tally.wrong for tally in tallies),
                doing=doing,
                pauses_us=tuple(self.book.pauses_us),
            )
        )


def shortened(reason: str) -> str:
    """Return the first lines of a reason; the rest of a compiler's output is for an author."""
    lines = reason.splitlines()
    left = len(lines) - REASON_LINES
    return "\n".join([*lines[:REASON_LINES], *([f"… and {left} more lines"] if left > 0 else [])])
