"""What an attempt with one plugin did, and how an error says what runs now."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from hotgraft.core.errors import HotgraftError
from hotgraft.host.report import Outcome, SwapReport, ended, running_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hotgraft.host.attempt import Attempt

__all__ = ["report_of_attempt", "reporting"]


def report_of_attempt(attempt: Attempt, error: HotgraftError | None = None) -> SwapReport:
    """Return what an attempt did so far; `error`: what ended it."""
    window, serving = attempt.window, attempt.loaded.current
    return SwapReport(
        plugin=attempt.loaded.name,
        outcome=ended(attempt.outcome, serving),
        out_of_service=serving.generation.out_of_service if serving is not None else "",
        generation=serving.generation.number if serving is not None else 0,
        version=serving.side.version if serving is not None else "",
        candidate=attempt.number,
        image=attempt.source,
        sha256=attempt.candidate.generation.sha256 if attempt.candidate is not None else "",
        plan=attempt.plan,
        steps=tuple(attempt.watch.steps),
        pause_us=window.pause_us if window is not None else 0.0,
        pause_steps=window.pause_steps if window is not None else (),
        refusals=error.found if error is not None else (),
        after_undo=window.after_undo if window is not None else (),
        is_on_probation=attempt.record.is_on_probation,
        is_lossy=attempt.lost_calls is not None,
        lost_calls=attempt.lost_calls or 0,
        why_lossy=attempt.why_lossy,
        left_inside=window.left_inside if window is not None else "",
        probe=attempt.probed,
    )


@contextmanager
def reporting(attempt: Attempt, tried: str) -> Iterator[None]:
    """Let an error say what runs now, and carry the report."""
    try:
        yield
    except HotgraftError as error:
        error.on = error.on or attempt.loaded.name
        report = attempt.report(error)
        still = "serves again" if attempt.outcome is Outcome.ROLLED_BACK else "still serves"
        error.running = running_words(report, still)
        error.add_note(f"while trying to {tried} {attempt.number} of {attempt.loaded.name}: {report.outcome}")
        error.report = report  # type: ignore[attr-defined] # of a swap's errors only, and above the core's layer
        raise
