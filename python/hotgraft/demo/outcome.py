"""What a run of the demo found: the figures, the JSON line, and in words whatever is not as it must be."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hotgraft.demo.stream import Stream

BAD_BUILDS: Final = 4  # that are thrown in


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The figures of a run, and what was asked of it."""

    input: str
    seconds: float  # that streams ran
    threads: int
    calls: int
    failed: int
    wrong: int
    swaps: int  # done
    refused: int  # bad builds that were turned down while the old one kept serving
    state_kept: bool
    pauses_us: tuple[float, ...]  # one per swap: gate closed to last slot open
    reloads_ms: tuple[float, ...]  # one per swap: reload called to reload returned
    unload_proven: int
    stuck: int
    sha256_output: str
    sha256_reference: str
    swaps_asked: int
    findings: tuple[str, ...]  # first failure, first wrong block, what is stuck and why, …

    def line(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {
            "input": self.input,
            "seconds": round(self.seconds, 3),
            "threads": self.threads,
            "calls": self.calls,
            "failed": self.failed,
            "wrong": self.wrong,
            "swaps": self.swaps,
            "refused": self.refused,
            "state_kept": self.state_kept,
            "pause_us": _percentiles(self.pauses_us, 50, 99, 100),
            "reload_ms": _percentiles(self.reloads_ms, 50, 99),
            "unload_proven": self.unload_proven,
            "stuck": self.stuck,
            "sha256_output": self.sha256_output,
            "sha256_reference": self.sha256_reference,
        }

    def complaints(self) -> tuple[str, ...]:
        """Return everything that is not as it must be; empty: the run did all that the demo promises."""
        checks = (
            (self.failed == 0, f"{self.failed} calls failed"),
            (self.wrong == 0, f"{self.wrong} calls gave a wrong answer"),
            (self.sha256_output == self.sha256_reference, "the output is not the reference"),
            (self.state_kept, "state was lost: a delay line does not go on where it stopped"),
            (self.swaps == self.swaps_asked, f"{self.swaps} of {self.swaps_asked} swaps were done"),
            (self.refused == BAD_BUILDS, f"{self.refused} of {BAD_BUILDS} bad builds were refused"),
            (
                self.unload_proven == self.swaps,
                f"{self.unload_proven} of {self.swaps} replaced libraries are proven to have left memory",
            ),
            (self.stuck == 0, f"{self.stuck} libraries are stuck in memory"),
        )
        return tuple(words for holds, words in checks if not holds)


def percentile(values: Sequence[float], percent: int) -> float:
    """Return a percentile by the nearest rank; 0 of nothing.

    Source:
        Hyndman & Fan (1996), "Sample Quantiles in Statistical Packages", definition 1.
    """
    if not values:
        return 0.0
    return sorted(values)[max(math.ceil(percent / 100 * len(values)), 1) - 1]


def _percentiles(values: Sequence[float], *percents: int) -> dict[str, float]:
    names = {100: "max"}
    return {names.get(one, f"p{one}"): round(percentile(values, one), 3) for one in percents}


def joint_hash(digests: Sequence[bytes]) -> str:
    """Return one hash for all streams: SHA-256 over their SHA-256 digests, in the order of the streams."""
    return hashlib.sha256(b"".join(digests)).hexdigest()


def hashes(streams: Sequence[Stream]) -> tuple[str, str]:
    """Return the joint hashes of output and reference."""
    return (
        joint_hash([stream.output_hash.digest() for stream in streams]),
        joint_hash([stream.reference_hash.digest() for stream in streams]),
    )
