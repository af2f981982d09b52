"""Make what a host proves new generations with, from its settings."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hotgraft.core.probation import Rules
from hotgraft.core.start_limit import StartLimit
from hotgraft.host.change import start_change
from hotgraft.host.probation import Probations
from hotgraft.host.quarantine import QUARANTINE, Quarantine
from hotgraft.host.readings import Looks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hotgraft.core.options import Options
    from hotgraft.core.verdict import Verdict
    from hotgraft.host.changing import Changes
    from hotgraft.host.health import HealthBook
    from hotgraft.host.journal import Recorder
    from hotgraft.host.loaded import Loaded
    from hotgraft.host.probation import Passed

__all__ = ["make_probations", "make_quarantine"]


def make_quarantine(options: Options, recorder: Recorder) -> Quarantine:
    """Return the quarantine of a host, with what its journal knows of."""
    limit = StartLimit(most=options.start_limit_rollbacks, within_s=options.start_limit_s)
    quarantine = Quarantine(limit, time.monotonic)
    if recorder.journal is not None:
        quarantine.read(recorder.journal.notes(QUARANTINE))
    return quarantine


def make_probations(
    options: Options, changes: Changes, listed: Callable[[], tuple[Loaded, ...]], health: HealthBook
) -> Probations:
    """Return the probations of a host: what a verdict asks for is begun on a thread of its own."""

    def take_back(loaded: Loaded, number: int, verdict: Verdict) -> None:
        start_change(lambda: changes.take_back(loaded, number, verdict))

    def commit(loaded: Loaded, number: int, passed: Mapping[str, Passed]) -> None:
        start_change(lambda: changes.commit(loaded, number, passed))

    rules = Rules(
        window_s=options.probation_s,
        window_calls=options.probation_calls,
        window_max_s=max(options.probation_max_s, options.probation_s),
    )
    return Probations(
        listed=listed,
        looks=lambda loaded: Looks(loaded, health=lambda: health.counts(loaded), clock_s=time.monotonic),
        clock_s=time.monotonic,
        rules=rules,
        take_back=take_back,
        commit=commit,
    )
