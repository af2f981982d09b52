"""What a person sees: one live line where there is a terminal, plain lines otherwise, and a summary in plain
words."""

from __future__ import annotations

import shutil
import textwrap
from typing import TYPE_CHECKING, Final, TextIO

from hotgraft.core.dataclass import dataclass
from hotgraft.demo.outcome import BAD_BUILDS, percentile

if TYPE_CHECKING:
    from hotgraft.demo.outcome import Outcome

_BAR: Final = 20  # cells


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """How the run stands."""

    swaps: int
    swaps_asked: int
    calls_per_s: float
    failed: int
    wrong: int
    doing: str  # "building low pass 400 Hz"
    pauses_us: tuple[float, ...]


class Screen:
    """Writes to one stream.

    Args:
        out: where to.
        is_live: the stream is a terminal, so that a line may be written over.
        is_quiet: say nothing but the summary's complaints.
    """

    def __init__(self, out: TextIO, *, is_live: bool, is_quiet: bool = False) -> None:
        self._out = out
        self._is_live = is_live
        self._is_quiet = is_quiet
        self._shown = 0  # swaps, in plain lines

    def say(self, text: str) -> None:
        """Write lines that stay."""
        if not self._is_quiet:
            self._clear()
            self._out.write(text + "\n")
            self._out.flush()

    def show(self, moment: Moment) -> None:
        """Show how the run stands: over the last such line, or as a line of its own after every swap."""
        if self._is_quiet:
            return
        text = _moment_line(moment)
        if self._is_live:
            width = shutil.get_terminal_size().columns - 1
            self._out.write("\r\x1b[K" + text[:width])
            self._out.flush()
        elif moment.swaps > self._shown:
            self._shown = moment.swaps
            self.say(text)

    def refuse(self, what: str, serving: str, reason: str) -> None:
        """Show a bad build that was turned down, with the reason as it was given."""
        self.say(f"  ✗ {what}: refused, {serving}")
        self.say(textwrap.indent(reason, "      "))

    def conclude(self, outcome: Outcome) -> None:
        """Write the summary."""
        self.say(_summary(outcome))
        if outcome.complaints():
            self._clear()
            lines = [f"  ✗ {words}" for words in outcome.complaints()]
            lines += textwrap.indent("\n".join(outcome.findings), "      ").splitlines()
            self._out.write("\nThe demo failed:\n" + "\n".join(lines) + "\n")
            self._out.flush()

    def _clear(self) -> None:
        if self._is_live:
            self._out.write("\r\x1b[K")


def _moment_line(moment: Moment) -> str:
    done = moment.swaps * _BAR // max(moment.swaps_asked, 1)
    bar = "━" * done + "─" * (_BAR - done)
    worst = max(moment.pauses_us, default=0.0)
    last = moment.pauses_us[-1] if moment.pauses_us else 0.0
    trouble = f"{moment.failed} failed, {moment.wrong} wrong"
    return (
        f"  {bar} swap {moment.swaps:>{len(str(moment.swaps_asked))}}/{moment.swaps_asked}"
        f" │ {moment.calls_per_s:>9,.0f} calls/s │ {trouble}"
        f" │ pause {last:,.0f} µs (worst {worst:,.0f}) │ {moment.doing}"
    )


def _summary(outcome: Outcome) -> str:
    is_equal = outcome.sha256_output == outcome.sha256_reference and outcome.wrong == 0
    has_left = outcome.unload_proven == outcome.swaps and outcome.stuck == 0
    facts = (
        (outcome.failed == 0, "no call failed", f"{outcome.failed:,} calls failed"),
        (
            is_equal,
            f"every sample is what the reference computes (sha256 {outcome.sha256_output[:16]}…)",
            f"{outcome.wrong:,} calls gave something else than the reference computes",
        ),
        (outcome.state_kept, "the filter's memory went on from build to build", "the filter's memory was lost"),
        (
            outcome.refused == BAD_BUILDS,
            f"all {BAD_BUILDS} bad builds were refused while the old one kept serving",
            f"{outcome.refused} of {BAD_BUILDS} bad builds were refused",
        ),
        (
            has_left,
            f"all {outcome.swaps} replaced libraries are proven to have left memory",
            f"{outcome.unload_proven} of {outcome.swaps} replaced libraries are proven to have left memory",
        ),
    )
    typical, longest = (f"{percentile(outcome.pauses_us, percent):,.0f}" for percent in (50, 100))
    lines = [
        f"\n{outcome.calls:,} calls in {outcome.seconds:.1f} s, "
        f"and the code behind them was replaced {outcome.swaps} times:",
        *(f"  ✓ {good}" if holds else f"  ✗ {bad}" for holds, good, bad in facts),
        f"Calls that came during a swap waited for up to {typical} µs, {longest} µs in the worst swap.",
        f"A whole reload took {percentile(outcome.reloads_ms, 50):.1f} ms, while calls went on.",
    ]
    return "\n".join(lines)
